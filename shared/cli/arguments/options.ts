/** Options that several commands have, and how their values are read. */
import { type Command, InvalidArgumentError } from "commander";
import type { CallOptions } from "../../client/client.ts";
import { UsageError } from "../exit_codes.ts";
import type { MigrationFileOptions } from "../files/migration_file.ts";

/** Reads a whole number; its range is the endpoint's to judge. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It should be a whole number.");
  return Number(text);
}

/** Collects names or codes: the option can be repeated, and its value be several with commas. */
export function list(text: string, earlier: string[] = []): string[] {
  return [...earlier, ...text.split(",").map((one) => one.trim()).filter((one) => one !== "")];
}

export interface OperationOptions extends MigrationFileOptions {
  carryPrivileges?: true;
  relocate?: true;
  schema?: string;
  plan?: true;
  acknowledge?: string[];
  expectedPlanHash?: string;
  lockTimeout?: number;
  maxWait?: number;
  notes?: string;
  actor?: string;
  dbUrl?: string;
  sql?: true;
  verbose?: true;
  /** Do not ask. */
  yes?: true;
  /** Ask wherever the project is. Default: only about a finalization and about what is not on this machine. */
  alwaysAsk?: true;
  propose?: true;
  rewriteTexts?: true;
  quiet?: true;
  json?: true;
  markdown?: true;
  /** False with --no-history. */
  history: boolean;
}

export function addOperationOptions(command: Command): Command {
  return command
    .option(
      "--migration-file [path]",
      "write a migration file, and change nothing (supabase/migrations)",
    )
    .option("--plan", "show what would happen, and change nothing")
    .option("--acknowledge <codes>", "accept breaking findings; several with commas", list)
    .option("--expected-plan-hash <hash>", "apply only the plan with this hash")
    .option("--lock-timeout <ms>", "longest wait for one lock (200)", wholeNumber)
    .option("--max-wait <ms>", "how long to keep trying to lock the tables (30000)", wholeNumber)
    .option("--notes <text>", "text to keep with the migration")
    .option("--no-history", "do not record it in the Supabase CLI's migration history")
    .option("--actor <name>", "who asks; recorded after the key's name")
    .option("--yes", "do not ask, neither before a change elsewhere nor before a finalization")
    .option("--sql", "show the statements")
    .option("--verbose", "show everything: statements, checks, notes, ids")
    .option("--quiet", "do not show progress")
    .option("--json", "print the answer, or the problem document, as JSON")
    .option("--markdown", "print the answer, or the problem, as Markdown for a pull request");
}

/** Options of the commands that drop or refresh a view. */
export const addViewOptions = (command: Command): Command =>
  command.option(
    "--carry-privileges",
    "grant or revoke on the table what was granted or revoked on the old name alone",
  ).option(
    "--relocate",
    "in a copied database: take the tables that have the recorded names for the recorded ones",
  );

/** Of commands after which the old name need not stand in texts any more. */
export const addRewriteOption = (command: Command): Command =>
  command.option(
    "--rewrite-texts",
    "use the new name in functions, procedures and cron jobs where every use is certain",
  );

export interface SelectionOptions extends OperationOptions {
  migrationId?: string;
  batchId?: string;
  phase?: string;
}

export function addSelectionOptions(command: Command): Command {
  return command
    .argument("[table]", "old or new name of the table, with its schema or without; case counts")
    .option("--migration-id <id>", "a migration, in place of a table")
    .option("--batch-id <id>", "all renames of one request, by its id or by one of its tables")
    .option("--phase <name>", "all renames of this phase of the project file, batch by batch")
    .option("--schema <name>", "schema of the table (public)");
}

/** @throws {UsageError} Beside the phase something else is selected. */
export function requireOnlyPhase(
  table: string | undefined,
  { migrationId, batchId, schema }: { migrationId?: string; batchId?: string; schema?: string },
): void {
  if (table ?? migrationId ?? batchId ?? schema) {
    throw new UsageError("give --phase or what else to take, not both");
  }
}

/**
 * @param schemaOfProject Of a table, unless an option names another.
 * @throws {UsageError} Unless exactly one of table, migration and batch is given.
 */
export function wantedSelection(
  table: string | undefined,
  { migrationId, batchId, schema }: SelectionOptions,
) {
  if ([table, migrationId, batchId].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError("give exactly one of TABLE, --migration-id, --batch-id and --phase");
  }
  if (table !== undefined) return schema === undefined ? { table } : { table, schema };
  if (schema !== undefined) throw new UsageError("--schema needs TABLE");
  return migrationId !== undefined ? { migration_id: migrationId } : { batch_id: batchId };
}

export function operationFields(options: OperationOptions) {
  const { acknowledge, expectedPlanHash, lockTimeout, maxWait, notes, carryPrivileges, relocate } =
    options;
  const file = options.migrationFile !== undefined;
  return {
    ...((options.plan || file) && { mode: "plan" as const }),
    ...(file && { migration_file: true }),
    ...(options.history === false && { record_history: "never" as const }),
    ...(acknowledge && { acknowledge }),
    ...(expectedPlanHash !== undefined && { expected_plan_hash: expectedPlanHash }),
    ...(lockTimeout !== undefined && { lock_timeout_ms: lockTimeout }),
    ...(maxWait !== undefined && { max_wait_ms: maxWait }),
    ...(notes !== undefined && { notes }),
    ...(carryPrivileges && { carry_privileges: true }),
    ...(relocate && { relocate: true }),
    ...(options.rewriteTexts && { rewrite_texts: true }),
  };
}

/** If an answer is lost, the command asks again with the same key, and the work is done once. Plans need no key. */
export const asOnePiece = ({ plan, migrationFile }: OperationOptions): CallOptions =>
  plan || migrationFile !== undefined
    ? {}
    : { idempotencyKey: crypto.randomUUID(), retries: "unanswered" };

/** With --json only the answer is printed; a plan takes no locks that it could wait for. */
export const showsProgress = ({ plan, migrationFile, quiet, json }: OperationOptions): boolean =>
  !plan && migrationFile === undefined && !quiet && !json;
