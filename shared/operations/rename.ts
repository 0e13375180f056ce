/** The rename: the table gets its new name, a compatibility view takes the old one. Or it is proposed. */
import type { Occurring } from "../catalog/occurring.ts";
import { schemasAmong } from "../catalog/names.ts";
import type { WantedUsage } from "../catalog/usage.ts";
import type { RenameRequest } from "../contract/requests.ts";
import type { OperationAnswer, Verification } from "../contract/responses.ts";
import type { Facts, TextSources } from "../facts/facts.ts";
import { fingerprint } from "../facts/fingerprint.ts";
import type { NameChange } from "../facts/names_in_rows.ts";
import { dependencies, renamedTables } from "../findings/analysis.ts";
import { sameColumns } from "../plan/migration_file.ts";
import { isOffLimits, lookUp, refuseTogether, requireServer } from "../plan/refusals.ts";
import { planRename, type RenamePlan } from "../plan/rename.ts";
import type { Connected } from "../postgres/begin.ts";
import type { RelationName } from "../postgres/locks/blockers.ts";
import type { Session } from "../postgres/connection/database.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { splitNames } from "../sql/closest_names.ts";
import { type BatchHead, newRows, trackBatch } from "../tracking/migration_file.ts";
import { insertBatch, type NewMigration, noteViews } from "../tracking/migrations.ts";
import { holdersFromRows, trackedByNames } from "../tracking/read_migrations.ts";
import { applyChange, lockTables } from "./steps/apply_change.ts";
import {
  answerChange,
  type PlannedChange,
  runChange,
  startChange,
  type Transaction,
} from "./steps/change.ts";
import type { OperationContext } from "./steps/context.ts";
import { withSuggestions } from "./steps/explain_missing.ts";
import { type FileParts, historyChoice, linesForHead, slug } from "./steps/history.ts";
import { readFactsToPlan, withNamesInRows } from "./steps/reading.ts";
import { noteSnapshots, renewUsage } from "./steps/usage.ts";
import { verifyRename } from "./steps/verify_change.ts";

/** The part of a request that decides its plan; kept with a proposal. */
export type WhatToRename = Pick<
  RenameRequest,
  "renames" | "compatibility_view" | "rename_indexes" | "count_use"
>;

export interface PlannedRename extends PlannedChange<RenamePlan> {
  connection: Connected;
  /** The old names that views keep, whose use is looked at. */
  oldNames: WantedUsage[];
}

/**
 * Renames the tables of a request, all or none; or proposes it, which changes nothing but the record.
 *
 * @throws {Problem} Any code of the contract that is about tables, plans, locks or the database.
 */
export async function rename(
  context: OperationContext,
  request: RenameRequest,
): Promise<OperationAnswer> {
  const { renames } = request;
  const batchId = crypto.randomUUID();
  const ids = renames.map(() => crypto.randomUUID());
  const change = startChange(context, request, {
    operation: "rename",
    batch_id: null,
    details: { renames: renames.slice(0, 20), renames_total: renames.length },
  });
  return await runChange(change, async () => {
    const outcome = await applyChange(
      change,
      (transaction) => prepare(transaction, request, batchId, ids),
    );
    return await answerChange(change, outcome, (planned) => verifyRenamed(context, planned));
  });
}

async function prepare(
  transaction: Transaction,
  request: RenameRequest,
  batchId: string,
  ids: string[],
): Promise<PlannedRename> {
  const { session, connection } = transaction;
  const { renames } = request;
  // Nothing is locked there: this plan is refused, with everything else that is wrong.
  if (renames.some(isOffLimits)) {
    await readAndPlanRename(session, request, { statements: null, cron: false });
  }
  const expected = await lockTables(transaction, namesOf(renames), tablesOf(renames));
  const plan = await readAndPlanRename(session, request, connection.sources, { expected });
  const planned = plannedRename(transaction, plan, { batchId, ids, request });
  return {
    ...planned,
    makesMigrations: true,
    recordAhead: () =>
      insertBatch({
        ...planned.head,
        migrations: planned.migrations(planned.history.recorded),
        status: request.mode === "propose" ? "pending" : "active",
      }),
  };
}

/** What a rename records, proposed before or not; `recordAhead` is added by each. */
export function plannedRename(
  { change: { context, request: changeRequest }, connection }: Transaction,
  plan: RenamePlan,
  { batchId, ids, request }: {
    batchId: string;
    ids: string[];
    request: WhatToRename & Pick<RenameRequest, "acknowledge">;
  },
) {
  const { compatibility_view } = request;
  const head: BatchHead = {
    batch_id: batchId,
    plan_hash: plan.hash,
    actor: context.actor,
    notes: changeRequest.notes,
    compatibility_view,
  };
  const migrations = (inHistory: boolean) => newMigrations(plan, ids, request, inHistory);
  const oldNames = compatibility_view
    ? plan.tables.map(({ rename: { old_name } }, index) => ({ id: ids[index], old_name }))
    : [];
  return {
    plan,
    batch_id: batchId,
    ids,
    head,
    migrations,
    tables: () => renamedTables(plan),
    history: historyChoice(changeRequest, connection.history),
    file: () => renameFile(plan, head, () => migrations(true)),
    recordBefore: [
      ...noteSnapshots(connection.statistics, oldNames),
      ...(compatibility_view ? [noteViews(madeViews(plan, ids))] : []),
    ],
    record: [],
    connection,
    oldNames,
  };
}

