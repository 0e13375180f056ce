/** Applies a change in one transaction that is repeated where locks are missing, or makes its plan without locks. */
import type { Occurring } from "../../catalog/occurring.ts";
import { occurringQuery } from "../../catalog/read_facts.ts";
import type { NotificationType } from "../../contract/notifications.ts";
import { Problem } from "../../contract/problems.ts";
import type { OperationAnswer } from "../../contract/responses.ts";
import { untrustedFindings } from "../../findings/database_findings.ts";
import { requireAccepted } from "../../plan/accept_plan.ts";
import { NO_STATEMENTS, type Plan } from "../../plan/plan.ts";
import { requireServer } from "../../plan/refusals.ts";
import { advisoryLocks } from "../../postgres/locks/advisory_locks.ts";
import { applyPlan, type Done } from "../../postgres/apply_plan.ts";
import type { Connected } from "../../postgres/begin.ts";
import type { RelationName } from "../../postgres/locks/blockers.ts";
import type { LockExpressions } from "../../postgres/critical_section.ts";
import { isLockRefused } from "../../postgres/database_errors.ts";
import type { Session } from "../../postgres/connection/database.ts";
import { RetryBudget } from "../../postgres/limits.ts";
import { requireLockRoom } from "../../postgres/locks/lock_room.ts";
import { qualified } from "../../sql/quoting.ts";
import { type Event, insertEvent, recordedLock } from "../../tracking/events.ts";
import { historyDetails } from "../../tracking/history.ts";
import { withNotification } from "../../tracking/notifications.ts";
import {
  type Change,
  type ChangeRequest,
  eventOf,
  type Outcome,
  type PlannedChange,
  planParts,
  textsOf,
  type Transaction,
  withFindings,
} from "./change.ts";
import { beginToRead, inReadOnlyTransaction } from "./context.ts";
import { historyStatements, migrationFile } from "./history.ts";
import { recordAnswer, recordWholeAnswer, requireNew } from "./idempotency.ts";

type Prepare<C extends PlannedChange> = (
  transaction: Transaction,
) => Promise<C | Done<OperationAnswer>>;

/**
 * Prepares a change and applies it; for a plan, finds out whether it would be refused.
 *
 * @param prepare Selects, locks, reads the facts and plans; may run several times. It answers itself where the record
 *   alone is changed.
 */
export async function applyChange<C extends PlannedChange>(
  change: Change,
  prepare: Prepare<C>,
): Promise<Outcome<C>> {
  const { context, request } = change;
  if (request.mode === "plan") return await planChange(change, prepare);
  const outcome = await applyPlan<Plan & { planned: C }, OperationAnswer>(
    context.database,
    {
      lockTimeoutMs: request.lock_timeout_ms,
      budget: new RetryBudget(request.max_wait_ms, context.limits),
      limits: context.limits,
      progress: context.progress,
      relations: () => change.relations,
    },
    async (session, connection) => {
      await requireNew(context, session, change.operation);
      requireServer(connection.serverVersion);
      const transaction = { change, session, connection, writes: true };
      const prepared = await prepareLocked(transaction, prepare);
      if ("done" in prepared) {
        await recordWholeAnswer(context, session, change.operation, prepared.done);
        await session.run("commit");
        session.ended();
        return prepared;
      }
      const planned = withFindings(prepared, [
        ...untrustedFindings(connection.untrusted),
        ...prepared.history.findings,
      ]);
      requireApplicable(planned, request);
      change.stage = "begun";
      return await recordPlanned(transaction, planned);
    },
  );
  if ("done" in outcome) return outcome;
  change.stage = "committed";
  context.database.goFirst();
  return { planned: outcome.plan.planned, lock: outcome.lock };
}

/**
 * Keeps other requests from the names, and other DDL from the tables, until the transaction's end: SHARE UPDATE
 * EXCLUSIVE on the tables, in order of names. Clients' reads and writes go on, and none of them queues behind this.
 *
 * @returns What occurs among what has the names, for the facts that are read next; undefined where that was not asked.
 */
export async function lockTables(
  { change, session, writes }: Transaction,
  names: RelationName[],
  tables: RelationName[],
): Promise<Occurring | undefined> {
  change.relations = names;
  if (!writes) return undefined;
  const quoted = new Set(tables.map(({ schema, name }) => `only ${qualified(schema, name)}`));
  const lock = `lock table ${[...quoted].sort().join(", ")} in share update exclusive mode`;
  // A proposal changes no table.
  const statements = change.request.mode === "propose" ? [] : [lock];
  try {
    const look = names.length <= MAX_LOOK ? [occurringQuery({ names, oids: [] })] : [];
    const [row] = await session.run([advisoryLocks(names), ...statements, ...look].join(";\n"));
    return look.length === 0 ? undefined : row.occurring as Occurring;
  } catch (error) {
    throw isLockRefused(error) ? new TablesNotLocked(error) : error;
  }
}

