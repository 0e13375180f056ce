/** `rename-table`: gives tables new names, and keeps the old ones usable. */
import type { Command } from "commander";
import type { RenameClient } from "../../client/client.ts";
import { PROGRAM, SILENT_PROGRAM } from "../arguments/command_line.ts";
import { type CommandContext, connect } from "../context.ts";
import { addHelp } from "../arguments/help.ts";
import { UsageError } from "../exit_codes.ts";
import { findPhase, schemasOf } from "../campaign/phases.ts";
import { renameMany } from "../campaign/rename_many.ts";
import { tablesOf } from "../campaign/tables.ts";
import { byList, patternsFrom } from "../campaign/wanted.ts";
import { byPattern } from "../../contract/new_names.ts";
import { fileError, withAllIssues } from "../files/check_renames.ts";
import { MIGRATION_FILE_HELP } from "../files/migration_file.ts";
import { callerPath } from "../files/paths.ts";
import {
  FILE_HELP,
  readRenamesFile,
  type RenameEntry,
  type RenamesFile,
} from "../files/renames_file.ts";
import { runOperation, type Send } from "../operation.ts";
import { defaultSchema } from "../project/defaults.ts";
import {
  addOperationOptions,
  list,
  operationFields,
  type OperationOptions,
  wholeNumber,
} from "../arguments/options.ts";
import { counted } from "../../report/document/text.ts";
import { withoutNames } from "../arguments/selection.ts";
import { NAMES_HELP, readName, readNewName } from "../arguments/table_names.ts";

interface RenameTableOptions extends OperationOptions {
  /** False with --no-view. */
  view: boolean;
  renameIndexes?: true;
  countUse?: true;
  fromFile?: string;
  batchId?: string;
  match?: string[];
  to?: string[];
  schemas?: string[];
  phase?: string;
  wave?: number;
  write?: string;
}

/** What a batch takes; more are renamed in waves. */
const LARGEST_BATCH = 1_000;

const several = (value: string, earlier: string[] = []) => [...earlier, value];

const EXAMPLES = `Examples:
  ${PROGRAM} rename-table experts expert_profiles --plan
  ${PROGRAM} rename-table experts expert_profiles
  ${PROGRAM} rename-table Orders orders_2024 --schema "Shop.EU"
  ${PROGRAM} rename-table --from-file renames.csv --notes "phase 2"
  ${PROGRAM} rename-table --match '^document_(.*)$' --to 'doc_$1' --plan
  ${PROGRAM} rename-table --match '^document_(.*)$' --to 'doc_$1' --write renames.csv
  ${PROGRAM} rename-table --phase documents --wave 50
  ${PROGRAM} rename-table experts expert_profiles --migration-file
  ${PROGRAM} rename-table experts expert_profiles --propose
  ${PROGRAM} rename-table --batch-id 6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10
  ${SILENT_PROGRAM} rename-table --from-file renames.csv --plan --markdown > plan.md
  ${SILENT_PROGRAM} rename-table experts expert_profiles --json | jq .plan_hash`;

const PATTERN_HELP = `Many tables:
  --match is a regular expression of JavaScript; of several, the first that matches a name counts.
  More than 1,000 tables are renamed in waves. It stops at the first that is refused; the same
  command goes on. Tables that have their new names already are left out.`;

export function addRenameTable(program: Command, context: CommandContext): void {
  const command = program.command("rename-table")
    .description(
      "Renames a table, or all tables that a file lists, in one transaction. A compatibility view takes " +
        "the old name, so that applications keep working with either.",
    )
    .argument("[old]", "the table's name, with its schema or without; case counts")
    .argument("[new]", "its new name")
    .option(
      "--schema <name>",
      "schema of the table, or of those in the file that name none (public)",
    )
    .option("--no-view", "leave the old name free: queries that use it fail from then on")
    .option(
      "--rename-indexes",
      "also rename the indexes that are named after the table, and the constraints they back",
    )
    .option("--count-use", "have the view count reads, updates and deletes by the old name")
    .option("--from-file <path>", "rename all tables that this .json or .csv file lists, or none")
    .option(
      "--match <pattern>",
      "rename all tables that match this regular expression; can be repeated, each with its --to",
      several,
    )
    .option("--to <name>", "the new name of what matches; $1 is the first group", several)
    .option("--schemas <names>", "with --match: several schemas; * is any text: 'tenant_*'", list)
    .option("--phase <name>", "rename the tables of this phase of the project file")
    .option(
      "--wave <n>",
      "rename in waves of so many tables at most (1000), each all or nothing",
      wholeNumber,
    )
    .option("--write <path>", "write the renames to this .csv or .json file, and rename nothing")
    .option("--propose", "keep the plan as a pending batch that somebody can apply later")
    .option(
      "--batch-id <id>",
      "apply a proposed batch, by its id or by one of its tables, if its plan is still the same",
    );
  addHelp(
    addOperationOptions(command),
    EXAMPLES,
    NAMES_HELP,
    PATTERN_HELP,
    FILE_HELP,
    MIGRATION_FILE_HELP,
  )
    .action((oldName?: string, newName?: string, options?: RenameTableOptions) =>
      renameTable(context, oldName, newName, options!)
    );
}