const madeViews = ({ tables }: RenamePlan, ids: string[]) =>
  tables.flatMap(({ view }, index) => view === null ? [] : [{ id: ids[index], name: view.name }]);

export async function verifyRenamed(
  context: OperationContext,
  { plan, ids, connection, oldNames }: PlannedRename,
): Promise<Verification> {
  await renewUsage(context, connection, oldNames);
  return await verifyRename(context, plan, ids);
}

/**
 * @param proposal The batch that is being applied, whose own rows do not hold the names. Default: none.
 * @param expected What `lockTables` has found.
 */
export async function readAndPlanRename(
  session: Session,
  { renames, compatibility_view, rename_indexes, count_use }: WhatToRename,
  sources: TextSources,
  { proposal = null, expected }: { proposal?: string | null; expected?: Occurring } = {},
): Promise<RenamePlan> {
  const names = namesOf(renames);
  const prefixes = renames.flatMap(({ new_name }) => splitNames(new_name))
    .map(({ schema }) => schema);
  const { facts, rows: [holders, schemaRows = []] } = await readFactsToPlan(session, {
    names,
    oids: [],
    mentioned: renames.map(({ old_name }) => old_name),
    sources,
    analysis: true,
    ...(rename_indexes &&
      { indexes: { oids: [], newNames: renames.map(({ new_name }) => new_name) } }),
    expected,
  }, [
    trackedByNames(names, proposal),
    ...(prefixes.length > 0 ? [schemasAmong(prefixes)] : []),
  ]);
  const tracked = holdersFromRows(holders);
  const schemas = schemaRows.map(({ schema }) => String(schema));
  requireServer(facts.session.server_version);
  const { refusals } = lookUp(renames, facts, tracked, schemas);
  if (refusals.length > 0) throw refuseTogether(await withSuggestions(session, refusals));
  const whole = await withNamesInRows(session, facts, nameChanges(renames, facts));
  return await planRename(renames, whole, tracked, {
    compatibilityView: compatibility_view,
    renameIndexes: rename_indexes,
    countUse: count_use,
    schemas,
  });
}

/** The changes of names of the tables that exist; the plan refuses those that do not. */
function nameChanges(renames: RenameRequest["renames"], { names }: Facts): NameChange[] {
  const key = (schema: string, name: string) => JSON.stringify([schema, name]);
  const tables = new Map(names.map(({ schema, name, relation }) => [key(schema, name), relation]));
  return renames.flatMap(({ schema, old_name, new_name }) => {
    const table = tables.get(key(schema, old_name));
    return table == null ? [] : [{ oid: table.oid, schema, from: old_name, to: new_name }];
  });
}

export const namesOf = (renames: RenameRequest["renames"]): RelationName[] =>
  renames.flatMap(({ schema, old_name, new_name }) => [
    { schema, name: old_name },
    { schema, name: new_name },
  ]);

export const tablesOf = (renames: RenameRequest["renames"]): RelationName[] =>
  renames.map(({ schema, old_name }) => ({ schema, name: old_name }));

function newMigrations(
  plan: RenamePlan,
  ids: string[],
  { rename_indexes, count_use, acknowledge }: Pick<
    RenameRequest,
    "rename_indexes" | "count_use" | "acknowledge"
  >,
  inHistory: boolean,
): NewMigration[] {
  const dependenciesByTable = dependencies(plan);
  return plan.tables.map(({ rename, facts, statements, indexes }, index) => ({
    id: ids[index],
    schema_name: rename.schema,
    old_name: rename.old_name,
    new_name: rename.new_name,
    table_oid: facts.oid,
    dependencies: dependenciesByTable[index],
    plan: {
      statements,
      indexes,
      request: { rename_indexes, count_use, acknowledge },
      ...(inHistory && { in_history: true }),
    },
    fingerprint: { before: fingerprint(facts) },
  }));
}

function renameFile(
  { tables }: RenamePlan,
  batch: BatchHead,
  migrations: () => NewMigration[],
): FileParts {
  const [{ rename }] = tables;
  const effect = batch.compatibility_view
    ? "a compatibility view keeps the old name"
    : "the old name is free";
  return {
    name: tables.length === 1
      ? `rename_${slug(rename.old_name)}_to_${slug(rename.new_name)}`
      : `rename_${slug(rename.old_name)}_and_${tables.length - 1}_more`,
    about: linesForHead(
      tables.map(({ rename: { schema, old_name, new_name } }) =>
        `Renames ${qualified(schema, old_name)} to ${ident(new_name)}; ${effect}.`
      ),
    ),
    tables: tables.map(({ facts: { schema, name } }) => ({ schema, name })),
    tableGuards: [sameColumns(tables.map(({ facts }) => facts))],
    tracking: (rows) => [trackBatch(batch, rows?.marker ?? newRows(migrations()))],
    newBatch: true,
  };
}
