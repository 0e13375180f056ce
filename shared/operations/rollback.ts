/** The rollback: the view is dropped, the table takes its old name back, and is compared with the state before. */
import type { RollbackRequest } from "../contract/requests.ts";
import type { OperationAnswer, Verification } from "../contract/responses.ts";
import { compareLocations } from "../drift/drift.ts";
import { namesInRowsLeft } from "../facts/names_in_rows.ts";
import { tableOfView } from "../findings/analysis.ts";
import { planRollback, type RollbackPlan } from "../plan/rollback.ts";
import { describeRewrites } from "../plan/rewrite_texts.ts";
import { checkRolledBack } from "../plan/verification/verification.ts";
import type { Done } from "../postgres/apply_plan.ts";
import { insertEvent } from "../tracking/events.ts";
import { markRolledBack, pendingIds, withdrawPending } from "../tracking/migrations.ts";
import {
  recordedFromRows,
  selectedMigrations,
  standingMigrations,
  trackedFromRows,
} from "../tracking/read_migrations.ts";
import { withNotification } from "../tracking/notifications.ts";
import { applyChange, lockTables } from "./steps/apply_change.ts";
import {
  answerChange,
  answerWithoutPlan,
  followUp,
  type PlannedChange,
  runChange,
  startChange,
  type Transaction,
} from "./steps/change.ts";
import type { OperationContext } from "./steps/context.ts";
import {
  readDefinitions,
  readNamesInRows,
  readStandingToPlan,
  readStates,
} from "./steps/reading.ts";
import {
  namesOf,
  oidsOf,
  oldNamesOf,
  relocationFindings,
  selectActive,
  tablesOf,
} from "./steps/select_migrations.ts";

/**
 * Rolls the selected migrations back, all or none. A proposal is withdrawn; where the tables are gone, and that is
 * acknowledged, the records are closed.
 *
 * @throws {Problem} Any code of the contract that is about migrations, drift, dependants, locks or the
 *   database.
 */
export async function rollback(
  context: OperationContext,
  request: RollbackRequest,
): Promise<OperationAnswer> {
  const { migration_id, batch_id = null, schema, table } = request;
  const change = startChange(context, request, {
    operation: "rollback",
    batch_id,
    details: { migration_id, schema, table },
  });
  return await runChange(change, async () => {
    const outcome = await applyChange(change, (transaction) => prepare(transaction, request));
    return await answerChange(change, outcome, ({ plan }) => verify(context, plan));
  });
}

async function prepare(
  transaction: Transaction,
  request: RollbackRequest,
): Promise<PlannedChange<RollbackPlan> | Done<OperationAnswer>> {
  const { session, connection, writes, change: { context } } = transaction;
  const done = await withdrawProposal(transaction, request) ??
    await closeRecord(transaction, request);
  if (done !== null) return { done };

  const migrations = await selectActive(session, request, "rollback", writes);
  const expected = await lockTables(transaction, namesOf(migrations), tablesOf(migrations));

  const indexes = migrations.flatMap((migration) => migration.indexes);
  const { facts, standing } = await readStandingToPlan(session, {
    names: [
      ...oldNamesOf(migrations),
      ...indexes.map(({ schema, from }) => ({ schema, name: from })),
    ],
    oids: oidsOf(migrations),
    mentioned: migrations.flatMap(({ old_name, new_name }) => [old_name, new_name]),
    sources: connection.sources,
    ...(indexes.length > 0 && { indexes: { oids: indexes.map(({ oid }) => oid), newNames: [] } }),
    builtOn: true,
    expected,
  });

  const texts = migrations.flatMap(({ texts = [] }) => texts);
  const plan = await planRollback(migrations, facts, standing, {
    definitions: texts.length === 0 ? null : await readDefinitions(session, texts),
    acknowledge: request.acknowledge,
    carryPrivileges: request.carry_privileges,
  });
  const changes = plan.tables.map(({ migration: { schema_name, old_name, new_name }, facts }) => ({
    oid: facts.oid,
    schema: schema_name,
    from: new_name,
    to: old_name,
  }));
  const namesInRows = await readNamesInRows(session, facts, changes);
  const findings = [
    ...plan.findings,
    ...namesInRowsLeft(namesInRows, changes, "rollback"),
    ...relocationFindings(migrations),
  ];

  const rolledBack = plan.tables.map(({ migration }) => migration);
  const mark = markRolledBack(rolledBack.map(({ id }) => id), context.actor, request.notes);
  return {
    ...followUp(transaction, "rollback", rolledBack, mark),
    plan: { ...plan, findings },
    texts: describeRewrites(plan.rewrites.texts),
    tables: () => plan.tables.map(({ migration, view }) => tableOfView(migration, view)),
  };
}

async function verify(context: OperationContext, plan: RollbackPlan): Promise<Verification> {
  const migrations = plan.tables.map(({ migration }) => migration);
  const { byOid, rows } = await readStates(
    context,
    { names: [], oids: oidsOf(migrations) },
    standingMigrations(),
  );
  return checkRolledBack(
    plan.tables.map((planned) => ({
      planned,
      table: byOid.get(planned.facts.oid) ?? null,
      viewExists: byOid.has(planned.migration.view_oid ?? -1),
    })),
    trackedFromRows(rows),
  );
}

/** Withdraws the selection where it is a proposal; else null. */
async function withdrawProposal(
  transaction: Transaction,
  request: RollbackRequest,
): Promise<OperationAnswer | null> {
  const { session, writes, change: { context: { actor, requestId, notify } } } = transaction;
  const statement = writes
    ? withdrawPending(
      request,
      { actor, requestId, notes: request.notes },
      notify?.receivers ?? [],
    )
    : pendingIds(request);
  const ids = (await session.run(statement)).map(({ id }) => String(id));
  return ids.length === 0 ? null : await answerWithoutPlan(transaction, ids);
}

/** Closes the records where all selected tables were dropped and that is acknowledged; else null. */
async function closeRecord(
  transaction: Transaction,
  request: RollbackRequest,
): Promise<OperationAnswer | null> {
  const { session, writes, change: { context: { actor, requestId, notify } } } = transaction;
  if (!request.acknowledge.includes("table_missing")) return null;
  const selected = recordedFromRows(
    await session.run(selectedMigrations(request, ["active"], false)),
  );
  // Where nothing is active, `prepare` refuses.
  if (!selected.some(({ status }) => status === "active")) return null;
  const migrations = await selectActive(session, request, "rollback", writes);
  const { facts, standing } = await readStandingToPlan(session, {
    names: oldNamesOf(migrations),
    oids: oidsOf(migrations),
  });
  const { differences } = compareLocations(migrations, facts, standing);
  const gone = differences.filter(({ code }) => code === "table_missing")
    .map(({ migration_id }) => migration_id);
  if (gone.length < migrations.length) return null;
  if (writes) {
    const event = insertEvent({
      request_id: requestId,
      operation: "rollback",
      actor,
      outcome: "succeeded",
      problem_code: null,
      batch_id: request.batch_id ?? null,
      migration_ids: gone,
      details: { table_missing: true },
    });
    await session.run([
      markRolledBack(gone, actor, request.notes),
      withNotification(event, "migration.rolled_back", notify?.receivers ?? []),
    ].join(";\n"));
  }
  return await answerWithoutPlan(transaction, gone);
}
