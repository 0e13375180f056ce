/** The rollback: the view goes, the table takes its old name back, and is compared with the state before. */
import type { RecordedRename } from "../facts/migration.ts";
import { factsFromRow, factsMessage } from "../catalog/read_facts.ts";
import type { RollbackRequest } from "../contract/requests.ts";
import type { OperationAnswer, Verification } from "../contract/responses.ts";
import type { Session } from "../postgres/database.ts";
import { tableOfView } from "../findings/analysis.ts";
import type { TextSources } from "../facts/facts.ts";
import { namesInRowsLeft } from "../facts/names_in_rows.ts";
import { planRollback, type RollbackPlan } from "../plan/rollback.ts";
import { checkRolledBack } from "../plan/verification/verification.ts";
import { markRolledBack, standingMigrations, trackedFromRows } from "../tracking/migrations.ts";
import { change } from "./change.ts";
import { closeRecord } from "./close_record.ts";
import type { OperationContext } from "./context.ts";
import { readNamesInRows } from "./names_in_rows.ts";
import { allInHistory, replayEnd } from "./replay_end.ts";
import { readFacts } from "./read_relations.ts";
import { relocationFindings } from "./relocate.ts";
import { namesOf, oidsOf, selectActive, tablesOf } from "./select_migrations.ts";
import { withdrawProposal } from "./withdraw_proposal.ts";

/**
 * Rolls the selected migrations back, all or none. What is only proposed is withdrawn; where the tables are gone,
 * and that is acknowledged, the records are closed.
 *
 * @throws {Problem} Any code of the contract that is about migrations, drift, dependants, locks or the
 *   database.
 */
export async function rollback(
  context: OperationContext,
  request: RollbackRequest,
): Promise<OperationAnswer> {
  const { migration_id, batch_id, schema, table } = request;
  return await change<RecordedRename[], RollbackPlan>(context, request, {
    operation: "rollback",
    batchId: batch_id ?? null,
    details: { migration_id, schema, table },
    shortcut: async (session) =>
      await withdrawProposal(context, session, request) ??
        await closeRecord(context, session, request),
    select: (session, lock) => selectActive(session, request, "rollback", lock, request.relocate),
    selectedFindings: relocationFindings,
    names: namesOf,
    tables: tablesOf,
    plan: (session, migrations, { sources }) => readAndPlan(session, request, migrations, sources),
    record: (plan) => [markRolledBack(idsOf(plan), context.actor, request.notes)],
    inHistory: allInHistory,
    replay: (plan) =>
      replayEnd("rollback", plan.tables.map(({ migration }) => migration), [
        markRolledBack(idsOf(plan), context.actor, request.notes),
      ]),
    migrations: idsOf,
    tablesOf: (plan) => plan.tables.map(({ migration, view }) => tableOfView(migration, view)),
    verify: (plan) => verify(context, plan),
  });
}

const idsOf = (plan: RollbackPlan) => plan.tables.map(({ migration }) => migration.id);

async function readAndPlan(
  session: Session,
  request: RollbackRequest,
  migrations: RecordedRename[],
  sources: TextSources,
): Promise<RollbackPlan> {
  const indexes = migrations.flatMap((migration) => migration.indexes);
  const message = factsMessage({
    names: [
      ...migrations.map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name })),
      ...indexes.map(({ schema, from }) => ({ schema, name: from })),
    ],
    oids: oidsOf(migrations),
    mentioned: migrations.flatMap(({ old_name, new_name }) => [old_name, new_name]),
    sources,
    ...(indexes.length > 0 && { indexes: { oids: indexes.map(({ oid }) => oid), newNames: [] } }),
    builtOn: true,
  });
  const [, [facts], active] = await session.runAll(`${message};\n${standingMigrations()}`);
  const read = factsFromRow(facts as { facts: string });
  const plan = await planRollback(migrations, read, trackedFromRows(active), {
    acknowledge: request.acknowledge,
    carryPrivileges: request.carry_privileges,
  });
  const changes = plan.tables.map(({ migration: { schema_name, old_name, new_name }, facts }) => ({
    oid: facts.oid,
    schema: schema_name,
    from: new_name,
    to: old_name,
  }));
  const names = await readNamesInRows(session, read, changes);
  return { ...plan, findings: [...plan.findings, ...namesInRowsLeft(names, changes, "rollback")] };
}

async function verify(context: OperationContext, plan: RollbackPlan): Promise<Verification> {
  const migrations = plan.tables.map(({ migration }) => migration);
  const { facts, rows } = await readFacts(
    context,
    { names: [], oids: oidsOf(migrations) },
    standingMigrations(),
  );
  const byOid = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  return checkRolledBack(
    plan.tables.map((planned) => ({
      planned,
      table: byOid.get(planned.facts.oid) ?? null,
      viewExists: byOid.has(planned.migration.view_oid ?? -1),
    })),
    trackedFromRows(rows),
  );
}
