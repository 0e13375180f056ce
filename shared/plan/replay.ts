/**
 * A plan as statements for a migration file: the same change made again, by the Supabase CLI, in another
 * database or later in this one. Nothing in them is found by OID, and nothing needs a session of ours.
 *
 * The CLI sends a file's statements as one batch, which is one transaction without BEGIN: a setting with
 * `set_config(…, true)` lasts until its end, and LOCK TABLE, which asks for a transaction block, is taken in a
 * DO block. What has to be put back afterwards is, since the session's user may be acting as another role.
 */
import { EVENTS_TABLE } from "../contract/names.ts";
import type { LockStatement, Plan, PlanStatement } from "./plan.ts";
import { isTracked } from "../sql/trusted_objects.ts";
import { commentLine, dollarQuoted, literal, millisecondsLiteral } from "../sql/quoting.ts";

export interface ReplayOptions {
  /** What the file does, in lines for its head. */
  about: string[];
  lockTimeoutMs: number;
  /** How long to go on trying for the locks. */
  maxWaitMs: number;
  /** Statements that raise where the file does not fit, once nobody can change that any more. Default: none. */
  guards?: PlanStatement[];
  /** Statements that track the change, run only where there are tracking tables. */
  tracking: string[];
  /** Tag of the dollar quotes around them. Default: `track`, or like it. */
  trackingTag?: string;
}

/** The table without which nothing is tracked. */
const TRACKING_TABLE = "public.sys_table_migrations";

/** The statements, one by one, each with what it is for as a comment before it. */
export function replayOf(
  plan: Pick<Plan, "preparations" | "beforeLocks" | "locks" | "changes">,
  { about, lockTimeoutMs, maxWaitMs, guards = [], tracking, trackingTag }: ReplayOptions,
): string[] {
  const ready = [...plan.preparations, ...plan.beforeLocks].filter(isForAll).map(asInFile);
  const locks = plan.locks.filter(({ changes }) => !changes);
  const changes = [...plan.locks.filter(({ changes }) => changes), ...plan.changes];
  const head = [
    ...about,
    `Where the locks cannot be had within ${maxWaitMs} ms it fails, and nothing is changed: push it again.`,
  ].map(commentLine).join("\n");
  return [
    `${head}
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
  pg_catalog.set_config('lock_timeout', ${millisecondsLiteral(lockTimeoutMs)}, true)`,
    ...explained([
      ...asTheirRoles(ready),
      ...(locks.length === 0 ? [] : [lockBlock(locks, lockTimeoutMs, maxWaitMs)]),
      ...guards,
      ...asTheirRoles(changes.filter(isForAll).map(asInFile)),
      trackingBlock(tracking, trackingTag),
    ]),
  ];
}

const isForAll = ({ once }: PlanStatement) => !once;

const asInFile = (statement: PlanStatement): PlanStatement => ({
  ...statement,
  sql: statement.in_file ?? statement.sql,
});

/** Each with its purpose above it, said once for several in a row. */
function explained(statements: PlanStatement[]): string[] {
  return statements.map(({ sql, purpose }, index) =>
    purpose === statements[index - 1]?.purpose ? sql : `${commentLine(purpose)}\n${sql}`
  );
}

/**
 * What is done under another role is put into a block that comes back to whoever it was: RESET ROLE would go
 * on to the user who has logged in.
 */
function asTheirRoles(statements: PlanStatement[]): PlanStatement[] {
  const result: PlanStatement[] = [];
  let block: PlanStatement[] = [];
  for (const statement of statements) {
    const begins = statement.sql.startsWith("set local role ");
    if (block.length === 0 && !begins) {
      result.push(statement);
      continue;
    }
    if (statement.sql !== "reset role") {
      block.push(statement);
      continue;
    }
    const body = `
declare
  me constant name := current_user;
begin
${block.map(({ sql }) => `  ${sql};\n`).join("")}  perform pg_catalog.set_config('role', me, true);
end `;
    result.push({ sql: `do ${dollarQuoted(body, "as")}`, purpose: block[0].purpose });
    block = [];
  }
  return [...result, ...block];
}

/**
 * Takes the locks as the plan does: the first is waited for, others are not while it is held; where one is not
 * to be had all are given back, and it is tried again.
 */
function lockBlock(
  locks: LockStatement[],
  lockTimeoutMs: number,
  maxWaitMs: number,
): PlanStatement {
  const timeout = (ms: number) =>
    `perform pg_catalog.set_config('lock_timeout', ${millisecondsLiteral(ms)}, true)`;
  const taken = locks.map(({ sql, timeout_share }) =>
    `      ${timeout(lockTimeoutMs * timeout_share)};\n      ${sql};\n`
  ).join("");
  const body = `
declare
  last_try constant timestamptz :=
    pg_catalog.clock_timestamp() + ${literal(`${Math.max(0, Math.floor(maxWaitMs))} ms`)}::interval;
begin
  loop
    begin
${taken}      exit;
    exception when lock_not_available or deadlock_detected then
      if pg_catalog.clock_timestamp() >= last_try then
        raise;
      end if;
    end;
    perform pg_catalog.pg_sleep(0.05 + pg_catalog.random() * 0.2);
  end loop;
  ${timeout(lockTimeoutMs)};
end `;
  return {
    sql: `do ${dollarQuoted(body, "lock")}`,
    purpose: "Lock what is changed, waiting for no lock so long that clients would feel it",
  };
}

function trackingBlock(tracking: string[], tag?: string): PlanStatement {
  const statements = tracking.map((sql) => `${sql.trim()};\n`).join("");
  return {
    sql: whereTracked(statements, tag),
    purpose: "Track it, where there are tracking tables",
  };
}

/**
 * A DO block that runs statements where there are tracking tables, and says so where there are none.
 *
 * @param tag Of the dollar quotes. Default: `track`, or like it.
 */
export function whereTracked(statements: string, tag = "track"): string {
  return `do ${
    dollarQuoted(
      `
begin
if not ${isTracked} then
  raise warning using message = ${
        literal(`not tracked, since there is no ${TRACKING_TABLE} of this tool in this database`)
      };
  return;
end if;
if pg_catalog.to_regclass(${literal(EVENTS_TABLE)}) is null then
  raise exception using errcode = 'object_not_in_prerequisite_state',
    message = ${
        literal(`the tracking tables are older than this file: there is no ${EVENTS_TABLE}`)
      },
    hint = 'Apply the migration ..._move_tables_to_own_schema of the tracking tables before it.';
end if;
${statements}end `,
      tag,
    )
  }`;
}
