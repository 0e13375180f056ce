/**
 * The critical section: everything from the first lock that clients feel to COMMIT, as one message to the
 * server, so that the blocking window does not grow with the distance between function and database.
 */
import type { LockFigures, Statement } from "../contract/responses.ts";
import { markedAsOwn } from "../sql/own_statements.ts";
import {
  type LockStatement,
  type Plan,
  prepared,
  PREPARED_PREFIX,
  type PreparedStatement,
} from "../plan/plan.ts";
import { dollarQuoted, literal, millisecondsLiteral } from "../sql/quoting.ts";
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
const CLOCK_MS = "(extract(epoch from pg_catalog.clock_timestamp()) * 1000::numeric)::float8";

/** Time since the server received the message that it stands in, in milliseconds. */
export const MESSAGE_MS =
  "(extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp())" +
  " * 1000::numeric)::float8";

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
    ...preparations(plan, record).map(marked),
  ].join(";\n");
}

/**
 * The message, from the lock timeout to COMMIT. Nothing comes after that: it would run with the login's own
 * settings, and could fail where all is done. So the last look at the clock is before it.
 */
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
    ...plan.beforeLocks.map(marked),
    ...recordBefore,
    `select ${note("attempts", String(attempt.number))}, ${
      note("waited_ms", String(milliseconds(attempt.waitedMs)))
    }, ${note("asked_ms", CLOCK_MS)} as clock_ms`,
    ...lockStatements(plan.locks, attempt.lockTimeoutMs),
    setLockTimeout(INNER_LOCK_TIMEOUT_MS),
    `select ${note("granted_ms", CLOCK_MS)} as clock_ms`,
    ...plan.changes.map(marked),
    ...recordStatements(record).map(({ execute }) => execute),
    ...preparations(plan, record).flatMap(({ forget }) => forget ?? []),
    `select ${CLOCK_MS} as clock_ms, ${MESSAGE_MS} as server_ms`,
    "commit",
  ].join(";\n");
}

/**
 * Reads the figures from the message's answers.
 *
 * @param answeredMs How long the message took to be answered, without the way to the server and back. What of it
 *   the server had not spent when it came to COMMIT is the time of COMMIT.
 */
export function lockFigures(
  results: Row[][],
  attempt: { number: number; waitedMs: number },
  answeredMs: number,
): LockFigures {
  const [asked, granted, ready] = results.flatMap(([row]) =>
    row !== undefined && "clock_ms" in row ? [row] : []
  );
  const clock = (row: Row) => Number(row.clock_ms);
  const commitMs = Math.max(0, answeredMs - Number(ready.server_ms));
  return {
    attempts: attempt.number,
    waited_ms: milliseconds(attempt.waitedMs + clock(granted) - clock(asked)),
    held_ms: milliseconds(clock(ready) - clock(granted) + commitMs),
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
    statements.push(marked(lock));
  }
  return statements;
}

/** Statement that bounds the waits for locks in this transaction, in milliseconds; never 0, "for ever". */
export function setLockTimeout(ms: number): string {
  return `set local lock_timeout = ${millisecondsLiteral(ms)}`;
}

const marked = ({ sql }: Pick<Statement, "sql">): string => markedAsOwn(sql);

/** Rounded to hundredths, never negative: server and function have clocks of their own. */
export const milliseconds = (value: number) => Math.max(0, Math.round(value * 100) / 100);
