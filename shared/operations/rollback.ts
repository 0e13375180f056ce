/** The rollback: find table and view again, make the plan, carry it out, compare with the state before. */
import { factsFromRow, factsMessage } from "../catalog/read_facts.ts";
import { Problem } from "../contract/problems.ts";
import type { RollbackRequest } from "../contract/requests.ts";
import type { OperationAnswer, Verification } from "../contract/responses.ts";
import { advisoryLocks } from "../execute/advisory_locks.ts";
import { applyPlan, beginReading, connected, type Prepared } from "../execute/apply_plan.ts";
import type { RelationName } from "../execute/blockers.ts";
import { setLockTimeout } from "../execute/critical_section.ts";
import type { Session } from "../execute/database.ts";
import { isLockRefused } from "../execute/database_errors.ts";
import { planStatements, requireAccepted } from "../plan/plan.ts";
import { qualified } from "../plan/quoting.ts";
import { requireServer } from "../plan/rename.ts";
import { planRollback, type RecordedRename, type RollbackPlan } from "../plan/rollback.ts";
import { checkRolledBack } from "../plan/verification.ts";
import { insertEvent, recordedLock } from "../tracking/events.ts";
import {
  activeMigrations,
  markRolledBack,
  recordedFromRows,
  selectedMigrations,
  trackedFromRows,
} from "../tracking/migrations.ts";
import { asProblems, type OperationContext, recordingFailure } from "./context.ts";
import { readFacts } from "./read_relations.ts";
import { readMigrations } from "./rename.ts";

/**
 * Rolls the selected migrations back, all or none.
 *
 * @throws {Problem} Any code of the contract that is about migrations, drift, dependants, locks or the
 *   database.
 */
export async function rollback(
  context: OperationContext,
  request: RollbackRequest,
): Promise<OperationAnswer> {
  if (request.mode === "plan") {
    const plan = await asProblems(() =>
      context.database.withSession((session) => planWithoutLocks(context, session, request))
    );
    const ids = plan.tables.map(({ migration }) => migration.id);
    return {
      batch_id: request.batch_id ?? null,
      mode: "plan",
      plan_hash: plan.hash,
      migrations: await readMigrations(context, ids),
      statements: planStatements(plan),
      findings: plan.findings,
      lock: null,
      verification: null,
    };
  }
  const { migration_id, batch_id, schema, table } = request;
  const about = {
    operation: "rollback" as const,
    batch_id: batch_id ?? null,
    details: { migration_id, schema, table },
  };
  return await recordingFailure(context, about, () => apply(context, request));
}

async function planWithoutLocks(
  context: OperationContext,
  session: Session,
  request: RollbackRequest,
): Promise<RollbackPlan> {
  requireServer(connected(await session.begin(beginReading(context.limits))).serverVersion);
  const migrations = await select(session, request, false);
  return await readAndPlan(session, request, migrations);
}

async function select(
  session: Session,
  request: RollbackRequest,
  lock: boolean,
): Promise<RecordedRename[]> {
  const found = recordedFromRows(await session.run(selectedMigrations(request, lock)));
  if (found.length === 0) {
    const what = request.migration_id !== undefined
      ? `There is no migration ${request.migration_id}.`
      : request.batch_id !== undefined
      ? `There is no batch ${request.batch_id}.`
      : `No active migration renamed ${qualified(request.schema ?? "public", request.table!)}.`;
    throw new Problem("migration_not_found", what, {
      hint: "list-migrations shows what there is; names are case-sensitive.",
    });
  }
  const active = found.filter(({ status }) => status === "active");
  if (active.length === 0) {
    throw new Problem(
      "not_active",
      request.migration_id !== undefined
        ? `The migration ${request.migration_id} is ${found[0].status}, not active.`
        : `No migration of the batch ${request.batch_id} is active any more.`,
      {
        hint: "Only an active migration can be rolled back.",
        fields: { status: found[0].status },
      },
    );
  }
  // Of a table that was renamed on, the last rename is meant.
  return request.table === undefined ? active : active.slice(0, 1);
}

