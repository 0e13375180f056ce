/** Options that several commands have, and how their values are read. */
import { type Command, InvalidArgumentError } from "commander";
import type { CallOptions } from "../client/client.ts";
import { UsageError } from "./exit_codes.ts";
import { addMigrationFile, type MigrationFileOptions } from "./migration_file.ts";

/** Reads a whole number; its range is the endpoint's to judge. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It should be a whole number.");
  return Number(text);
}

/** Collects codes: the option can be repeated, and its value be several codes with commas. */
function codes(text: string, earlier: string[] = []): string[] {
  return [...earlier, ...text.split(",").map((code) => code.trim()).filter((code) => code !== "")];
}

/** Collects names of columns, as they are but for white space around the commas. */
export const columnNames = codes;

/** What the commands that change something have in common. */
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
  verbose?: true;
  quiet?: true;
  json?: true;
  markdown?: true;
  /** False with --no-history. */
  history: boolean;
}

export function addOperationOptions(command: Command): Command {
  return addMigrationFile(command)
    .option("--plan", "show the statements and findings, and change nothing")
    .option("--acknowledge <codes>", "accept breaking findings; several with commas", codes)
    .option("--expected-plan-hash <hash>", "apply only exactly the plan with this hash")
    .option("--lock-timeout <ms>", "longest wait for one lock (200)", wholeNumber)
    .option("--max-wait <ms>", "how long to go on trying for the locks (30000)", wholeNumber)
    .option("--notes <text>", "kept with the migration")
    .option("--no-history", "do not record it in the Supabase CLI's migration history")
    .option("--actor <name>", "who asks, recorded behind the key's name")
    .option("--verbose", "show every statement as a whole")
    .option("--quiet", "do not show how it is going while it runs")
    .option("--json", "print the answer, or the problem document, as JSON")
    .option("--markdown", "print the answer, or the problem, as Markdown for a pull request");
}

/** The options of the commands that end or renew a view. */
export const addCarryPrivileges = (command: Command): Command =>
  command.option(
    "--carry-privileges",
    "what was granted or revoked on the old name alone is granted or revoked on the table",
  ).option(
    "--relocate",
    "in a copied database: what has the recorded names is what the record means",
  );

/** A selection of migrations, by table or by id. */
export interface SelectionOptions extends OperationOptions {
  migrationId?: string;
  batchId?: string;
}

export function addSelectionOptions(command: Command): Command {
  return command
    .argument("[table]", "old or new name of the table, as it is: case counts")
    .option("--migration-id <id>", "the migration instead of a table")
    .option("--batch-id <id>", "all renames of one request, all or none")
    .option("--schema <name>", "schema of the table (public)");
}

/** @throws {UsageError} Unless exactly one thing is selected. */
export function wantedSelection(table: string | undefined, options: SelectionOptions) {
  const { migrationId, batchId, schema } = options;
  if ([table, migrationId, batchId].filter((given) => given !== undefined).length !== 1) {
    throw new UsageError("give exactly one of TABLE, --migration-id and --batch-id");
  }
  if (table !== undefined) return schema === undefined ? { table } : { table, schema };
  if (schema !== undefined) throw new UsageError("--schema goes with TABLE only");
  return migrationId !== undefined ? { migration_id: migrationId } : { batch_id: batchId };
}

/** The fields of a request body that these options stand for. */
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
  };
}

/**
 * A command's work is done once, however often it has to be asked for: where the answer is lost on its way, it is
 * asked for again. A plan does nothing that could be done twice.
 */
export const asOnePiece = ({ plan, migrationFile }: OperationOptions): CallOptions =>
  plan || migrationFile !== undefined
    ? {}
    : { idempotencyKey: crypto.randomUUID(), retries: "unanswered" };

/** With --json the answer is all there is; a plan takes no locks that it could wait for. */
export const showsProgress = ({ plan, migrationFile, quiet, json }: OperationOptions): boolean =>
  !plan && migrationFile === undefined && !quiet && !json;
