/** The rename: the table gets its new name, a compatibility view takes the old one. Or it is proposed. */
import { factsFromRow, factsMessage } from "../catalog/read_facts.ts";
import { schemasAmong } from "../catalog/tables.ts";
import type { RenameRequest } from "../contract/requests.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import type { Connected } from "../postgres/apply_plan.ts";
import type { RelationName } from "../postgres/blockers.ts";
import type { Session } from "../postgres/database.ts";
import { dependencies, renamedTables } from "../findings/analysis.ts";
import type { Facts, TextSources } from "../facts/facts.ts";
import { fingerprint } from "../facts/fingerprint.ts";
import type { NameChange } from "../facts/names_in_rows.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { planRename, type RenamePlan, requireServer } from "../plan/rename.ts";
import { isOffLimits, lookUp, refuseTogether } from "../plan/rename_refusals.ts";
import { sameColumns } from "../plan/replay_guards.ts";
import { splitNames } from "../sql/schema_in_name.ts";
import {
  holdersFromRows,
  insertBatch,
  type NewMigration,
  noteViews,
  trackedByNames,
} from "../tracking/migrations.ts";
import { type BatchHead, newRows, trackBatch } from "../tracking/replay.ts";
import { change } from "./change.ts";
import type { OperationContext } from "./context.ts";
import { listedLines, type Replay, slug } from "./history.ts";
import { withNamesInRows } from "./names_in_rows.ts";
import { withSuggestions } from "./suggestions.ts";
import { noteSnapshots, renewUsage } from "./usage.ts";
import { verifyRename } from "./verify_rename.ts";

/** What of a request decides its plan; kept with a proposal. */
export type WhatToRename = Pick<
  RenameRequest,
  "renames" | "compatibility_view" | "rename_indexes" | "count_use"
>;

/**
 * Renames the tables of a request, all or none; or proposes it, which changes nothing but the record.
 *
 * @throws {Problem} Any code of the contract that is about tables, plans, locks or the database.
 */
export async function rename(
  context: OperationContext,
  request: RenameRequest,
): Promise<OperationAnswer> {
  const batchId = crypto.randomUUID();
  const ids = request.renames.map(() => crypto.randomUUID());
  const wanted = request.compatibility_view
    ? request.renames.map(({ old_name }, index) => ({ id: ids[index], old_name }))
    : [];
  let connection: Connected | undefined;
  const head = (plan: RenamePlan) => ({
    batch_id: batchId,
    plan_hash: plan.hash,
    actor: context.actor,
    notes: request.notes,
    compatibility_view: request.compatibility_view,
  });
  const rows = (plan: RenamePlan, inHistory: boolean) =>
    newMigrations(plan, ids, request, inHistory);
  return await change<null, RenamePlan>(context, request, {
    operation: "rename",
    batchId,
    details: { renames: request.renames.slice(0, 20), renames_total: request.renames.length },
    select: async (session) => {
      // Nothing is locked there; to plan it says what else is wrong.
      if (request.renames.some(isOffLimits)) {
        await readAndPlanRename(session, request, { statements: null, cron: false });
      }
      return null;
    },
    names: () => namesOf(request.renames),
    tables: () => tablesOf(request.renames),
    plan: (session, _, { sources }) => readAndPlanRename(session, request, sources),
    recordAhead: (plan, inHistory) =>
      insertBatch({
        ...head(plan),
        migrations: rows(plan, inHistory),
        status: request.mode === "propose" ? "pending" : "active",
      }),
    replay: (plan) => replayRename(plan, head(plan), () => rows(plan, true)),
    recordBefore: (_, connected) => {
      connection = connected;
      return noteSnapshots(connected.statistics, wanted);
    },
    record: () => (request.compatibility_view ? [noteViews(batchId)] : []),
    migrations: (_, mode) => (mode === "plan" ? [] : ids),
    tablesOf: renamedTables,
    verify: async (plan) => {
      await renewUsage(context, connection!, wanted);
      return await verifyRename(context, plan, ids);
    },
  });
}