async function readAndPlan(
  session: Session,
  request: RollbackRequest,
  migrations: RecordedRename[],
): Promise<RollbackPlan> {
  const indexes = migrations.flatMap((migration) => migration.indexes);
  const message = factsMessage({
    names: [
      ...migrations.map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name })),
      ...indexes.map(({ schema, from }) => ({ schema, name: from })),
    ],
    oids: oidsOf(migrations),
    mentioned: migrations.map(({ old_name }) => old_name),
    builtOn: true,
    ...(indexes.length > 0 && { indexes: { oids: indexes.map(({ oid }) => oid), newNames: [] } }),
  });
  const [, [facts], , , active] = await session.runAll(`${message};\n${activeMigrations()}`);
  return await planRollback(
    migrations,
    factsFromRow(facts as { facts: string }),
    trackedFromRows(active),
    { acknowledge: request.acknowledge, carryPrivileges: request.carry_privileges },
  );
}

async function apply(
  context: OperationContext,
  request: RollbackRequest,
): Promise<OperationAnswer> {
  let relations: RelationName[] = [];
  const { plan, lock } = await applyPlan(
    context.database,
    {
      lockTimeoutMs: request.lock_timeout_ms,
      maxWaitMs: request.max_wait_ms,
      limits: context.limits,
      progress: context.progress,
      relations: () => relations,
    },
    async (session, patience, { serverVersion }) => {
      requireServer(serverVersion);
      await session.run(setLockTimeout(patience.remainingMs));
      const migrations = await select(session, request, true);
      relations = namesOf(migrations);
      await takeWeakLocks(context, session, request, migrations);
      const plan = await readAndPlan(session, request, migrations);
      requireAccepted(plan, request);
      const ids = plan.tables.map(({ migration }) => migration.id);
      const prepared: Prepared<RollbackPlan> = {
        plan,
        record: (figures) => [
          markRolledBack(ids, context.actor, request.notes),
          insertEvent({
            request_id: context.requestId,
            operation: "rollback",
            actor: context.actor,
            outcome: "succeeded",
            problem_code: null,
            batch_id: request.batch_id ?? null,
            migration_ids: ids,
            details: { plan_hash: plan.hash },
          }, figures),
        ],
        recorded: recordedLock(context.requestId),
      };
      return prepared;
    },
  );
  const verification = await verify(context, plan);
  return {
    batch_id: request.batch_id ?? null,
    mode: "apply",
    plan_hash: plan.hash,
    migrations: await readMigrations(context, plan.tables.map(({ migration }) => migration.id)),
    statements: planStatements(plan),
    findings: plan.findings,
    lock,
    verification,
  };
}

/** As for a rename, on the tables' present names. */
async function takeWeakLocks(
  context: OperationContext,
  session: Session,
  request: RollbackRequest,
  migrations: RecordedRename[],
): Promise<void> {
  const tables = new Set(
    migrations.map(({ schema_name, new_name }) => `only ${qualified(schema_name, new_name)}`),
  );
  try {
    await session.run([
      advisoryLocks(namesOf(migrations)),
      `lock table ${[...tables].sort().join(", ")} in share update exclusive mode`,
    ].join(";\n"));
  } catch (error) {
    if (isLockRefused(error)) {
      await session.rollback();
      await planWithoutLocks(context, session, request);
    }
    throw error;
  }
}

const namesOf = (migrations: RecordedRename[]): RelationName[] =>
  migrations.flatMap(({ schema_name, old_name, new_name }) => [
    { schema: schema_name, name: new_name },
    { schema: schema_name, name: old_name },
  ]);

const oidsOf = (migrations: RecordedRename[]): number[] => [
  ...new Set(
    migrations.flatMap(({ table_oid, view_oid }) =>
      [table_oid, view_oid].filter((oid) => oid !== null)
    ),
  ),
];

async function verify(context: OperationContext, plan: RollbackPlan): Promise<Verification> {
  const migrations = plan.tables.map(({ migration }) => migration);
  context.progress({ phase: "verifying", total: migrations.length });
  try {
    const { facts, rows } = await readFacts(
      context,
      { names: [], oids: oidsOf(migrations) },
      activeMigrations(),
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
  } catch (cause) {
    context.log("the verification could not be made", { cause: String(cause) });
    return {
      passed: false,
      checks: [{
        name: "verification",
        passed: false,
        detail: "The rollback is done, but the database could not be asked about it afterwards.",
      }],
    };
  }
}
