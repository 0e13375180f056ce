/** The finalization: the view goes, and only the new name is left. */
import type { RecordedRename } from "../facts/migration.ts";
import { factsFromRow, factsMessage } from "../catalog/read_facts.ts";
import type { FinalizeRequest } from "../contract/requests.ts";
import type { OperationAnswer, Verification } from "../contract/responses.ts";
import type { Connected } from "../postgres/apply_plan.ts";
import type { Session } from "../postgres/database.ts";
import { tableOfView } from "../findings/analysis.ts";
import { type FinalizePlan, planFinalize } from "../plan/finalize.ts";
import { usageFindings } from "../usage/findings.ts";
import { checkFinalized } from "../plan/verification/finalize_verification.ts";
import { namesInRowsLeft } from "../facts/names_in_rows.ts";
import { oldNameInUse } from "../findings/removed_names.ts";
import { markFinalized, standingMigrations, trackedFromRows } from "../tracking/migrations.ts";
import { alreadyFinalized } from "./already_finalized.ts";
import { change } from "./change.ts";
import type { OperationContext } from "./context.ts";
import { readNamesInRows } from "./names_in_rows.ts";
import { allInHistory, replayEnd } from "./replay_end.ts";
import { readFacts } from "./read_relations.ts";
import { relocationFindings } from "./relocate.ts";
import { namesOf, oidsOf, selectActive, tablesOf } from "./select_migrations.ts";
import { keepUsage, readUsage, type UsageSamples, withUsage } from "./usage.ts";

/**
 * Finalizes the selected migrations, all or none. What is finalized already is answered as done.
 *
 * @throws {Problem} `old_name_in_use` while something still names an old name, unless that is acknowledged;
 *   any code of the contract that is about migrations, drift, dependants, locks or the database.
 */
export async function finalize(
  context: OperationContext,
  request: FinalizeRequest,
): Promise<OperationAnswer> {
  const { migration_id, batch_id, schema, table } = request;
  let samples: UsageSamples | null = null;
  const answer = await change<RecordedRename[], FinalizePlan>(context, request, {
    operation: "finalize",
    batchId: batch_id ?? null,
    details: { migration_id, schema, table },
    shortcut: (session) => alreadyFinalized(session, request),
    select: (session, lock) => selectActive(session, request, "finalize", lock, request.relocate),
    selectedFindings: relocationFindings,
    names: namesOf,
    tables: tablesOf,
    plan: async (session, migrations, connected) => {
      samples = await readUsage(session, connected, migrations);
      // Kept apart from this transaction: a refusal is told again only after another look.
      await keepUsage(context, samples);
      return await readAndPlan(session, request, migrations, connected, samples);
    },
    record: (plan) => [markFinalized(idsOf(plan), context.actor, request.notes)],
    inHistory: allInHistory,
    replay: (plan) =>
      replayEnd("finalize", plan.tables.map(({ migration }) => migration), [
        markFinalized(idsOf(plan), context.actor, request.notes),
      ]),
    migrations: idsOf,
    tablesOf: (plan) => plan.tables.map(({ migration, view }) => tableOfView(migration, view)),
    verify: (plan) => verify(context, plan),
  });
  return request.mode === "plan"
    ? { ...answer, migrations: withUsage(answer.migrations, samples!) }
    : answer;
}

const idsOf = (plan: FinalizePlan) => plan.tables.map(({ migration }) => migration.id);

async function readAndPlan(
  session: Session,
  request: FinalizeRequest,
  migrations: RecordedRename[],
  { sources }: Connected,
  samples: UsageSamples,
): Promise<FinalizePlan> {
  const message = factsMessage({
    names: migrations.map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name })),
    oids: oidsOf(migrations),
    mentioned: migrations.map(({ old_name }) => old_name),
    sources,
    builtOn: true,
  });
  const [, [row], standing] = await session.runAll(`${message};\n${standingMigrations()}`);
  const facts = factsFromRow(row as { facts: string });
  const plan = await planFinalize(migrations, facts, trackedFromRows(standing), {
    acknowledge: request.acknowledge,
    carryPrivileges: request.carry_privileges,
  });
  const changes = plan.tables.map((
    { migration: { schema_name, old_name }, facts: { oid, name } },
  ) => ({
    oid,
    schema: schema_name,
    from: old_name,
    to: name,
  }));
  const names = await readNamesInRows(session, facts, changes);
  return {
    ...plan,
    findings: [
      ...plan.findings,
      ...namesInRowsLeft(names, changes, "finalize"),
      ...oldNameInUse(migrations, facts),
      ...usageFindings(migrations, samples, request),
    ],
  };
}

async function verify(context: OperationContext, plan: FinalizePlan): Promise<Verification> {
  const migrations = plan.tables.map(({ migration }) => migration);
  const { facts } = await readFacts(context, { names: [], oids: oidsOf(migrations) });
  const byOid = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  return checkFinalized(plan.tables.map(({ migration, facts: before }) => ({
    migration,
    before,
    table: byOid.get(before.oid) ?? null,
    viewExists: byOid.has(migration.view_oid ?? -1),
  })));
}
