/**
 * Applying a plan: one transaction, in which only the last message takes locks that clients feel.
 *
 * 1. `prepare` takes weak locks, reads the facts and makes the plan: nobody waits for it.
 * 2. Views are made and checked, what comes later is planned, and the record is written on trial. Meanwhile the function
 *    composes what is recorded ahead, and sends it next. A savepoint. Another session has the log of all that written to
 *    disk. Nobody waits for any of this either.
 * 3. A look at who holds locks on the tables. Nobody queues behind a long transaction: the look is repeated until it
 *    has ended. Then the critical section as one message.
 * 4. If a lock could not be acquired: roll back to the savepoint, which keeps facts, weak locks and views, sleep, and
 *    retry. If the facts are outdated: start over.
 * 5. If the connection broke in the critical section: ask the server whether it was committed.
 */
import type { Problem } from "../contract/problems.ts";
import type { Blocker, LockFigures, Progress } from "../contract/responses.ts";
import type { Plan } from "../plan/plan.ts";
import { beginWriting, type Connected, connected } from "./begin.ts";
import { type RelationName, watchingBlockers } from "./locks/blockers.ts";
import { outcomeUnknown, wasCommitted } from "./commit_outcome.ts";
import { flushLog } from "./flush_log.ts";
import { NoFreeConnection } from "./connection/connection_slots.ts";
import {
  criticalSection,
  type LockExpressions,
  lockFigures,
  preparation,
  roundedMs,
} from "./critical_section.ts";
import type { Database, Session } from "./connection/database.ts";
import {
  duringRecreation,
  isCancelled,
  isConnectionLost,
  isLockFailure,
  isOutsideOfTransaction,
  isStalePlan,
} from "./database_errors.ts";
import { type Limits, remainingMs, requireTime, type RetryBudget } from "./limits.ts";
import {
  blockersOf,
  holdersFromRows,
  type LockHolder,
  lockHolders,
  queryHolders,
  QueueRules,
} from "./locks/lock_holders.ts";
import { hiddenHolders, lockNotAcquired } from "./locks/lock_not_acquired.ts";
import { requireLockRoom } from "./locks/lock_room.ts";
import { MESSAGE_MS } from "./transaction.ts";

interface ApplyOptions {
  /** Longest wait for one lock that clients feel, in milliseconds. */
  lockTimeoutMs: number;
  /** How long to retry; earlier attempts of the same request count. */
  budget: RetryBudget;
  limits: Limits;
  /** The relations that the request is about, as far as known, to find out who holds locks on them. */
  relations: () => RelationName[];
  progress: (progress: Progress) => void;
}

/** The result of a `prepare` that needs no plan, and is committed already. */
export interface Done<T> {
  done: T;
}

interface Prepared<P extends Plan> {
  plan: P;
  /** Statements that record the change; run in the critical section, after the plan's own. */
  record: (lock: LockExpressions) => string[];
  /** Makes the statements that record what is known of the change before its locks. */
  recordAhead: () => string[];
  /** Statement that is run before each attempt, in a message of its own. Default: none. */
  beforeAttempt?: string;
  /** Statements that record the state before the change, run in the critical section before its locks. Default: none. */
  recordBefore?: string[];
  /** Query for the recorded lock figures, in case the answer is lost. */
  recorded: string;
}

/** Least wait for a connection, in milliseconds, even with max_wait_ms 0: connections are soon free again. */
const MIN_CONNECTION_WAIT_MS = 2_000;

/** How often a plan is made again because the facts changed while it was applied. */
const MAX_REPLANS = 5;

/** Makes the function that reports that a request waits for a connection. */
export const reportQueued =
  (progress: (progress: Progress) => void, { started }: Pick<Limits, "started">) => () =>
    progress({ phase: "queued", waited_ms: roundedMs(performance.now() - started) });

/**
 * Applies a plan.
 *
 * @param prepare Runs in the transaction; may run several times.
 * @throws {Problem} `lock_not_acquired` with `attempts`, `waited_ms` and `blockers`; `too_many_locks`; `deadline_exceeded`;
 *   `database_unavailable`; what `prepare` throws.
 */