/**
 * Reads the facts and makes the plan of a rename.
 *
 * @param proposal The batch that is being applied, whose own rows are in nobody's way.
 */
export async function readAndPlanRename(
  session: Session,
  { renames, compatibility_view, rename_indexes, count_use }: WhatToRename,
  sources: TextSources,
  proposal: string | null = null,
): Promise<RenamePlan> {
  const names = namesOf(renames);
  const mentioned = renames.map(({ old_name }) => old_name);
  const message = factsMessage({
    names,
    oids: [],
    mentioned,
    sources,
    analysis: true,
    ...(rename_indexes &&
      { indexes: { oids: [], newNames: renames.map(({ new_name }) => new_name) } }),
  });
  const prefixes = renames.flatMap(({ new_name }) => splitNames(new_name))
    .map(({ schema }) => schema);
  const [, [row], rows, schemaRows = []] = await session.runAll([
    message,
    trackedByNames(names, proposal),
    ...(prefixes.length > 0 ? [schemasAmong(prefixes)] : []),
  ].join(";\n"));
  const facts = factsFromRow(row as { facts: string });
  const tracked = holdersFromRows(rows);
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

/** The tables that there are of the request's; what is missing is told by the plan. */
const nameChanges = (renames: RenameRequest["renames"], { names }: Facts): NameChange[] =>
  renames.flatMap(({ schema, old_name, new_name }) => {
    const oid = names.find((one) => one.schema === schema && one.name === old_name)?.relation?.oid;
    return oid === undefined ? [] : [{ oid, schema, from: old_name, to: new_name }];
  });

export const namesOf = (renames: RenameRequest["renames"]): RelationName[] =>
  renames.flatMap(({ schema, old_name, new_name }) => [
    { schema, name: old_name },
    { schema, name: new_name },
  ]);

export const tablesOf = (renames: RenameRequest["renames"]): RelationName[] =>
  renames.map(({ schema, old_name }) => ({ schema, name: old_name }));

/** What hangs on the tables of a plan; told of twice, in the record and in the migration history. */
const dependents = new WeakMap<RenamePlan, ReturnType<typeof dependencies>>();

/** The rows of a plan's renames, with what else of the request decided it. */
export function newMigrations(
  plan: RenamePlan,
  ids: string[],
  { rename_indexes, count_use, acknowledge }: Pick<
    RenameRequest,
    "rename_indexes" | "count_use" | "acknowledge"
  >,
  inHistory: boolean,
): NewMigration[] {
  const hanging = dependents.get(plan) ?? dependencies(plan);
  dependents.set(plan, hanging);
  return plan.tables.map(({ rename, facts, statements, indexes }, index) => ({
    id: ids[index],
    schema_name: rename.schema,
    old_name: rename.old_name,
    new_name: rename.new_name,
    table_oid: facts.oid,
    dependencies: hanging[index],
    plan: {
      statements,
      indexes,
      request: { rename_indexes, count_use, acknowledge },
      ...(inHistory && { in_history: true }),
    },
    fingerprint: { before: fingerprint(facts) },
  }));
}

/** A rename as a migration. */
export function replayRename(
  plan: RenamePlan,
  batch: BatchHead,
  migrations: () => NewMigration[],
): Replay {
  const { tables } = plan;
  const [{ rename }] = tables;
  const kept = batch.compatibility_view
    ? "a compatibility view keeps the old name"
    : "the old name is free";
  return {
    name: tables.length === 1
      ? `rename_${slug(rename.old_name)}_to_${slug(rename.new_name)}`
      : `rename_${slug(rename.old_name)}_and_${tables.length - 1}_more`,
    about: listedLines(
      tables.map(({ rename: { schema, old_name, new_name } }) =>
        `Renames ${qualified(schema, old_name)} to ${ident(new_name)}; ${kept}.`
      ),
    ),
    guards: [sameColumns(tables.map(({ facts }) => facts))],
    tracking: (rows) => [trackBatch(batch, rows?.marker ?? newRows(migrations()))],
    batchId: batch.batch_id,
  };
}
