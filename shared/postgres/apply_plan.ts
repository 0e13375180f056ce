/**
 * Running a plan: one transaction, in which only the last message takes locks that clients feel.
 *
 * 1. `prepare` takes weak locks, reads the facts, makes the plan and writes the record: nobody waits for it.
 * 2. A savepoint; then the critical section as one message.
 * 3. Where a lock was not to be had: back to the savepoint, so that facts and weak locks are kept, sleep,
 *    again. Where the facts no longer hold: from the start.
 * 4. Where the connection broke in the critical section: the server is asked what became of it.
 */
import { Problem } from "../contract/problems.ts";
import type { Blocker, LockFigures, Progress } from "../contract/responses.ts";
import type { TextSources } from "../facts/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { StatementStatistics } from "../facts/usage_facts.ts";
import { literal } from "../sql/quoting.ts";
import { untrustedColumn } from "../sql/trusted_objects.ts";
import { EVENTS_TABLE } from "../contract/names.ts";
import { blockersHint, lockHolders, type RelationName, watchingBlockers } from "./blockers.ts";
import { outcomeUnknown, wasCommitted } from "./commit_outcome.ts";
import {
  criticalSection,
  type LockExpressions,
  lockFigures,
  MESSAGE_MS,
  milliseconds,
  preparation,
  setLockTimeout,
} from "./critical_section.ts";
import type { Database, Row, Session } from "./database.ts";
import {
  isCancelled,
  isConnectionLost,
  isLockFailure,
  isOutsideOfTransaction,
  isStalePlan,
  otherTracking,
} from "./database_errors.ts";
import { NoTurn } from "./turns.ts";
import { type Limits, remainingMs, requireTime } from "./limits.ts";
import {
  type MigrationHistory,
  migrationHistory,
  migrationHistoryColumn,
} from "./migration_history.ts";
import { RetryBudget } from "./retry_budget.ts";
import { whileRecreating } from "./recreate_failed.ts";
import { statementStatistics, statementStatisticsColumns } from "./statement_statistics.ts";
import { textSourceColumns, textSources } from "./text_sources.ts";
import { beginReadOnly, beginReadWrite } from "./transaction.ts";

export interface ApplyOptions {
  /** Longest wait for one lock that clients feel, in milliseconds. */
  lockTimeoutMs: number;
  /** How long to go on trying; what was tried before belongs to it. */
  budget: RetryBudget;
  limits: Limits;
  /** The relations that the request is about, as far as known, to name who holds locks on them. */
  relations: () => RelationName[];
  progress: (progress: Progress) => void;
}

/** What needs no plan, and is committed already. */
export interface Done<T> {
  done: T;
}

export interface Prepared<P extends Plan> {
  plan: P;
  /** Statements that record the change; run in the critical section, after the plan's own. */
  record: (lock: LockExpressions) => string[];
  /** Statement that is run anew before each attempt, in a message of its own. Default: none. */
  beforeAttempt?: string;
  /** Statements that note the state before, run in the same message before the locks. Default: none. */
  recordBefore?: string[];
  /** Query for the lock figures as they were recorded, for the case that the answer is lost. */
  recorded: string;
}

/**
 * Longest wait in one go for a lock that no client feels, in milliseconds. A session that waits has a connection;
 * after that time it gives it to whoever waits for one, and asks for another.
 */
const LONGEST_WAIT_MS = 2_000;

/** Longest wait for its turn of a request that has no time to wait, in milliseconds: turns are short. */
const LEAST_TURN_MS = 2_000;

/** Longest wait for a lock of what only reads, in milliseconds: other people's DDL. */
const READING_LOCK_TIMEOUT_MS = 10_000;

/** How often a plan is made again because the facts moved while it was carried out. */
const MAX_REPLANS = 5;

/** What the beginning of a transaction asks. */
const CONNECTED = `select pg_catalog.pg_backend_pid() as pid,
  pg_catalog.current_setting('server_version_num')::int as server_version,${textSourceColumns},
  ${statementStatisticsColumns},${migrationHistoryColumn},${untrustedColumn},
  pg_catalog.to_regclass(${literal(EVENTS_TABLE)}) is not null as tracked`;