export async function applyPlan<P extends Plan, T>(
  database: Database,
  options: ApplyOptions,
  prepare: (session: Session, connected: Connected) => Promise<Prepared<P> | Done<T>>,
): Promise<{ plan: P; lock: LockFigures } | Done<T>> {
  const { limits, progress, budget } = options;
  let blockers: Blocker[] = [];
  const rules = new QueueRules(options.lockTimeoutMs);
  const seen = (now: Blocker[]) => {
    blockers = now;
    progress({ phase: "waiting", waited_ms: roundedMs(budget.elapsedMs), blockers });
  };
  /** Called without a session, since it needs a connection to find the blockers. */
  const giveUp = async (cause: unknown, inTheWay?: Blocker[]) => {
    requireTime(limits);
    if (inTheWay !== undefined) blockers = inTheWay;
    if (blockers.length === 0) blockers = await lockHolders(database, options.relations(), 0);
    return lockNotAcquired(budget, blockers, cause, rules.holdersVisible);
  };
  for (let replans = 0;;) {
    requireTime(limits);
    const first = budget.failures === 0 && !rules.hasWaited;
    const outcome = await withWritingSession(database, options, first, async (session) => {
      const begun = performance.now();
      const connection = connected(await session.begin(beginWriting(limits, budget)));
      const roundTripMs = performance.now() - begun - connection.serverMs;
      const { pid } = connection;
      try {
        progress({ phase: "preparing" });
        const prepared = await cancelledWithCaller(
          database,
          pid,
          limits,
          () => watchingBlockers(database, pid, seen, () => prepare(session, connection)),
        );
        if ("done" in prepared) return prepared;
        if (prepared.plan.lockNeeds !== undefined && prepared.plan.locks.length > 0) {
          await requireLockRoom(session, prepared.plan.lockNeeds, connection.lockRoom);
        }
        const attempts = { database, session, options, giveUp, seen, pid, rules, roundTripMs };
        return { plan: prepared.plan, lock: await retryCriticalSection(attempts, prepared) };
      } catch (error) {
        if (isCancelled(error) || isConnectionLost(error)) requireTime(limits);
        if (isLockFailure(error)) return { retry: error };
        if (error instanceof GaveWay) return { retry: error };
        if (isStalePlan(error) && replans < MAX_REPLANS) {
          replans++;
          return { retry: null };
        }
        throw error;
      }
    }).catch(async (error) => {
      throw error instanceof NoFreeConnection ? await giveUp(error) : error;
    });
    if (!("retry" in outcome)) return outcome;
    const { retry } = outcome;
    if (retry === null) continue;
    const mayRetry = retry instanceof GaveWay
      ? await lookWithoutSession(database, retry.look, options, rules, seen)
      : await budget.pause();
    if (!mayRetry) throw await giveUp(retry);
  }
}

/**
 * Does work in a session that may wait for locks.
 *
 * @param first Whether the request had no session yet.
 * @throws {NoFreeConnection} If no connection was free while the request had time.
 */
async function withWritingSession<T>(
  database: Database,
  { limits, progress, budget }: ApplyOptions,
  first: boolean,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const wanted = first ? Math.max(MIN_CONNECTION_WAIT_MS, budget.remainingMs) : budget.remainingMs;
  const waitMs = Math.min(wanted, remainingMs(limits));
  const waiting = reportQueued(progress, limits);
  const { signal } = limits;
  return await database.withSession(
    { lane: "change", first, limits, waitMs, signal, waiting },
    work,
  );
}

interface Attempts {
  database: Database;
  session: Session;
  options: ApplyOptions;
  giveUp: (cause: unknown, inTheWay?: Blocker[]) => Promise<Problem>;
  seen: (blockers: Blocker[]) => void;
  pid: number;
  rules: QueueRules;
  /** Time that a small message and its answer are on their way. */
  roundTripMs: number;
}

/** Others hold locks for long, and another request needs the connection meanwhile. */
class GaveWay extends Error {
  /** @param look Query for who holds the locks. */
  constructor(readonly look: string) {
    super("others hold locks for long");
  }
}

/** Time between two looks without a session, in milliseconds. */
const DISTANT_LOOK_MS = 200;

/**
 * Looks at the holders until none of them is in the way, while other requests have the connections: to prepare
 * everything again would be in vain before. False if there is no time left.
 */
async function lookWithoutSession(
  database: Database,
  look: string,
  { budget, limits: { signal } }: ApplyOptions,
  rules: QueueRules,
  seen: (blockers: Blocker[]) => void,
): Promise<boolean> {
  while (await budget.wait(DISTANT_LOOK_MS)) {
    // Where the look fails, the next session says why.
    const inTheWay = await database.query(look, signal)
      .then((rows) => rules.inTheWay(holdersFromRows(rows)), () => []);
    if (inTheWay.length === 0) return true;
    if (rules.isTimeToReport()) seen(blockersOf(inTheWay));
  }
  return false;
}

