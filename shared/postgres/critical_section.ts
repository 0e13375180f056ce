/**
 * The critical section: everything from the first lock that clients feel to COMMIT, as one message to the
 * server, so that the blocking window does not grow with the distance between function and database.
 */
import { OWN_SCHEMA } from "../contract/names.ts";
import type { LockFigures, Statement } from "../contract/responses.ts";
import {
  type LockStatement,
  type Plan,
  prepared,
  PREPARED_PREFIX,
  type PreparedStatement,
} from "../plan/plan.ts";
import { markedAsOwn } from "../sql/own_statements.ts";
import { dollarQuoted, literal, millisecondsLiteral } from "../sql/quoting.ts";
import type { Row } from "./connection/connection.ts";
import { MESSAGE_MS, setLockTimeout } from "./transaction.ts";

/** The lock figures as SQL expressions, for what is recorded inside the transaction. */
export interface LockExpressions {
  attempts: string;
  waitedMs: string;
  /** Up to the statement that contains it. */
  heldMs: string;
}

/** Longest wait for a lock on rows of the record and the like, once the tables' locks are held. */
const INNER_LOCK_TIMEOUT_MS = 200;

/**
 * Longest wait for further locks once one is held, whatever the caller's lock timeout. A client that holds the one
 * and waits for the other would get a deadlock error after deadlock_timeout, 1 s by default.
 */
const HOLDING_TIMEOUT_MS = 400;

/** Longest time of one statement while clients wait, in milliseconds. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** The shortest timeout; 0 would mean no limit. */
const NO_WAIT_MS = 1;

/** How often the time that is left for locks is computed anew, at most: each time takes some microseconds. */
const MAX_TIMEOUTS = 64;

/** The server's clock in milliseconds, not the transaction's. */
const CLOCK_MS = "(extract(epoch from clock_timestamp()) * 1000::numeric)::float8";

/** Figures are kept in settings of the transaction, so that the statements are the same at every attempt. */
const FIGURES = [
  "attempts",
  "waited_ms",
  "timeout_ms",
  "asked_ms",
  "first_ms",
  "granted_ms",
] as const;
type Figure = (typeof FIGURES)[number];

const keep = (figure: Figure, value: string) =>
  `set_config('table_rename.${figure}', (${value})::text, true)`;

const kept = (figure: Figure) => `current_setting('table_rename.${figure}')::float8`;

const LOCK: LockExpressions = {
  attempts: `${kept("attempts")}::int`,
  waitedMs: `${kept("waited_ms")} + ${kept("granted_ms")} - ${kept("asked_ms")}`,
  heldMs: `${CLOCK_MS} - ${kept("granted_ms")}`,
};

/** Makes the statements that record the change, from the lock figures. */
type RecordSql = (lock: LockExpressions) => string[];

const recordStatements = (record: RecordSql): PreparedStatement[] =>
  record(LOCK).map((sql, index) => prepared(`record_${index + 1}`, sql));

/** A session can still have prepared statements of a rename that was given up before its COMMIT. */
const FORGET_LEFTOVERS = `do ${
  dollarQuoted(
    `
declare
  leftover text;
begin
  for leftover in
    select name from pg_prepared_statements where starts_with(name, ${literal(PREPARED_PREFIX)})
  loop
    execute format('deallocate %I', leftover);
  end loop;
end `,
    "forget",
  )
}`;

/**
 * Sets the lock timeout to what is left of the attempt's time, and of the time that locks may be held meanwhile.
 * Planned ahead, since it is run again and again while a batch takes its locks.
 */
const TIME_LEFT = prepared(
  "time_left",
  `
select set_config('lock_timeout', greatest(${NO_WAIT_MS}, least(
  ${kept("asked_ms")} + ${kept("timeout_ms")},
  ${kept("first_ms")} + ${HOLDING_TIMEOUT_MS}) - ${CLOCK_MS})::int || 'ms', true)`,
);

const preparations = (plan: Plan, record: RecordSql) => [
  ...plan.preparations,
  ...(plan.locks.length > 1 ? TIME_LEFT.preparations : []),
  ...recordStatements(record).flatMap(({ preparations }) => preparations),
];

