/** The refresh: the compatibility view is made again, after its table's columns, defaults or grants changed. */
import type { RefreshRequest } from "../contract/requests.ts";
import type { OperationAnswer, Verification } from "../contract/responses.ts";
import { fingerprint } from "../facts/fingerprint.ts";
import { tableOfView } from "../findings/analysis.ts";
import { planRefresh, type RefreshPlan } from "../plan/refresh.ts";
import { describeRewrites } from "../plan/rewrite_texts.ts";
import { checkRefreshed } from "../plan/verification/drift_verification.ts";
import { qualified } from "../sql/quoting.ts";
import { markRefreshed } from "../tracking/migrations.ts";
import { applyChange, lockTables } from "./steps/apply_change.ts";
import {
  answerChange,
  followUp,
  type PlannedChange,
  runChange,
  startChange,
  type Transaction,
} from "./steps/change.ts";
import type { OperationContext } from "./steps/context.ts";
import { readFacts, readStandingToPlan } from "./steps/reading.ts";
import { definitionsToRewrite, mentionedNames } from "./steps/rewrite_texts.ts";
import {
  namesOf,
  oidsOf,
  oldNamesOf,
  relocationFindings,
  selectActive,
  tablesOf,
} from "./steps/select_migrations.ts";
import { keepStates } from "./steps/verify_change.ts";

/**
 * Refreshes the view of one active migration.
 *
 * @throws {Problem} Any code of the contract that is about migrations, drift, dependants, locks or the
 *   database; `invalid_request` for columns that are not there.
 */
export async function refresh(
  context: OperationContext,
  request: RefreshRequest,
): Promise<OperationAnswer> {
  const { migration_id, schema, table, without_columns } = request;
  const change = startChange(context, request, {
    operation: "refresh",
    batch_id: null,
    details: { migration_id, schema, table, without_columns: without_columns.slice(0, 20) },
  });
  return await runChange(change, async () => {
    const outcome = await applyChange(change, (transaction) => prepare(transaction, request));
    return await answerChange(change, outcome, ({ plan }) => verify(context, request, plan));
  });
}

async function prepare(
  transaction: Transaction,
  request: RefreshRequest,
): Promise<PlannedChange<RefreshPlan>> {
  const { session, connection, writes } = transaction;
  const { without_columns } = request;
  const migrations = await selectActive(session, request, "refresh", writes);
  const expected = await lockTables(transaction, namesOf(migrations), tablesOf(migrations));

  const { facts, standing } = await readStandingToPlan(session, {
    names: oldNamesOf(migrations),
    oids: oidsOf(migrations),
    ...(request.rewrite_texts && {
      mentioned: mentionedNames(migrations, request),
      sources: { ...connection.sources, statements: null },
    }),
    builtOn: true,
    expected,
  });

  const [migration] = migrations;
  const plan = await planRefresh(migration, facts, standing, {
    acknowledge: request.acknowledge,
    withoutColumns: without_columns,
    carryPrivileges: request.carry_privileges,
    definitions: await definitionsToRewrite(session, request, migrations, facts),
  });
  const { view, replacedInPlace, rewrites: { texts } } = plan;

  const mark = markRefreshed(migration.id, without_columns, texts, request.notes);
  return {
    ...followUp(transaction, "refresh", migrations, mark),
    plan: { ...plan, findings: [...plan.findings, ...relocationFindings(migrations)] },
    texts: describeRewrites(texts),
    tables: () => [tableOfView(migration, view, replacedInPlace)],
  };
}

async function verify(
  context: OperationContext,
  request: RefreshRequest,
  { migration, table: before }: RefreshPlan,
): Promise<Verification> {
  const { facts } = await readFacts(context, {
    names: oldNamesOf([migration]),
    oids: [before.oid],
  });
  const table = facts.relations.find(({ oid }) => oid === before.oid) ?? null;
  const view = facts.relations.find(({ oid }) => oid === facts.names[0].relation?.oid) ?? null;
  if (table !== null) {
    await keepStates(context, [{
      id: migration.id,
      before: migration.fingerprint.before,
      // What changed on the table is reported against its state right after the rename.
      after: migration.fingerprint.after,
      view: view && fingerprint(view),
    }]);
  }
  const planned = {
    fingerprint: fingerprint(before),
    old_name: qualified(migration.schema_name, migration.old_name),
  };
  return checkRefreshed(planned, table, view, request.without_columns);
}
