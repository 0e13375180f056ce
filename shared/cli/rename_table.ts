/** `rename-table`: gives tables new names, and keeps the old ones usable. */
import type { Command } from "commander";
import type { RenameClient } from "../client/client.ts";
import { fileError, withAllIssues } from "./check_renames.ts";
import { type CommandContext, connect, notVerified, printJson, runCommand } from "./context.ts";
import { CONNECTION_HELP } from "./connection.ts";
import { EXIT, EXIT_CODES_HELP, UsageError } from "./exit_codes.ts";
import { MIGRATION_FILE_HELP, withPath, writeMigrationFile } from "./migration_file.ts";
import {
  addOperationOptions,
  asOnePiece,
  operationFields,
  type OperationOptions,
  showsProgress,
} from "./options.ts";
import { FILE_HELP, readRenamesFile, type RenameEntry, type RenamesFile } from "./renames_file.ts";
import { runOperation } from "./run_operation.ts";
import { describeOperation, reportOperation } from "./show_operation.ts";
import { withProgress } from "./show_progress.ts";
import { callerPath } from "./caller_path.ts";

interface RenameTableOptions extends OperationOptions {
  /** False with --no-view. */
  view: boolean;
  renameIndexes?: true;
  countUse?: true;
  fromFile?: string;
  propose?: true;
  batchId?: string;
}

const EXAMPLES = `Examples:
  npm run cli -- rename-table experts expert_profiles --plan
  npm run cli -- rename-table experts expert_profiles
  npm run cli -- rename-table Orders orders_2024 --schema "Shop.EU"
  npm run cli -- rename-table --from-file renames.csv --notes "phase 2"
  npm run cli -- rename-table experts expert_profiles --migration-file
  npm run cli -- rename-table experts expert_profiles --propose
  npm run cli -- rename-table --batch-id 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10
  npm run --silent cli -- rename-table --from-file renames.csv --plan --markdown > plan.md
  npm run --silent cli -- rename-table experts expert_profiles --json | jq .plan_hash`;

export function addRenameTable(program: Command, context: CommandContext): void {
  const command = program.command("rename-table")
    .summary("give tables new names, and keep the old ones usable")
    .description(
      "Renames a table, or all tables that a file lists, in one transaction. A compatibility view takes " +
        "the old name, so that applications keep working with either.",
    )
    .argument("[old]", "the table's name, as it is: case counts, dots are part of it")
    .argument("[new]", "its new name")
    .option(
      "--schema <name>",
      "schema of the table, or of those in the file that name none (public)",
    )
    .option("--no-view", "leave the old name free: whoever uses it fails from then on")
    .option(
      "--rename-indexes",
      "also rename the indexes, and the constraints they back, that are named after the table",
    )
    .option("--count-use", "have the view count who reads, updates and deletes by the old name")
    .option("--from-file <path>", "rename all that this .json or .csv file lists, or none")
    .option("--propose", "keep the plan as a pending batch, for somebody to apply")
    .option("--batch-id <id>", "apply a proposed batch, if its plan is still the same");
  addOperationOptions(command)
    .addHelpText(
      "after",
      `\n${
        [FILE_HELP, MIGRATION_FILE_HELP, EXAMPLES, EXIT_CODES_HELP, CONNECTION_HELP].join("\n\n")
      }`,
    )
    .action((oldName: string | undefined, newName: string | undefined, options) =>
      renameTable(context, oldName, newName, options)
    );
}

async function renameTable(
  context: CommandContext,
  oldName: string | undefined,
  newName: string | undefined,
  options: RenameTableOptions,
): Promise<void> {
  const { terminal, args } = context;
  if (options.batchId !== undefined) {
    return await applyProposal(context, oldName ?? options.fromFile, options, options.batchId);
  }
  const { renames, places, faults } = await wantedRenames(terminal.env, oldName, newName, options);
  if (options.propose && options.plan) throw new UsageError("give either --plan or --propose");
  if (options.propose && options.migrationFile !== undefined) {
    throw new UsageError("give either --migration-file or --propose");
  }
  const { schema, actor, json, markdown, verbose = false, acknowledge = [], migrationFile } =
    options;
  const inSchema = (rename: RenameEntry) => schema === undefined ? rename : { schema, ...rename };
  const plan = (client: RenameClient) => (some: RenameEntry[]) =>
    client.rename({ renames: some.map(inSchema), mode: "plan" });
  if (faults.length > 0) {
    throw await fileError(options.fromFile!, { renames, places, faults }, async (some) => {
      const { client } = await connect(terminal, actor);
      return await plan(client)(some);
    });
  }
  await runCommand(context, { json, markdown, actor, places }, async ({ client, url }) => {
    const request = {
      renames: renames.map(inSchema),
      ...(!options.view && { compatibility_view: false }),
      ...(options.renameIndexes && { rename_indexes: true }),
      ...(options.countUse && { count_use: true }),
      ...operationFields(options),
      ...(options.propose && { mode: "propose" as const }),
    };
    const answer = await withProgress(
      terminal.err,
      showsProgress(options),
      (onProgress) => client.rename(request, { onProgress, ...asOnePiece(options) }),
    ).catch(async (error) => {
      throw await withAllIssues(error, renames, plan(client));
    });
    const file = migrationFile && await writeMigrationFile(answer, migrationFile, terminal.env);
    if (json) printJson(terminal, withPath(answer, file));
    else {
      const requested = renames.length;
      const about = { url, args, verbose, acknowledged: acknowledge, requested, file };
      const page = { operation: "rename" as const, ...terminal.out, ...about };
      terminal.out.write(
        markdown ? reportOperation(answer, page) : describeOperation(answer, page),
      );
    }
    if (answer.would_be_refused !== undefined) return EXIT.refused;
    return answer.verification?.passed === false ? notVerified(terminal) : EXIT.done;
  });
}

async function applyProposal(
  context: CommandContext,
  names: string | undefined,
  options: RenameTableOptions,
  batchId: string,
): Promise<void> {
  if (
    names !== undefined || options.propose || !options.view || options.renameIndexes ||
    options.countUse ||
    options.schema !== undefined
  ) {
    throw new UsageError("what a proposed batch renames, and how, is what was proposed");
  }
  if (options.migrationFile !== undefined) {
    throw new UsageError(
      "a proposed batch is applied by its id; write a file without proposing it",
    );
  }
  const request = { batch_id: batchId, ...operationFields(options) };
  const { mode, migration_file: _, ...rest } = request;
  await runOperation(
    context,
    "rename",
    options,
    (client, call) => client.rename({ ...rest, ...(mode === "plan" && { mode }) }, call),
  );
}

async function wantedRenames(
  env: CommandContext["terminal"]["env"],
  oldName: string | undefined,
  newName: string | undefined,
  { fromFile }: RenameTableOptions,
): Promise<RenamesFile> {
  if (fromFile !== undefined) {
    if (oldName === undefined) return await readRenamesFile(callerPath(fromFile, env));
    throw new UsageError("give either OLD and NEW or --from-file, not both");
  }
  if (oldName !== undefined && newName !== undefined) {
    return { renames: [{ old_name: oldName, new_name: newName }], places: [], faults: [] };
  }
  throw new UsageError("give the old and the new name, or --from-file");
}
