/** The rename: read the facts, make the plan, carry it out, verify, answer. */
import { factsFromRow, factsQuery } from "../catalog/read_facts.ts";
import type { RenameRequest } from "../contract/requests.ts";
import type { Migration, OperationAnswer } from "../contract/responses.ts";
import { advisoryLocks } from "../execute/advisory_locks.ts";
import { applyPlan, beginReading, connected, type Prepared } from "../execute/apply_plan.ts";
import type { RelationName } from "../execute/blockers.ts";
import { setLockTimeout } from "../execute/critical_section.ts";
import type { Session } from "../execute/database.ts";
import { isLockRefused } from "../execute/database_errors.ts";
import { dependencies } from "../plan/dependencies.ts";
import { fingerprint } from "../plan/fingerprint.ts";
import { planStatements, requireAccepted } from "../plan/plan.ts";
import { qualified } from "../plan/quoting.ts";
import { planRename, type RenamePlan, requireRenamable, requireServer } from "../plan/rename.ts";
import { insertEvent, recordedLock } from "../tracking/events.ts";
import {
  insertBatch,
  migrationsById,
  migrationsFromRows,
  noteViews,
  trackedByNames,
  trackedFromRows,
} from "../tracking/migrations.ts";
import { asProblems, type OperationContext, recordingFailure } from "./context.ts";
import { verifyRename } from "./verify_rename.ts";

/**
 * Renames the tables of a request, all or none.
 *
 * @throws {Problem} Any code of the contract that is about tables, plans, locks or the database.
 */
export async function rename(
  context: OperationContext,
  request: RenameRequest,
): Promise<OperationAnswer> {
  if (request.mode === "plan") {
    requireRenamable(request.renames);
    const plan = await asProblems(() =>
      context.database.withSession((session) => planWithoutLocks(context, session, request))
    );
    return {
      batch_id: null,
      mode: "plan",
      plan_hash: plan.hash,
      migrations: [],
      statements: planStatements(plan),
      findings: plan.findings,
      lock: null,
      verification: null,
    };
  }
  const about = {
    operation: "rename" as const,
    batch_id: null,
    details: { renames: request.renames.slice(0, 20), renames_total: request.renames.length },
  };
  return await recordingFailure(context, about, () => apply(context, request));
}

async function planWithoutLocks(
  context: OperationContext,
  session: Session,
  request: RenameRequest,
): Promise<RenamePlan> {
  requireServer(connected(await session.begin(beginReading(context.limits))).serverVersion);
  return await readAndPlan(session, request);
}

async function readAndPlan(session: Session, request: RenameRequest): Promise<RenamePlan> {
  const names = namesOf(request);
  const [[facts], tracked] = await session.runAll(
    `${
      factsQuery({
        names,
        oids: [],
        mentioned: request.renames.map(({ old_name }) => old_name),
        ...(request.rename_indexes &&
          { indexes: { oids: [], newNames: request.renames.map(({ new_name }) => new_name) } }),
      })
    };\n${trackedByNames(names)}`,
  );
  return await planRename(
    request.renames,
    factsFromRow(facts as { facts: string }),
    trackedFromRows(tracked),
    { compatibilityView: request.compatibility_view, renameIndexes: request.rename_indexes },
  );
}

async function apply(context: OperationContext, request: RenameRequest): Promise<OperationAnswer> {
  requireRenamable(request.renames);
  const batchId = crypto.randomUUID();
  const ids = request.renames.map(() => crypto.randomUUID());
  const { plan, lock } = await applyPlan(
    context.database,
    {
      lockTimeoutMs: request.lock_timeout_ms,
      maxWaitMs: request.max_wait_ms,
      limits: context.limits,
      progress: context.progress,
      relations: () => request.renames.map(({ schema, old_name }) => ({ schema, name: old_name })),
    },
    async (session, patience, { serverVersion }) => {
      requireServer(serverVersion);
      await takeWeakLocks(context, session, request, patience.remainingMs);
      const plan = await readAndPlan(session, request);
      requireAccepted(plan, request);
      await session.run(insertBatch({
        batch_id: batchId,
        plan_hash: plan.hash,
        actor: context.actor,
        notes: request.notes,
        compatibility_view: request.compatibility_view,
        migrations: newMigrations(plan, ids),
      }));
      const prepared: Prepared<RenamePlan> = {
        plan,
        record: (figures) => [
          ...(request.compatibility_view ? [noteViews(batchId)] : []),
          insertEvent({
            request_id: context.requestId,
            operation: "rename",
            actor: context.actor,
            outcome: "succeeded",
            problem_code: null,
            batch_id: batchId,
            migration_ids: ids,
            details: { plan_hash: plan.hash },
          }, figures),
        ],
        recorded: recordedLock(context.requestId),
      };
      return prepared;
    },
  );
  const verification = await verifyRename(context, plan, ids);
  return {
    batch_id: batchId,
    mode: "apply",
    plan_hash: plan.hash,
    migrations: await readMigrations(context, ids),
    statements: planStatements(plan),
    findings: plan.findings,
    lock,
    verification,
  };
}

/**
 * SHARE UPDATE EXCLUSIVE on the tables, by name and in one order: other DDL waits from here on, reads and
 * writes do not. Waiting is safe for clients, since nobody of theirs queues up behind this lock.
 */
async function takeWeakLocks(
  context: OperationContext,
  session: Session,
  request: RenameRequest,
  maxWaitMs: number,
): Promise<void> {
  const tables = request.renames
    .map(({ schema, old_name }) => `only ${qualified(schema, old_name)}`)
    .sort();
  try {
    await session.run([
      setLockTimeout(maxWaitMs),
      advisoryLocks(namesOf(request)),
      `lock table ${tables.join(", ")} in share update exclusive mode`,
    ].join(";\n"));
  } catch (error) {
    // Something is wrong with a table; the plan, made without locks, says what.
    if (isLockRefused(error)) {
      await session.rollback();
      await planWithoutLocks(context, session, request);
    }
    throw error;
  }
}

const namesOf = (request: RenameRequest): RelationName[] =>
  request.renames.flatMap(({ schema, old_name, new_name }) => [
    { schema, name: old_name },
    { schema, name: new_name },
  ]);

function newMigrations(plan: RenamePlan, ids: string[]) {
  return plan.tables.map(({ rename, facts, statements, indexes }, index) => ({
    id: ids[index],
    schema_name: rename.schema,
    old_name: rename.old_name,
    new_name: rename.new_name,
    table_oid: facts.oid,
    dependencies: dependencies(facts),
    plan: { statements, indexes },
    fingerprint: { before: fingerprint(facts) },
  }));
}

/** The rows of a request's migrations, in the request's order. */
export async function readMigrations(
  context: OperationContext,
  ids: string[],
): Promise<Migration[]> {
  const { database } = context;
  const rows = migrationsFromRows(
    await database.whileReachable(() => database.query(migrationsById(ids))),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
