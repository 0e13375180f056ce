/**
 * Running a plan: one transaction, in which only the last message takes locks that clients feel.
 *
 * 1. `prepare` takes weak locks, reads the facts, makes the plan and writes the record: nobody waits for it.
 * 2. A savepoint; then the critical section as one message, whatever its length, from the first lock to
 *    COMMIT, so that the blocking window does not grow with the distance to the database.
 * 3. Where a lock was not to be had: back to the savepoint, so that facts and weak locks are kept, sleep,
 *    again. Where the facts no longer hold: from the start.
 */
import { Problem } from "../contract/problems.ts";
import type { LockFigures } from "../contract/responses.ts";
import type { LockStatement, Plan } from "../plan/plan.ts";
import { lockHolders, type RelationName } from "./blockers.ts";
import type { Database, Row, Session } from "./database.ts";
import { isLockFailure, isStalePlan } from "./database_errors.ts";
import { Patience } from "./patience.ts";

export interface ApplyOptions {
  /** Longest wait for one lock that clients feel, in milliseconds. */
  lockTimeoutMs: number;
  /** How long to go on trying, in milliseconds. */
  maxWaitMs: number;
  /** The relations that the request is about, as far as known, to name who holds locks on them. */
  relations: () => RelationName[];
}

export interface Prepared<P extends Plan> {
  plan: P;
  /** Statements that record the change; run in the critical section, after the plan's own. */
  record: (lock: LockExpressions) => string[];
}

/** The lock figures as SQL expressions, for what is recorded inside the transaction. */
export interface LockExpressions {
  attempts: string;
  waitedMs: string;
  /** Up to the statement it stands in. */
  heldMs: string;
}

/** How often a plan is made again because the facts moved while it was carried out. */
const MAX_REPLANS = 5;

/** Longest wait for a lock of the record's own rows and the like, in the critical section. */
const INNER_LOCK_TIMEOUT_MS = 200;

/** Settings of every transaction of ours; they hold whatever the role or the database has set. */
const SETTINGS = [
  "set local search_path = pg_catalog, pg_temp",
  "set local statement_timeout = '125s'",
  "set local idle_in_transaction_session_timeout = '60s'",
  "set local standard_conforming_strings = on",
].join(";\n");

const IDENTITY = `select pg_catalog.pg_backend_pid() as pid,
  pg_catalog.current_setting('server_version_num')::int as server_version`;

/** The beginning of a read-only transaction: what plans and checks look at. */
export const BEGIN_READING = `begin read only;\n${SETTINGS};\n${IDENTITY}`;

/** The beginning of a transaction that changes something. */
const BEGIN_WRITING = `begin;\n${SETTINGS};\n${IDENTITY}`;

export interface Connected {
  pid: number;
  serverVersion: number;
}

/** Reads what BEGIN_READING and the like answer. */
export function connected([row]: Row[]): Connected {
  return { pid: Number(row.pid), serverVersion: Number(row.server_version) };
}

/**
 * Carries a plan out.
 *
 * @param prepare Runs in the transaction; may run several times.
 * @throws {Problem} `lock_not_acquired` with `attempts`, `waited_ms` and `blockers`; what `prepare` throws.
 */
export async function applyPlan<P extends Plan>(
  database: Database,
  options: ApplyOptions,
  prepare: (
    session: Session,
    patience: Patience,
    connected: Connected,
  ) => Promise<Prepared<P>>,
): Promise<{ plan: P; lock: LockFigures }> {
  const patience = new Patience(options.maxWaitMs);
  for (let replans = 0;;) {
    const outcome = await database.withSession(async (session) => {
      const connection = connected(await session.begin(BEGIN_WRITING));
      const giveUp = (cause: unknown) =>
        lockNotAcquired(session, options.relations(), patience, connection.pid, cause);
      try {
        const prepared = await prepare(session, patience, connection);
        await session.run("savepoint critical_section");
        const lock = await enterCriticalSection(session, prepared, options, patience, giveUp);
        return { plan: prepared.plan, lock };
      } catch (error) {
        if (isLockFailure(error)) {
          // Those who hold the locks hold them still.
          await session.rollback();
          if (!(await patience.again())) throw await giveUp(error);
          return null;
        }
        if (isStalePlan(error) && replans < MAX_REPLANS) {
          replans++;
          return null;
        }
        throw error;
      }
    });
    if (outcome !== null) return outcome;
  }
}