async function renameTable(
  context: CommandContext,
  oldName: string | undefined,
  newName: string | undefined,
  options: RenameTableOptions,
): Promise<void> {
  const { batchId, fromFile, propose, schema } = options;
  if (batchId !== undefined) {
    return await applyProposal(context, oldName ?? fromFile, options, batchId);
  }
  if (propose && options.plan) throw new UsageError("give either --plan or --propose");
  if (propose && options.migrationFile !== undefined) {
    throw new UsageError("give either --migration-file or --propose");
  }
  if (options.match ?? options.to ?? options.phase ?? options.schemas) {
    return await renameByPattern(context, oldName ?? fromFile, options);
  }
  const { renames, places, faults } = await wantedRenames(context, oldName, newName, options);
  const schemaOfAll = schema ?? defaultSchema(context);
  const inSchema = (rename: RenameEntry) =>
    schemaOfAll === undefined ? rename : { schema: schemaOfAll, ...rename };
  const planWith = (client: RenameClient) => (some: RenameEntry[]) =>
    client.rename({ renames: some.map(inSchema), mode: "plan" });
  if (faults.length > 0) {
    throw await fileError(fromFile!, { renames, places, faults }, async (some) => {
      const { client } = await connect(context, options);
      return await planWith(client)(some);
    });
  }
  if (fromFile !== undefined && (options.wave ?? options.write ?? renames.length > LARGEST_BATCH)) {
    const listed = renames.map((one, index) => ({
      schema: schemaOfAll ?? "public",
      ...one,
      place: places[index],
    }));
    return await renameMany(context, options, renameFields(options), async (client) => {
      const tables = await tablesOf(client, schemasOf(listed));
      return { wanted: byList(tables, listed), tables };
    });
  }
  if (options.wave !== undefined || options.write !== undefined) {
    throw new UsageError("--wave and --write go with --match, --phase or --from-file");
  }
  const request = { renames: renames.map(inSchema), ...renameFields(options) };
  const send: Send = (client, call, changes) =>
    client.rename({ ...request, ...changes }, call).catch(async (error) => {
      throw await withAllIssues(error, renames, planWith(client));
    });
  await runOperation(context, "rename", options, send, places);
}

const renameFields = (options: RenameTableOptions) => ({
  ...(!options.view && { compatibility_view: false }),
  ...(options.renameIndexes && { rename_indexes: true }),
  ...(options.countUse && { count_use: true }),
  ...operationFields(options),
  ...(options.propose && { mode: "propose" as const }),
});

async function renameByPattern(
  context: CommandContext,
  names: string | undefined,
  options: RenameTableOptions,
): Promise<void> {
  const { match, to, phase, schema, schemas } = options;
  if (names !== undefined) {
    throw new UsageError("give one of OLD and NEW, --from-file, --match and --phase");
  }
  if (phase !== undefined) {
    const other = match ?? to ?? schemas ?? schema;
    if (other) throw new UsageError("--phase has names and schemas from the project file");
    return await renameMany(
      context,
      options,
      renameFields(options),
      (client) => findPhase(context, client, phase),
    );
  }
  if (match === undefined) throw new UsageError("--to and --schemas go with --match");
  if (schema !== undefined && schemas !== undefined) {
    throw new UsageError("give either --schema or --schemas");
  }
  const patterns = patternsFrom(match, to ?? []);
  const where = schemas ??
    (schema === undefined ? context.project?.settings.schemas ?? ["public"] : [schema]);
  await renameMany(context, options, renameFields(options), async (client) => {
    const tables = await tablesOf(client, where);
    const wanted = byPattern(tables, patterns);
    if (wanted.length > 0) return { wanted, tables };
    throw new UsageError(
      `no table matches ${match.join(" or ")}; ${counted(tables.length, "table")} in ${
        where.join(", ")
      } do not`,
    );
  });
}

async function applyProposal(
  context: CommandContext,
  names: string | undefined,
  options: RenameTableOptions,
  batchId: string,
): Promise<void> {
  const { propose, view, renameIndexes, countUse, schema, migrationFile } = options;
  if (
    names !== undefined || (options.match ?? options.phase) || propose || !view || renameIndexes ||
    countUse || schema !== undefined
  ) {
    throw new UsageError(
      "--batch-id applies a batch as it was proposed: give neither names nor options of a rename",
    );
  }
  if (migrationFile !== undefined) {
    throw new UsageError(
      "a proposed batch cannot be written to a migration file; leave out --propose to write one",
    );
  }
  const { mode, migration_file: _, ...fields } = operationFields(options);
  await runOperation(context, "rename", options, async (client, call, changes) => {
    const { batch_id } = await withoutNames(client, { batch_id: batchId }, defaultSchema(context));
    const request = { batch_id: batch_id!, ...fields, ...(mode === "plan" && { mode }) };
    return await client.rename({ ...request, ...changes }, call);
  });
}

async function wantedRenames(
  context: CommandContext,
  oldName: string | undefined,
  newName: string | undefined,
  { fromFile, schema }: RenameTableOptions,
): Promise<RenamesFile> {
  if (fromFile !== undefined) {
    const { env } = context.terminal;
    if (oldName === undefined) return await readRenamesFile(callerPath(fromFile, env), fromFile);
    throw new UsageError("give either OLD and NEW or --from-file, not both");
  }
  if (oldName !== undefined && newName !== undefined) {
    const old = readName(oldName, schema);
    const table = {
      schema: old.schema ?? defaultSchema(context) ?? "public",
      name: old.name,
      given: schema !== undefined,
    };
    const rename = {
      ...(old.schema !== undefined && { schema: old.schema }),
      old_name: old.name,
      new_name: readNewName(newName, table),
    };
    return { renames: [rename], places: [], faults: [] };
  }
  throw new UsageError(
    `give the old and the new name, such as ${PROGRAM} rename-table orders purchases; for many tables, ` +
      "--from-file, --match or --phase",
  );
}
