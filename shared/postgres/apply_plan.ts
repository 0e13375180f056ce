/**
 * Applying a plan: one transaction, in which only the last message takes locks that clients feel.
 *
 * 1. `prepare` takes weak locks, reads the facts, makes the plan and writes the record: nobody waits for it.
 * 2. Views are made and checked, and what comes later is planned: nobody waits for that either. A savepoint.
 * 3. The critical section as one message.
 * 4. If a lock could not be acquired: roll back to the savepoint, which keeps facts, weak locks and views, sleep, and
 *    retry. If the facts are outdated: start over.
 * 5. If the connection broke in the critical section: ask the server whether it was committed.
 */
import { EVENTS_TABLE } from "../contract/names.ts";
import { Problem } from "../contract/problems.ts";
import type { Blocker, LockFigures, Progress } from "../contract/responses.ts";
import type { Plan } from "../plan/plan.ts";
import { literal } from "../sql/quoting.ts";
import { untrustedColumn } from "../sql/trusted_objects.ts";
import { blockersHint, lockHolders, type RelationName, watchingBlockers } from "./blockers.ts";
import { outcomeUnknown, wasCommitted } from "./commit_outcome.ts";
import { NoFreeConnection } from "./connection_slots.ts";
import {
  criticalSection,
  type LockExpressions,
  lockFigures,
  MESSAGE_MS,
  preparation,
  roundedMs,
} from "./critical_section.ts";
import type { Database, Row, Session } from "./database.ts";
import {
  duringRecreation,
  isCancelled,
  isConnectionLost,
  isLockFailure,
  isOutsideOfTransaction,
  isStalePlan,
} from "./database_errors.ts";
import { trackingMissing } from "./database_problems.ts";
import { type Limits, remainingMs, requireTime, type RetryBudget } from "./limits.ts";
import { featureColumns, type ServerFeatures, serverFeatures } from "./server_features.ts";
import { beginReadOnly, beginReadWrite, setLockTimeout } from "./transaction.ts";

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

export interface Prepared<P extends Plan> {
  plan: P;
  /** Statements that record the change; run in the critical section, after the plan's own. */
  record: (lock: LockExpressions) => string[];
  /** Statement that is run before each attempt, in a message of its own. Default: none. */
  beforeAttempt?: string;
  /** Statements that record the state before the change, run in the critical section before its locks. Default: none. */
  recordBefore?: string[];
  /** Query for the recorded lock figures, in case the answer is lost. */
  recorded: string;
}

/**
 * Longest wait in one go for a lock that no client feels, in milliseconds. The session has a connection meanwhile; then
 * it releases that to others who wait for one, and asks for another.
 */
const LONGEST_WAIT_MS = 2_000;

/** Least wait for a connection, in milliseconds, even with max_wait_ms 0: connections are soon free again. */
const MIN_CONNECTION_WAIT_MS = 2_000;

/** Longest wait of a transaction that only reads for a lock, such as one of other people's DDL, in milliseconds. */
const READING_LOCK_TIMEOUT_MS = 10_000;

/** How often a plan is made again because the facts changed while it was applied. */
const MAX_REPLANS = 5;

/** What is asked at the beginning of a transaction. */
const CONNECTION_QUERY = `
select pg_backend_pid() as pid, current_setting('server_version_num')::int as server_version,
  to_regclass(${
  literal(EVENTS_TABLE)
}) is not null as tracked,${untrustedColumn},${featureColumns}`;

/** The beginning of a read-only transaction. */
export const beginReading = (limits: Limits) =>
  [
    beginReadOnly(remainingMs(limits)),
    setLockTimeout(Math.min(READING_LOCK_TIMEOUT_MS, Math.max(1, remainingMs(limits)))),
    CONNECTION_QUERY,
  ].join(";\n");

/** The beginning of a transaction that changes something. Its lock timeout is for locks that clients do not feel. */
const beginWriting = (limits: Limits, budget: RetryBudget) =>
  [
    beginReadWrite(remainingMs(limits)),
    setLockTimeout(Math.max(1, Math.min(LONGEST_WAIT_MS, budget.remainingMs))),
    CONNECTION_QUERY,
  ].join(";\n");

export interface Connected extends ServerFeatures {
  pid: number;
  serverVersion: number;
  /** Objects that are ignored, since they are not what their names say (`sql/trusted_objects.ts`). */
  untrusted: string[];
}

/**
 * Reads the answer to the beginning of a transaction.
 *
 * @throws {Problem} `database_unavailable` where the tracking tables are missing: a change that cannot be recorded is
 *   not begun.
 */
export function connected([row]: Row[]): Connected {
  if (!row.tracked) throw trackingMissing();
  return {
    pid: Number(row.pid),
    serverVersion: Number(row.server_version),
    untrusted: (row.untrusted ?? []) as string[],
    ...serverFeatures(row),
  };
}

