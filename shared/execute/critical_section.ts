/**
 * The critical section: everything from the first lock that clients feel to COMMIT, as one message to the
 * server, so that the blocking window does not grow with the distance between function and database.
 */
import type { LockFigures } from "../contract/responses.ts";
import {
  type LockStatement,
  type Plan,
  prepared,
  PREPARED_PREFIX,
  type PreparedStatement,
} from "../plan/plan.ts";
import { dollarQuoted, literal, millisecondsLiteral } from "../plan/quoting.ts";
import type { Row } from "./database.ts";

/** The lock figures as SQL expressions, for what is recorded inside the transaction. */
export interface LockExpressions {
  attempts: string;
  waitedMs: string;
  /** Up to the statement it stands in. */
  heldMs: string;
}

/** Longest wait for a lock of the record's own rows and the like, once the tables' locks are held. */
const INNER_LOCK_TIMEOUT_MS = 200;

/**
 * Longest wait for a lock while another one is held, however long the caller's lock timeout: a client that
 * waits for the one and has the other would be told of a deadlock after deadlock_timeout, 1 s by default.
 */
const HOLDING_TIMEOUT_MS = 400;

/** Longest time that one statement may take while clients wait, deadline or not, in milliseconds. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** A lock that is not waited for still needs a timeout, and 0 would mean to wait for ever. */
const NO_WAIT_MS = 1;

/** The server's clock in milliseconds, not the transaction's. */
const CLOCK_MS = "(extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8";

/** Figures are kept in settings of the transaction, so that the statements are the same at every attempt. */
type Figure = "attempts" | "waited_ms" | "asked_ms" | "granted_ms";

const note = (figure: Figure, value: string) =>
  `pg_catalog.set_config('table_rename.${figure}', (${value})::text, true)`;

const noted = (figure: Figure) => `pg_catalog.current_setting('table_rename.${figure}')::float8`;

const LOCK: LockExpressions = {
  attempts: `${noted("attempts")}::int`,
  waitedMs: `${noted("waited_ms")} + ${noted("granted_ms")} - ${noted("asked_ms")}`,
  heldMs: `${CLOCK_MS} - ${noted("granted_ms")}`,
};

/** Statements that record the change, with the lock figures. */
type RecordSql = (lock: LockExpressions) => string[];

const recordStatements = (record: RecordSql): PreparedStatement[] =>
  record(LOCK).map((sql, index) => prepared(`record_${index + 1}`, sql));

/** A session can still have them from a rename that was given up: COMMIT never came to forget them. */
const FORGET_LEFTOVERS = `do ${
  dollarQuoted(
    `
declare
  leftover text;
begin
  for leftover in select name from pg_catalog.pg_prepared_statements
    where pg_catalog.starts_with(name, ${literal(PREPARED_PREFIX)})
  loop
    execute pg_catalog.format('deallocate %I', leftover);
  end loop;
end `,
    "forget",
  )
}`;

const preparations = (plan: Plan, record: RecordSql) => [
  ...plan.preparations,
  ...recordStatements(record).flatMap(({ preparations }) => preparations),
];

/** The message before the critical section: has the server plan what needs no lock to be planned. */
export function preparation(plan: Plan, record: RecordSql): string {
  return [
    FORGET_LEFTOVERS,
    ...preparations(plan, record).map(({ sql }) => sql),
  ].join(";\n");
}

/** The message, from the lock timeout to COMMIT and a last look at the clock. */
export function criticalSection(
  plan: Plan,
  record: RecordSql,
  attempt: { number: number; waitedMs: number; lockTimeoutMs: number; remainingMs: number },
  recordBefore: string[] = [],
): string {
  const timeout = Math.min(STATEMENT_TIMEOUT_MS, attempt.remainingMs);
  return [
    `set local statement_timeout = ${millisecondsLiteral(timeout)}`,
    setLockTimeout(INNER_LOCK_TIMEOUT_MS),
    ...plan.beforeLocks.map((statement) => statement.sql),
    ...recordBefore,
    `select ${note("attempts", String(attempt.number))}, ${
      note("waited_ms", String(milliseconds(attempt.waitedMs)))
    }, ${note("asked_ms", CLOCK_MS)} as clock_ms`,
    ...lockStatements(plan.locks, attempt.lockTimeoutMs),
    setLockTimeout(INNER_LOCK_TIMEOUT_MS),
    `select ${note("granted_ms", CLOCK_MS)} as clock_ms`,
    ...plan.changes.map((statement) => statement.sql),
    ...recordStatements(record).map(({ execute }) => execute),
    ...preparations(plan, record).flatMap(({ forget }) => forget ?? []),
    "commit",
    `select ${CLOCK_MS} as clock_ms`,
  ].join(";\n");
}

/** Reads the figures from the message's answers. */
export function lockFigures(
  results: Row[][],
  attempt: { number: number; waitedMs: number },
): LockFigures {
  const [asked, granted, committed] = results.flatMap((rows) =>
    rows[0] !== undefined && "clock_ms" in rows[0] ? [Number(rows[0].clock_ms)] : []
  );
  return {
    attempts: attempt.number,
    waited_ms: milliseconds(attempt.waitedMs + granted - asked),
    held_ms: milliseconds(committed - granted),
  };
}

function lockStatements(locks: LockStatement[], lockTimeoutMs: number): string[] {
  const statements: string[] = [];
  let current: number | null = null;
  for (const [index, lock] of locks.entries()) {
    const wanted = Math.floor(lockTimeoutMs * lock.timeout_share);
    const timeout = Math.max(
      NO_WAIT_MS,
      index === 0 ? wanted : Math.min(wanted, HOLDING_TIMEOUT_MS),
    );
    if (timeout !== current) statements.push(setLockTimeout(timeout));
    current = timeout;
    statements.push(lock.sql);
  }
  return statements;
}

/** Statement that bounds the waits for locks in this transaction, in milliseconds; never 0, "for ever". */
export function setLockTimeout(ms: number): string {
  return `set local lock_timeout = ${millisecondsLiteral(ms)}`;
}

/** Rounded to hundredths, never negative: server and function have clocks of their own. */
export const milliseconds = (value: number) => Math.max(0, Math.round(value * 100) / 100);