/** Tries the critical section until it is committed or the budget is used up. */
async function retryCriticalSection<P extends Plan>(
  { database, session, options, giveUp, seen, pid, rules, roundTripMs }: Attempts,
  { plan, record, recordAhead, beforeAttempt, recordBefore, recorded }: Prepared<P>,
): Promise<LockFigures> {
  const { limits, budget } = options;
  const oids = plan.locks.flatMap(({ relations }) => relations);
  const look = queryHolders(oids);
  const prepare = async () => {
    const { answer } = await session.send(preparation(plan, record));
    const ahead = [
      ...recordAhead(),
      "savepoint critical_section",
      look,
      `select pg_current_xact_id()::text as xid, ${MESSAGE_MS} as server_ms`,
    ].join(";\n");
    await answer;
    const sent = performance.now();
    const [holders, [{ xid, server_ms }]] = (await session.runAll(ahead)).slice(-2);
    const networkMs = performance.now() - sent - Number(server_ms);
    if (plan.locks.length > 0) await flushLog(database);
    return { holders, xid, msPerCharacter: Math.max(0, networkMs - roundTripMs) / ahead.length };
  };
  const { holders, xid, msPerCharacter } = await cancelledWithCaller(
    database,
    pid,
    limits,
    () => watchingBlockers(database, pid, seen, prepare),
  );
  for (let seenLast: LockHolder[] | null = holdersFromRows(holders);; seenLast = null) {
    await untilNobodyIsInTheWay(
      { session, options, giveUp, seen, rules },
      look,
      seenLast,
    );
    requireTime(limits);
    const attempt = {
      number: budget.failures + 1,
      waitedMs: budget.failures > 0 || rules.hasWaited ? budget.elapsedMs : 0,
      lockTimeoutMs: rules.timeoutMs,
      remainingMs: remainingMs(limits),
    };
    options.progress({ phase: "locking", attempt: attempt.number });
    const message = criticalSection(plan, record, attempt, recordBefore);
    try {
      if (beforeAttempt !== undefined) await session.run(beforeAttempt);
      const sent = performance.now();
      const networkMs = roundTripMs + msPerCharacter * message.length;
      // From here on it is finished, whether or not the caller is still there.
      const results = await watchingBlockers(database, pid, seen, () => session.runAll(message));
      session.ended();
      return {
        ...lockFigures(results, attempt, performance.now() - sent - networkMs),
        ...hiddenHolders(rules.holdersVisible),
      };
    } catch (error) {
      const end = await endOfTransaction(session, error);
      if (end !== null) {
        session.ended();
        if (!(await wasCommitted(database, String(xid), limits))) throw end.cause;
        const figures = await recordedFigures(database, recorded);
        // After a crash the server can give the id of an uncommitted transaction to another one.
        if (figures === null) throw end.cause;
        return figures;
      }
      if (!isLockFailure(error)) throw duringRecreation(error, plan.changes);
      // The connection is released, and the preparation with it, to a request that has none and may be done soon.
      rules.failed();
      if (session.isAwaited) throw error;
      if (await budget.pause()) continue;
      await session.rollback();
      throw await giveUp(error);
    }
  }
}

/**
 * Looks at the holders until none of them is in the way. The session stays in its transaction, with what it prepared.
 *
 * @param look Query for the holders.
 * @param first What it has just found; null: it was not run.
 * @throws {GaveWay}
 * @throws {Problem} What `giveUp` makes.
 */
async function untilNobodyIsInTheWay(
  { session, options: { budget, limits }, giveUp, seen, rules }: Omit<
    Attempts,
    "database" | "pid" | "roundTripMs"
  >,
  look: string,
  first: LockHolder[] | null,
): Promise<void> {
  const holdersNow = async () => holdersFromRows(await session.run(look));
  for (let holders = first ?? await holdersNow();; holders = await holdersNow()) {
    const inTheWay = rules.inTheWay(holders);
    if (inTheWay.length === 0) return;
    if (rules.isTimeToReport()) seen(blockersOf(inTheWay));
    if (session.isAwaited) throw new GaveWay(look);
    requireTime(limits);
    if (await budget.wait(rules.nextLookMs())) continue;
    await session.rollback();
    throw await giveUp(null, blockersOf(inTheWay));
  }
}

/** The recorded figures of a change; null where it was not made. */
async function recordedFigures(database: Database, query: string): Promise<LockFigures | null> {
  try {
    const [figures] = await database.whileReachable(() => database.query(query));
    return figures === undefined ? null : figures as unknown as LockFigures;
  } catch (cause) {
    throw outcomeUnknown(cause);
  }
}

/**
 * What ended the transaction, after an error; null if it is still open, and then it is back at the savepoint. If it is
 * not, the error came with or after COMMIT, or the connection is lost; only the server knows whether it was committed.
 */
async function endOfTransaction(
  session: Session,
  error: unknown,
): Promise<{ cause: unknown } | null> {
  if (isConnectionLost(error)) return { cause: error };
  try {
    await session.run("rollback to savepoint critical_section");
    return null;
  } catch (later) {
    if (isConnectionLost(later)) return { cause: later };
    if (isOutsideOfTransaction(later)) return { cause: error };
    throw later;
  }
}

/** Cancels the backend's statement if the caller disconnects during `work`. */
async function cancelledWithCaller<T>(
  database: Database,
  pid: number,
  { signal }: Limits,
  work: () => Promise<T>,
): Promise<T> {
  const cancel = () => void database.query(`select pg_cancel_backend(${pid})`).catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    return await work();
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