/** Makes the function that reports that a request waits for a connection. */
export const reportQueued =
  (progress: (progress: Progress) => void, { started }: Pick<Limits, "started">) => () =>
    progress({ phase: "queued", waited_ms: roundedMs(performance.now() - started) });

/**
 * Applies a plan.
 *
 * @param prepare Runs in the transaction; may run several times.
 * @throws {Problem} `lock_not_acquired` with `attempts`, `waited_ms` and `blockers`; `deadline_exceeded`;
 *   `database_unavailable`; what `prepare` throws.
 */
export async function applyPlan<P extends Plan, T>(
  database: Database,
  options: ApplyOptions,
  prepare: (session: Session, connected: Connected) => Promise<Prepared<P> | Done<T>>,
): Promise<{ plan: P; lock: LockFigures } | Done<T>> {
  const { limits, progress, budget } = options;
  let blockers: Blocker[] = [];
  const seen = (now: Blocker[]) => {
    blockers = now;
    progress({ phase: "waiting", waited_ms: roundedMs(budget.elapsedMs), blockers });
  };
  /** Called without a session, since it needs a connection to find the blockers. */
  const giveUp = async (cause: unknown) => {
    requireTime(limits);
    if (blockers.length === 0) blockers = await lockHolders(database, options.relations(), 0);
    return lockNotAcquired(budget, blockers, cause);
  };
  for (let replans = 0;;) {
    requireTime(limits);
    const outcome = await withWritingSession(database, options, async (session) => {
      const connection = connected(await session.begin(beginWriting(limits, budget)));
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
        const attempts: Attempts = { database, session, options, giveUp, seen, pid };
        return { plan: prepared.plan, lock: await retryCriticalSection(attempts, prepared) };
      } catch (error) {
        if (isCancelled(error) || isConnectionLost(error)) requireTime(limits);
        if (isLockFailure(error)) return { retry: error };
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
    if (outcome.retry !== null && !(await budget.pause())) throw await giveUp(outcome.retry);
  }
}

/**
 * Does work in a session that may wait for locks.
 *
 * @throws {NoFreeConnection} If no connection was free while the request had time.
 */
async function withWritingSession<T>(
  database: Database,
  { limits, progress, budget }: ApplyOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const first = budget.failures === 0;
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
  giveUp: (cause: unknown) => Promise<Problem>;
  seen: (blockers: Blocker[]) => void;
  pid: number;
}

/** Tries the critical section until it is committed or the budget is used up. */
async function retryCriticalSection<P extends Plan>(
  { database, session, options, giveUp, seen, pid }: Attempts,
  { plan, record, beforeAttempt, recordBefore, recorded }: Prepared<P>,
): Promise<LockFigures> {
  const { limits, budget, lockTimeoutMs } = options;
  const prepared = performance.now();
  const before = [
    preparation(plan, record),
    "savepoint critical_section",
    `select pg_current_xact_id()::text as xid, ${MESSAGE_MS} as server_ms`,
  ].join(";\n");
  const [{ xid, server_ms }] = await cancelledWithCaller(
    database,
    pid,
    limits,
    () => session.run(before),
  );
  const networkMs = performance.now() - prepared - Number(server_ms);
  for (;;) {
    requireTime(limits);
    const attempt = {
      number: budget.failures + 1,
      waitedMs: budget.failures === 0 ? 0 : budget.elapsedMs,
      lockTimeoutMs,
      remainingMs: remainingMs(limits),
    };
    options.progress({ phase: "locking", attempt: attempt.number });
    const message = criticalSection(plan, record, attempt, recordBefore);
    try {
      if (beforeAttempt !== undefined) await session.run(beforeAttempt);
      const sent = performance.now();
      // From here on it is finished, whether or not the caller is still there.
      const results = await watchingBlockers(database, pid, seen, () => session.runAll(message));
      session.ended();
      return lockFigures(results, attempt, performance.now() - sent - networkMs);
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
      if (session.isAwaited) throw error;
      if (await budget.pause()) continue;
      await session.rollback();
      throw await giveUp(error);
    }
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

function lockNotAcquired(budget: RetryBudget, blockers: Blocker[], cause: unknown): Problem {
  const waited = roundedMs(budget.elapsedMs);
  const { failures } = budget;
  const untried = cause instanceof NoFreeConnection && failures === 0;
  return new Problem(
    budget.endsWithRequest ? "deadline_exceeded" : "lock_not_acquired",
    untried
      ? `Other requests used all connections; this one could not start within ${waited} ms.`
      : `The locks could not be acquired within ${waited} ms, in ${failures} ${
        failures === 1 ? "attempt" : "attempts"
      }.`,
    {
      hint: untried
        ? "Try again when the other requests are done, or with a longer max_wait_ms."
        : blockers.length > 0
        ? blockersHint(blockers)
        : "Try again, with a longer max_wait_ms if the tables are busy.",
      fields: { attempts: failures, waited_ms: waited, blockers },
      cause,
    },
  );
}