/** The beginning of a read-only transaction: what plans and checks look at. */
export const beginReading = (limits: Limits) =>
  [
    beginReadOnly(remainingMs(limits)),
    setLockTimeout(Math.min(READING_LOCK_TIMEOUT_MS, Math.max(1, remainingMs(limits)))),
    CONNECTED,
  ].join(";\n");

/**
 * The beginning of a transaction that changes something. A wait for locks, here only for those that clients do not
 * feel, is cut into pieces, so that nobody keeps a connection by waiting.
 */
export const beginWriting = (limits: Limits, budget: RetryBudget) =>
  [
    beginReadWrite(remainingMs(limits)),
    setLockTimeout(Math.max(1, Math.min(LONGEST_WAIT_MS, budget.remainingMs))),
    CONNECTED,
  ].join(";\n");

export interface Connected {
  pid: number;
  serverVersion: number;
  sources: TextSources;
  statistics: StatementStatistics;
  history: MigrationHistory;
  /** What is left alone, since it is not what its name says (`plan/trusted_objects.ts`). */
  untrusted: string[];
}

/**
 * Reads what the beginning of a transaction answers.
 *
 * @throws {Problem} `database_unavailable` where the tracking tables are missing, or are those of another version:
 *   what could not be recorded in the end is not begun.
 */
export function connected([row]: Row[]): Connected {
  if (!row.tracked) throw otherTracking();
  return {
    pid: Number(row.pid),
    serverVersion: Number(row.server_version),
    sources: textSources(row),
    statistics: statementStatistics(row),
    history: migrationHistory(row),
    untrusted: (row.untrusted ?? []) as string[],
  };
}

/** Reports that a request waits for its turn. */
export const reportQueued =
  (progress: (progress: Progress) => void, { started }: Pick<Limits, "started">) => () =>
    progress({ phase: "queued", waited_ms: milliseconds(performance.now() - started) });

/**
 * Does work in a session that may wait for locks, in its turn.
 *
 * @throws {NoTurn} Where the turn did not come as long as the request has budget.
 */
async function inTurn<T>(
  database: Database,
  { limits, progress, budget }: Pick<ApplyOptions, "limits" | "progress" | "budget">,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  // Who could not try at all is given a moment; whoever has tried had one.
  const first = budget.failures === 0;
  const waitMs = Math.min(
    first ? Math.max(LEAST_TURN_MS, budget.remainingMs) : budget.remainingMs,
    remainingMs(limits),
  );
  const waiting = reportQueued(progress, limits);
  const { signal } = limits;
  return await database.withSession(
    { lane: "change", first, limits, waitMs, signal, waiting },
    work,
  );
}

/**
 * Carries a plan out.
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
    progress({ phase: "waiting", waited_ms: milliseconds(budget.elapsedMs), blockers });
  };
  /** Asks only where this request keeps nothing from others any more. */
  const giveUp = async (cause: unknown) => {
    requireTime(limits);
    if (blockers.length === 0) blockers = await lockHolders(database, options.relations(), 0);
    return lockNotAcquired(budget, blockers, cause);
  };
  for (let replans = 0;;) {
    requireTime(limits);
    const outcome = await inTurn(database, options, async (session) => {
      const connection = connected(await session.begin(beginWriting(limits, budget)));
      const attempt: Attempt = { session, options, budget, giveUp, seen, pid: connection.pid };
      try {
        progress({ phase: "preparing" });
        const prepared = await cancelledWithCaller(
          database,
          connection.pid,
          limits,
          () =>
            watchingBlockers(
              database,
              connection.pid,
              seen,
              () => prepare(session, connection),
            ),
        );
        if ("done" in prepared) return prepared;
        return { plan: prepared.plan, lock: await enter(database, attempt, prepared) };
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
      throw error instanceof NoTurn ? await giveUp(error) : error;
    });
    if (!("retry" in outcome)) return outcome;
    if (outcome.retry !== null && !(await budget.again())) throw await giveUp(outcome.retry);
  }
}

