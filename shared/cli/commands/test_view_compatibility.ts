/** `test-view-compatibility`: tests whether an old name still does what its table does. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { VERIFY_CHECKS, type VerifyInput } from "../../contract/requests.ts";
import { describeCompatibility } from "../../report/compatibility.ts";
import type { RenameClient } from "../../client/client.ts";
import type { Migration } from "../../contract/responses.ts";
import { allMigrations } from "../../client/all_migrations.ts";
import { ofPhase } from "../campaign/migrations.ts";
import { phaseNamed } from "../campaign/phases.ts";
import { verifyMany } from "../campaign/verify_many.ts";
import { PROGRAM, SILENT_PROGRAM } from "../arguments/command_line.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { EXIT, UsageError } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { NAMES_HELP } from "../arguments/table_names.ts";
import { list, wholeNumber } from "../arguments/options.ts";
import { withProgress } from "../terminal/progress.ts";
import { defaultSchema } from "../project/defaults.ts";
import { withoutNames } from "../arguments/selection.ts";

interface TestOptions {
  dbUrl?: string;
  schema?: string;
  batchId?: string;
  batch?: string;
  phase?: string;
  allActive?: true;
  check?: NonNullable<VerifyInput["checks"]>;
  claims?: NonNullable<VerifyInput["claims"]>;
  maxMs?: number;
  maxRows?: number;
  maxCost?: number;
  acknowledge?: string[];
  markdown?: true;
  quiet?: true;
  verbose?: true;
  json?: true;
}

const ABOUT =
  "Uses an active rename's table by both names, and tests whether the old name still does what the table does: " +
  "reads and writes for every role, joins with related tables, query plans and their cost, and the Data API. Writes " +
  "are executed and rolled back; where a trigger could have effects outside of the database they are only explained.";

const EXAMPLES = `Examples:
  ${PROGRAM} test-view-compatibility experts
  ${PROGRAM} test-view-compatibility --all-active
  ${PROGRAM} test-view-compatibility --phase documents
  ${PROGRAM} test-view-compatibility experts --check reads --check writes
  ${PROGRAM} test-view-compatibility experts --claims '{"role":"authenticated","sub":"…"}'
  ${SILENT_PROGRAM} test-view-compatibility experts --markdown > report.md`;

export function addTestViewCompatibility(program: Command, context: CommandContext): void {
  const command = program.command("test-view-compatibility")
    .description(ABOUT)
    .argument(
      "[table]",
      "old or new name of the table, with its schema or without; or a migration's id",
    )
    .option("--schema <name>", "schema of the table, where it is named (public)")
    .option("--batch-id <id>", "all active renames of a batch, by its id or by one of its tables")
    .addOption(new Option("--batch <id>", "the same").hideHelp())
    .option("--phase <name>", "all active renames of this phase of the project file")
    .option("--all-active", "all active renames")
    .addOption(
      new Option("--check <name>", "only this test; can be repeated (all)")
        .choices(VERIFY_CHECKS).argParser(checkName),
    )
    .option("--claims <json>", "JWT claims to try as well; can be repeated (none)", claims)
    .option("--max-ms <ms>", "longest time of one trial, and of all timed runs (2000)", wholeNumber)
    .option("--max-rows <n>", "rows to read from each end, if not all are read (1000)", wholeNumber)
    .option("--max-cost <n>", "estimated cost up to which all rows are read (10000)", wholeNumber)
    .option(
      "--acknowledge <codes>",
      "trigger_missing: a trigger was changed on purpose; failed_before: what cannot find an object " +
        "failed before the rename, too",
      list,
    )
    .option("--verbose", "show every test with all its figures")
    .option("--markdown", "print the report as Markdown")
    .option("--quiet", "do not show progress")
    .option("--json", "print the answer, or the problem document, as JSON");
  addHelp(command, EXAMPLES, NAMES_HELP)
    .action((migration: string | undefined, options: TestOptions) =>
      test(context, migration, options)
    );
}

type CheckName = (typeof VERIFY_CHECKS)[number];

function checkName(text: string, earlier: CheckName[] = []): CheckName[] {
  const name = VERIFY_CHECKS.find((check) => check === text);
  if (name !== undefined) return [...earlier, name];
  throw new InvalidArgumentError(`Allowed choices are ${VERIFY_CHECKS.join(", ")}.`);
}

type Claims = NonNullable<VerifyInput["claims"]>;

function claims(text: string, earlier: Claims = []): Claims {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return [...earlier, value as Claims[number]];
    }
  } catch {
    // The error below says it.
  }
  throw new InvalidArgumentError("It should be a JSON object.");
}

async function test(
  context: CommandContext,
  migration: string | undefined,
  options: TestOptions,
): Promise<void> {
  const { terminal } = context;
  const { json, markdown, quiet, schema, check, claims, maxMs, maxRows, maxCost, acknowledge } =
    options;
  const { phase, allActive, batchId = options.batch } = options;
  const given = [migration, batchId, phase, allActive].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new UsageError("give exactly one of TABLE, --batch-id, --phase and --all-active");
  }
  if (phase !== undefined) phaseNamed(context, phase);
  await runCommand(context, options, async ({ client, url }) => {
    const trials = {
      checks: check,
      claims,
      max_ms: maxMs,
      max_rows: maxRows,
      max_cost: maxCost,
      acknowledge,
    };
    if (migration === undefined) {
      const active = await activeOf(context, client, { batchId, phase, schema });
      return await verifyMany(context, { client, url }, active, trials, options);
    }
    const request: VerifyInput = {
      ...await withoutNames(client, { table: migration, schema }, defaultSchema(context)),
      ...trials,
    };
    if (markdown) {
      const report = await client.verifyReport(request);
      terminal.out.write(report.trimEnd());
      return /^# .*: passed$/m.test(report) ? EXIT.done : EXIT.notVerified;
    }
    const answer = await withProgress(
      terminal.err,
      !quiet && !json,
      (onProgress) => client.verify(request, { onProgress }),
    );
    printAnswer(context, answer, () => describeCompatibility(answer, { url }), options);
    return answer.passed ? EXIT.done : EXIT.notVerified;
  });
}

/** The active renames of a batch or phase, or all. */
async function activeOf(
  context: CommandContext,
  client: RenameClient,
  { batchId, phase, schema }: { batchId?: string; phase?: string; schema?: string },
): Promise<Migration[]> {
  const { batch_id } = batchId === undefined
    ? {}
    : await withoutNames(client, { batch_id: batchId }, defaultSchema(context));
  const active = await allMigrations(client, { status: "active", batch_id, schema });
  return phase === undefined ? active : await ofPhase(context, client, phase, active);
}
