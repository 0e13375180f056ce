/** The finalization: the view is dropped, and only the new name is left. */
import type { FinalizeRequest } from "../contract/requests.ts";
import type { OperationAnswer, Verification } from "../contract/responses.ts";
import { namesInRowsLeft } from "../facts/names_in_rows.ts";
import { tableOfView } from "../findings/analysis.ts";
import { type FinalizePlan, planFinalize } from "../plan/finalize.ts";
import { describeRewrites } from "../plan/rewrite_texts.ts";
import { checkFinalized } from "../plan/verification/verification.ts";
import type { Done } from "../postgres/apply_plan.ts";
import { markFinalized } from "../tracking/migrations.ts";
import { recordedFromRows, selectedMigrations } from "../tracking/read_migrations.ts";
import { inCodeFindings, usageFindings } from "../usage/findings.ts";
import { oldNameInUse } from "../findings/removed_names.ts";
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
import { readNamesInRows, readStandingToPlan, readStates } from "./steps/reading.ts";
import { definitionsToRewrite, mentionedNames } from "./steps/rewrite_texts.ts";
import {
  leaving,
  namesOf,
  oidsOf,
  oldNamesOf,
  relocationFindings,
  selectActive,
  tablesOf,
} from "./steps/select_migrations.ts";
import { keepUsage, readUsage, type UsageSamples, withUsage } from "./steps/usage.ts";

interface PlannedFinalize extends PlannedChange<FinalizePlan> {
  samples: UsageSamples;
}

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
  const { migration_id, batch_id = null, schema, table } = request;
  const change = startChange(context, request, {
    operation: "finalize",
    batch_id,
    details: { migration_id, schema, table },
  });
  return await runChange(change, async () => {
    const outcome = await applyChange(change, (transaction) => prepare(transaction, request));
    const answer = await answerChange(change, outcome, ({ plan }) => verify(context, plan));
    return request.mode === "plan" && "planned" in outcome
      ? {
        ...answer,
        migrations: withUsage(answer.migrations, outcome.planned.samples, request.quiet_for_days),
      }
      : answer;
  });
}

async function prepare(
  transaction: Transaction,
  request: FinalizeRequest,
): Promise<PlannedFinalize | Done<OperationAnswer>> {
  const { session, connection, writes, change: { context } } = transaction;
  const done = await alreadyFinalized(transaction, request);
  if (done !== null) return { done };

  const migrations = await selectActive(session, request, "finalize", writes);
  const expected = await lockTables(transaction, namesOf(migrations), tablesOf(migrations));

  const samples = await readUsage(session, connection, migrations);
  // Outside of this transaction: the next request compares with it, also where this one is refused.
  await keepUsage(context, samples);
  const { facts, standing } = await readStandingToPlan(session, {
    names: oldNamesOf(migrations),
    oids: oidsOf(migrations),
    mentioned: mentionedNames(migrations, request),
    sources: connection.sources,
    builtOn: true,
    expected,
  });

  const plan = await planFinalize(migrations, facts, standing, {
    definitions: await definitionsToRewrite(session, request, migrations, facts),
    acknowledge: request.acknowledge,
    carryPrivileges: request.carry_privileges,
  });
  const changes = plan.tables.map(({ migration, facts: { oid, name } }) => ({
    oid,
    schema: migration.schema_name,
    from: migration.old_name,
    to: name,
  }));
  const namesInRows = await readNamesInRows(session, facts, changes);
  const findings = [
    ...plan.findings,
    ...namesInRowsLeft(namesInRows, changes, "finalize"),
    ...oldNameInUse(migrations, { ...facts, texts: plan.rewrites.after }),
    ...usageFindings(migrations, samples, request),
    ...inCodeFindings(migrations, samples.inCode),
    ...relocationFindings(migrations),
  ];

  const finalized = plan.tables.map(({ migration }) => migration);
  const mark = markFinalized(finalized.map(({ id }) => id), context.actor, request.notes);
  return {
    ...followUp(transaction, "finalize", finalized, mark),
    plan: { ...plan, findings },
    texts: describeRewrites(plan.rewrites.texts),
    tables: () => plan.tables.map(({ migration, view }) => tableOfView(migration, view)),
    samples,
  };
}

async function verify(context: OperationContext, plan: FinalizePlan): Promise<Verification> {
  const migrations = plan.tables.map(({ migration }) => migration);
  const { byOid } = await readStates(context, { names: [], oids: oidsOf(migrations) });
  return checkFinalized(plan.tables.map(({ migration, facts: before }) => ({
    migration,
    before,
    table: byOid.get(before.oid) ?? null,
    viewExists: byOid.has(migration.view_oid ?? -1),
  })));
}

/** The answer where all selected migrations are finalized; else null. */
async function alreadyFinalized(
  transaction: Transaction,
  request: FinalizeRequest,
): Promise<OperationAnswer | null> {
  const query = selectedMigrations(request, ["active", "finalized"], false);
  const found = recordedFromRows(await transaction.session.run(query));
  const finalized = found.filter(({ status }) => status === "finalized");
  if (finalized.length === 0 || found.some(({ status }) => status === "active")) return null;
  // A batch of which the rest was rolled back is as finalized as it can be.
  const selected = request.table === undefined ? finalized : [leaving(request.table, finalized)];
  return await answerWithoutPlan(transaction, selected.map(({ id }) => id));
}