interface Attempt {
  session: Session;
  options: ApplyOptions;
  budget: RetryBudget;
  giveUp: (cause: unknown) => Promise<Problem>;
  seen: (blockers: Blocker[]) => void;
  pid: number;
}

async function enter<P extends Plan>(
  database: Database,
  { session, options, budget, giveUp, seen, pid }: Attempt,
  { plan, record, beforeAttempt, recordBefore, recorded }: Prepared<P>,
): Promise<LockFigures> {
  const prepared = performance.now();
  const [{ xid, server_ms }] = await session.run([
    preparation(plan, record),
    "savepoint critical_section",
    `select pg_catalog.pg_current_xact_id()::text as xid, ${MESSAGE_MS} as server_ms`,
  ].join(";\n"));
  const distanceMs = performance.now() - prepared - Number(server_ms);
  for (;;) {
    requireTime(options.limits);
    const attempt = {
      number: budget.failures + 1,
      waitedMs: budget.failures === 0 ? 0 : budget.elapsedMs,
      lockTimeoutMs: options.lockTimeoutMs,
      remainingMs: remainingMs(options.limits),
    };
    options.progress({ phase: "locking", attempt: attempt.number });
    const message = criticalSection(plan, record, attempt, recordBefore);
    try {
      if (beforeAttempt !== undefined) await session.run(beforeAttempt);
      const sent = performance.now();
      // From here on it is carried to its end, whether or not the caller still waits.
      const results = await watchingBlockers(
        database,
        pid,
        seen,
        () => session.runAll(message),
      );
      session.ended();
      return lockFigures(results, attempt, performance.now() - sent - distanceMs);
    } catch (error) {
      const end = await endOf(session, error);
      if (end !== null) {
        session.ended();
        if (!(await wasCommitted(database, String(xid), options.limits))) throw end.cause;
        const figures = await recordedFigures(database, recorded);
        // A crash can take an uncommitted transaction's id back, and another's then has it.
        if (figures === null) throw end.cause;
        return figures;
      }
      if (!isLockFailure(error)) throw whileRecreating(error, plan.changes);
      // What was made ready is given up for a request that has no connection: it may need no more than a moment.
      if (session.isAwaited) throw error;
      if (await budget.again()) continue;
      await session.rollback();
      throw await giveUp(error);
    }
  }
}

/** The figures of a change as it has recorded them; null where it was not made. */
async function recordedFigures(database: Database, query: string): Promise<LockFigures | null> {
  try {
    const [figures] = await database.whileReachable(() => database.query(query));
    return figures === undefined ? null : figures as unknown as LockFigures;
  } catch (cause) {
    throw outcomeUnknown(cause);
  }
}

/**
 * What has ended the transaction after an error; null where it is still there, and then it is back at the savepoint.
 * Where it is not, the error came with COMMIT or after it, or the connection is gone, and only the server knows what
 * became of the transaction: an error alone never says that nothing was changed.
 */
async function endOf(session: Session, error: unknown): Promise<{ cause: unknown } | null> {
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

/** While nothing is locked yet that clients feel, a caller who goes away takes the statement along. */
async function cancelledWithCaller<T>(
  database: Database,
  pid: number,
  { signal }: Limits,
  work: () => Promise<T>,
): Promise<T> {
  const cancel = () =>
    void database.query(`select pg_catalog.pg_cancel_backend(${pid})`).catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    return await work();
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function lockNotAcquired(budget: RetryBudget, blockers: Blocker[], cause: unknown): Problem {
  const waited = milliseconds(budget.elapsedMs);
  const untried = cause instanceof NoTurn && budget.failures === 0;
  return new Problem(
    budget.endsWithRequest ? "deadline_exceeded" : "lock_not_acquired",
    untried
      ? `Other requests were at work or waited for locks; in ${waited} ms this one had no turn.`
      : `The locks could not be acquired within ${waited} ms, in ${budget.failures} attempts.`,
    {
      hint: untried
        ? "Try again when the other requests are done, or with a longer max_wait_ms."
        : blockers.length > 0
        ? blockersHint(blockers)
        : "Try again, with a longer max_wait_ms if the tables are busy.",
      fields: { attempts: budget.failures, waited_ms: waited, blockers },
      cause,
    },
  );
}