async function enterCriticalSection<P extends Plan>(
  session: Session,
  { plan, record }: Prepared<P>,
  options: ApplyOptions,
  patience: Patience,
  giveUp: (cause: unknown) => Promise<Problem>,
): Promise<LockFigures> {
  for (;;) {
    const attempts = patience.failures + 1;
    const waitedBefore = patience.failures === 0 ? 0 : patience.elapsedMs;
    const message = [
      ...lockStatements(plan.locks, options.lockTimeoutMs),
      ...plan.changes.map((statement) => statement.sql),
      ...record({
        attempts: String(attempts),
        waitedMs: `${milliseconds(waitedBefore)} + ${clockOf("granted")} - ${clockOf("asked")}`,
        heldMs: `${CLOCK_MS} - ${clockOf("granted")}`,
      }),
      "commit",
      `select ${CLOCK_MS} as clock_ms`,
    ].join(";\n");
    try {
      const [asked, granted, committed] = clockTimes(await session.runAll(message));
      session.ended();
      return {
        attempts,
        waited_ms: milliseconds(waitedBefore + granted - asked),
        held_ms: milliseconds(committed - granted),
      };
    } catch (error) {
      if (!isLockFailure(error)) throw error;
      await session.run("rollback to savepoint critical_section");
      if (!(await patience.again())) throw await giveUp(error);
    }
  }
}

/** The server's clock in milliseconds, not the transaction's. */
const CLOCK_MS = "(extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8";

const MOMENT = { asked: "table_rename.asked_ms", granted: "table_rename.granted_ms" };

/** Statement that notes a moment in a setting of the transaction and answers with it. */
const noteClock = (moment: keyof typeof MOMENT) =>
  `select pg_catalog.set_config('${MOMENT[moment]}', ${CLOCK_MS}::text, true) as clock_ms`;

const clockOf = (moment: keyof typeof MOMENT) =>
  `pg_catalog.current_setting('${MOMENT[moment]}')::float8`;

function clockTimes(results: Row[][]): number[] {
  return results.flatMap((rows) =>
    rows[0] !== undefined && "clock_ms" in rows[0] ? [Number(rows[0].clock_ms)] : []
  );
}

const milliseconds = (value: number) => Math.max(0, Math.round(value * 100) / 100);

/** A lock that is not waited for still needs a timeout, and 0 would mean to wait for ever. */
const NO_WAIT_MS = 1;

function lockStatements(locks: LockStatement[], lockTimeoutMs: number): string[] {
  const statements = [noteClock("asked"), `set local statement_timeout = '30s'`];
  let current: number | null = null;
  for (const lock of locks) {
    const timeout = Math.max(NO_WAIT_MS, Math.floor(lockTimeoutMs * lock.timeout_share));
    if (timeout !== current) statements.push(setLockTimeout(timeout));
    current = timeout;
    statements.push(lock.sql);
  }
  return [...statements, setLockTimeout(INNER_LOCK_TIMEOUT_MS), noteClock("granted")];
}

/** Statement that bounds the waits for locks in this transaction, in milliseconds; never 0, "for ever". */
export function setLockTimeout(ms: number): string {
  return `set local lock_timeout = '${Math.max(NO_WAIT_MS, Math.floor(ms))}ms'`;
}

async function lockNotAcquired(
  session: Session,
  relations: RelationName[],
  patience: Patience,
  pid: number,
  cause: unknown,
): Promise<Problem> {
  const blockers = await lockHolders(session, relations, pid);
  const waited = milliseconds(patience.elapsedMs);
  return new Problem(
    "lock_not_acquired",
    `The locks could not be had within ${waited} ms, in ${patience.failures} attempts.`,
    {
      hint: blockers.length > 0
        ? "Wait for the blockers' transactions to end, or end them; then try again."
        : "Try again, with a longer max_wait_ms if the tables are busy.",
      fields: { attempts: patience.failures, waited_ms: waited, blockers },
      cause,
    },
  );
}
