/** The refresh: the compatibility view is made again, after its table's columns, defaults or grants changed. */
import type { RecordedRename } from "../facts/migration.ts";
import { factsFromRow, factsMessage } from "../catalog/read_facts.ts";
import type { RefreshRequest } from "../contract/requests.ts";
import type { OperationAnswer, Verification } from "../contract/responses.ts";
import type { Session } from "../postgres/database.ts";
import { tableOfView } from "../findings/analysis.ts";
import { fingerprint } from "../facts/fingerprint.ts";
import { qualified } from "../sql/quoting.ts";
import { planRefresh, type RefreshPlan } from "../plan/refresh.ts";
import { checkRefreshed } from "../plan/verification/refresh_verification.ts";
import { markRefreshed, standingMigrations, trackedFromRows } from "../tracking/migrations.ts";
import { change } from "./change.ts";
import type { OperationContext } from "./context.ts";
import { allInHistory, replayEnd } from "./replay_end.ts";
import { keepStates } from "./keep_states.ts";
import { readFacts } from "./read_relations.ts";
import { relocationFindings } from "./relocate.ts";
import { namesOf, oidsOf, selectActive, tablesOf } from "./select_migrations.ts";

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
  const { migration_id, without_columns } = request;
  return await change<RecordedRename, RefreshPlan>(context, request, {
    operation: "refresh",
    batchId: null,
    details: { migration_id, without_columns: without_columns.slice(0, 20) },
    select: async (session, lock) =>
      (await selectActive(session, { migration_id }, "refresh", lock, request.relocate))[0],
    selectedFindings: (migration) => relocationFindings([migration]),
    names: (migration) => namesOf([migration]),
    tables: (migration) => tablesOf([migration]),
    plan: (session, migration) => readAndPlan(session, request, migration),
    record: () => [markRefreshed(migration_id, without_columns, request.notes)],
    inHistory: (migration) => allInHistory([migration]),
    replay: ({ migration }) =>
      replayEnd("refresh", [migration], [
        markRefreshed(migration_id, without_columns, request.notes),
      ]),
    migrations: () => [migration_id],
    tablesOf: ({ migration, view, replacedInPlace }) => [
      tableOfView(migration, view, replacedInPlace),
    ],
    verify: (plan) => verify(context, request, plan),
  });
}

async function readAndPlan(
  session: Session,
  request: RefreshRequest,
  migration: RecordedRename,
): Promise<RefreshPlan> {
  const message = factsMessage({
    names: [{ schema: migration.schema_name, name: migration.old_name }],
    oids: oidsOf([migration]),
    builtOn: true,
  });
  const [, [facts], standing] = await session.runAll(`${message};\n${standingMigrations()}`);
  return await planRefresh(
    migration,
    factsFromRow(facts as { facts: string }),
    trackedFromRows(standing),
    {
      acknowledge: request.acknowledge,
      withoutColumns: request.without_columns,
      carryPrivileges: request.carry_privileges,
    },
  );
}

async function verify(
  context: OperationContext,
  request: RefreshRequest,
  { migration, table: before }: RefreshPlan,
): Promise<Verification> {
  const { facts } = await readFacts(context, {
    names: [{ schema: migration.schema_name, name: migration.old_name }],
    oids: [before.oid],
  });
  const table = facts.relations.find(({ oid }) => oid === before.oid) ?? null;
  const view = facts.relations.find(({ oid }) => oid === facts.names[0].relation?.oid) ?? null;
  if (table !== null) {
    const prints = [{
      id: migration.id,
      // What changed on the table is told against its state right after the rename.
      after: migration.fingerprint.after,
      view: view && fingerprint(view),
    }];
    await keepStates(context, prints);
  }
  const planned = {
    fingerprint: fingerprint(before),
    old_name: qualified(migration.schema_name, migration.old_name),
  };
  return checkRefreshed(planned, table, view, request.without_columns);
}