/**
 * Writes the record once, and takes it back: the first row in a new session costs several times what the second does,
 * since the server has to load what its catalog says of the table and its indexes. Clients do not wait for that then.
 *
 * Where somebody else has triggers or rules on these tables nothing is written: they would run before the change is
 * made, and for one that may never be. If it fails, the record itself will say why.
 */
const recordOnTrial = (record: RecordSql): string =>
  `do ${
    dollarQuoted(
      `
begin
  if exists (
    select from pg_class c
    where (c.oid = to_regclass('public.sys_table_migrations')
        or c.relnamespace = to_regnamespace(${literal(OWN_SCHEMA)}) and c.relkind = 'r')
      and (c.relhasrules or exists (
        select from pg_trigger g
        where g.tgrelid = c.oid and not g.tgisinternal
          and g.tgname <> 'sys_table_migrations_refuse_older'))
  ) then
    return;
  end if;
  perform ${FIGURES.map((figure) => keep(figure, "0")).join(", ")};
${recordStatements(record).map(({ execute }) => `  execute ${literal(execute)};`).join("\n")}
  raise exception 'taken back';
exception when others then
  null;
end `,
      "trial",
    )
  }`;

/** The message before the critical section: all that is made, checked or planned without locks that clients feel. */
export const preparation = (plan: Plan, record: RecordSql): string =>
  [
    FORGET_LEFTOVERS,
    ...preparations(plan, record).map(marked),
    ...(plan.locks.length === 0 ? [] : [recordOnTrial(record)]),
  ].join(";\n");

/**
 * The message, from the lock timeout to COMMIT. Nothing follows COMMIT: it would run with the login's own settings,
 * and could fail although everything is done. So the clock is read before it.
 */
export function criticalSection(
  plan: Plan,
  record: RecordSql,
  attempt: { number: number; waitedMs: number; lockTimeoutMs: number; remainingMs: number },
  recordBefore: string[] = [],
): string {
  const timeout = Math.min(STATEMENT_TIMEOUT_MS, attempt.remainingMs);
  const begun = [
    keep("attempts", String(attempt.number)),
    keep("waited_ms", String(roundedMs(attempt.waitedMs))),
    keep("timeout_ms", String(attempt.lockTimeoutMs)),
    `${keep("asked_ms", CLOCK_MS)} as clock_ms`,
  ];
  return [
    `set local statement_timeout = ${millisecondsLiteral(timeout)}`,
    setLockTimeout(INNER_LOCK_TIMEOUT_MS),
    ...plan.beforeLocks.map(marked),
    ...recordBefore,
    `select ${begun.join(", ")}`,
    ...lockStatements(plan.locks, attempt.lockTimeoutMs),
    setLockTimeout(INNER_LOCK_TIMEOUT_MS),
    `select ${keep("granted_ms", CLOCK_MS)} as clock_ms`,
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
 * @param answeredMs How long the message took, without its way to the server and the answer's way back. The part of it that the server
 *   had not spent before COMMIT is the time of COMMIT.
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
    waited_ms: roundedMs(attempt.waitedMs + clock(granted) - clock(asked)),
    held_ms: roundedMs(clock(ready) - clock(granted) + commitMs),
  };
}

/**
 * The locks in order, all of them together in the attempt's time: clients that hold none of the tables go on
 * until they need one that is locked already, and so the rest becomes free soon.
 */
function lockStatements([first, ...rest]: LockStatement[], lockTimeoutMs: number): string[] {
  if (first === undefined) return [];
  const share = rest.length === 0 ? first.timeout_share : Math.min(0.5, first.timeout_share);
  const statements = [
    setLockTimeout(Math.max(NO_WAIT_MS, Math.floor(lockTimeoutMs * share))),
    marked(first),
  ];
  if (rest.length > 0) statements.push(`select ${keep("first_ms", CLOCK_MS)}`);
  const every = Math.ceil(rest.length / MAX_TIMEOUTS);
  for (const [index, lock] of rest.entries()) {
    if (index % every === 0) statements.push(TIME_LEFT.execute);
    statements.push(marked(lock));
  }
  return statements;
}

const marked = ({ sql }: Pick<Statement, "sql">): string => markedAsOwn(sql);

/** Rounded to hundredths; never negative, since server and function have different clocks. */
export const roundedMs = (value: number) => Math.max(0, Math.round(value * 100) / 100);