/** For up to so many names the facts query is made for what occurs; for more, its plan takes the smaller part of the time. */
const MAX_LOOK = 50;

class TablesNotLocked extends Error {
  constructor(cause: unknown) {
    super("the tables could not be locked", { cause });
  }
}

/** Prepares a change. Where tables cannot be locked, the plan, made without locks, says what is wrong with them. */
async function prepareLocked<C extends PlannedChange>(
  transaction: Transaction,
  prepare: Prepare<C>,
): Promise<C | Done<OperationAnswer>> {
  try {
    return await prepare(transaction);
  } catch (error) {
    if (!(error instanceof TablesNotLocked)) throw error;
    const { change, session } = transaction;
    await session.rollback();
    const connection = await beginToRead(change.context, session);
    await prepare({ change, session, connection, writes: false });
    throw error.cause;
  }
}

/** Records the change as far as it is known before the locks, and answers what runs with them. */
async function recordPlanned<C extends PlannedChange>(
  { change, session }: Transaction,
  planned: C,
) {
  const { context, request, operation } = change;
  const { plan, batch_id, history, recordAhead, recordBefore, record } = planned;
  const proposing = request.mode === "propose";
  const event = eventOf(change, planned);
  const file = history.recorded ? planned.file() : null;
  const kept = file && historyStatements(plan, file, event, request);
  await recordAnswer(context, session, operation, {
    ...planParts(plan),
    ...textsOf(planned),
    batch_id,
    mode: request.mode,
  });
  return {
    // A proposal is the record alone.
    plan: { ...plan, ...(proposing && NO_STATEMENTS), planned },
    recordAhead: () =>
      [recordAhead?.(), kept?.keep()].filter((statement) => statement !== undefined),
    beforeAttempt: kept?.record,
    recordBefore: proposing ? undefined : recordBefore,
    record: (figures: LockExpressions) => [
      ...(proposing ? [] : record),
      withNotificationOf(
        change,
        insertEvent(event, figures, file ? historyDetails(file.name) : undefined),
      ),
    ],
    recorded: recordedLock(context.requestId),
  };
}

async function planChange<C extends PlannedChange>(
  change: Change,
  prepare: Prepare<C>,
): Promise<Outcome<C>> {
  const { context, request } = change;
  return await inReadOnlyTransaction(context, async (session, connection) => {
    const planned = await prepare({ change, session, connection, writes: false });
    if ("done" in planned) return planned;
    const { untrusted, history } = connection;
    if (request.migration_file) {
      // Nobody is asked again when the file is applied.
      requireApplicable(planned, request);
      const { plan, file } = planned;
      const event = eventOf(change, planned);
      return {
        planned,
        lock: null,
        file: await migrationFile(session, history, plan, file(), event, request),
      };
    }
    return {
      planned: withFindings(planned, [
        ...untrustedFindings(untrusted),
        ...planned.history.findings,
      ]),
      lock: null,
      refusal: await refusalOf(planned, request, session, connection),
    };
  }, { tries: request.rewrite_texts });
}

/** @throws {Problem} `plan_changed`, `breaking_findings` or `old_name_in_use`. */
function requireApplicable(
  { plan, requireSame, acknowledged = [] }: PlannedChange,
  request: ChangeRequest,
): void {
  requireSame?.();
  requireAccepted(plan, { ...request, acknowledge: [...request.acknowledge, ...acknowledged] });
}

async function refusalOf(
  planned: PlannedChange,
  request: ChangeRequest,
  session: Session,
  { lockRoom }: Connected,
): Promise<OperationAnswer["would_be_refused"]> {
  const { locks, lockNeeds } = planned.plan;
  try {
    requireApplicable(planned, request);
    if (lockNeeds !== undefined && locks.length > 0) {
      await requireLockRoom(session, lockNeeds, lockRoom);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { code, message, hint } = error;
    return { code, detail: message, ...(hint !== undefined && { hint }) };
  }
}

const NOTIFICATIONS: Record<Event["operation"], NotificationType | null> = {
  rename: "migration.applied",
  rollback: "migration.rolled_back",
  finalize: "migration.finalized",
  // The rename is what it was.
  refresh: null,
};

/** The statement of an event, which also writes its notification to the outbox. */
function withNotificationOf({ context, request, operation }: Change, event: string): string {
  const type = request.mode === "propose" ? "migration.proposed" : NOTIFICATIONS[operation];
  return type === null ? event : withNotification(event, type, context.notify?.receivers ?? []);
}
