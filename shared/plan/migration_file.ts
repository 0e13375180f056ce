/**
 * A plan as the statements of a migration file, with which the Supabase CLI makes the same change in another database.
 * They use no OIDs and nothing of our sessions.
 *
 * The CLI sends the statements as one batch, which is one transaction without BEGIN: a setting with
 * `set_config(…, true)` lasts until its end, and LOCK TABLE, which needs a transaction block, is run in a DO block.
 */
import { EVENTS_TABLE } from "../contract/names.ts";
import { catalogOid, definitionOf } from "../dependents/object_state.ts";
import type { RelationFacts } from "../facts/facts.ts";
import {
  commentLine,
  dollarQuoted,
  jsonbLiteral,
  literal,
  millisecondsLiteral,
  qualified,
} from "../sql/quoting.ts";
import { byName } from "../sql/name_digest.ts";
import { isTracked } from "../sql/trusted_objects.ts";
import type { LockStatement, Plan, PlanStatement } from "./plan.ts";

export interface MigrationFileOptions {
  /** Lines for its head. */
  about: string[];
  lockTimeoutMs: number;
  /** How long to go on trying for the locks. */
  maxWaitMs: number;
  /**
   * Tables that views are made over before the locks: other changes of them are kept out from then on. Default: none.
   */
  tables?: Name[];
  /** Statements that raise where the tables are not those that the file was made for, run then. Default: none. */
  tableGuards?: PlanStatement[];
  /** Statements that raise where the file does not fit, run once the locks are held. Default: none. */
  guards?: PlanStatement[];
  /** Statements that track the change, run only where there are tracking tables. */
  tracking: string[];
  /** Tag of the dollar quotes around them. Default: `track`, or like it. */
  trackingTag?: string;
}

const TRACKING_TABLE = "public.sys_table_migrations";

/** The statements, each with its purpose as a comment above it. */
export function migrationFileStatements(
  plan: Pick<Plan, "preparations" | "beforeLocks" | "locks" | "changes">,
  options: MigrationFileOptions,
): string[] {
  const { about, lockTimeoutMs, maxWaitMs, tables = [], tableGuards = [], guards = [] } = options;
  const ready = [...plan.preparations, ...plan.beforeLocks].filter(isForAll).map(asInFile);
  const locks = plan.locks.filter(({ changes }) => !changes);
  const changes = [...plan.locks.filter(({ changes }) => changes), ...plan.changes];
  const head = [
    ...about,
    `If the locks cannot be acquired within ${maxWaitMs} ms it fails, and nothing is changed: push it again.`,
  ].map(commentLine).join("\n");
  return [
    `${head}
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
  pg_catalog.set_config('lock_timeout', ${millisecondsLiteral(lockTimeoutMs)}, true)`,
    ...explained([
      ...(tables.length === 0 || ready.length + tableGuards.length === 0
        ? []
        : [keepOut(tables, options)]),
      ...tableGuards,
      ...inRoleBlocks(ready),
      ...(locks.length === 0 ? [] : [lockBlock(locks, lockTimeoutMs, maxWaitMs)]),
      ...guards,
      ...inRoleBlocks(changes.filter(isForAll).map(asInFile)),
      trackingBlock(options.tracking, options.trackingTag),
    ]),
  ];
}

const isForAll = ({ once }: PlanStatement) => !once;

const asInFile = (statement: PlanStatement): PlanStatement => ({
  ...statement,
  sql: statement.in_file ?? statement.sql,
});

/** Each with its purpose above it, once for several in a row with the same one. */
function explained(statements: PlanStatement[]): string[] {
  return statements.map(({ sql, purpose }, index) =>
    purpose === statements[index - 1]?.purpose ? sql : `${commentLine(purpose)}\n${sql}`
  );
}

/** Statements under another role, in a block that returns to the role before: RESET ROLE would set the login's. */
function inRoleBlocks(statements: PlanStatement[]): PlanStatement[] {
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

/** The lock that a request takes before it reads the facts; it has time, since no client waits behind it. */
function keepOut(
  tables: Name[],
  { lockTimeoutMs, maxWaitMs }: Pick<MigrationFileOptions, "lockTimeoutMs" | "maxWaitMs">,
): PlanStatement {
  const timeout = (ms: number) =>
    `  perform pg_catalog.set_config('lock_timeout', ${millisecondsLiteral(ms)}, true);`;
  const names = tables.toSorted(byName).map(({ schema, name }) =>
    `only ${qualified(schema, name)}`
  );
  const body = `
begin
${timeout(Math.max(1, maxWaitMs))}
  lock table ${names.join(", ")} in share update exclusive mode;
${timeout(lockTimeoutMs)}
end `;
  return {
    sql: `do ${dollarQuoted(body, "lock")}`,
    purpose: "Keep other changes of the tables out; reads and writes go on",
  };
}

/** Takes the locks as the plan does; where one cannot be acquired, all are released and tried again. */
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

/** A DO block that runs statements where there are tracking tables, and warns where there are none. */
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

interface Name {
  schema: string;
  name: string;
}

/** Digest of the names and definitions of a view and all that is built on it; equal in databases with the same. */
const builtOn = ({ schema, name }: Name) =>
  `(
    with recursive built as (
      select ${catalogOid("pg_class")}::pg_catalog.oid as classid,
        pg_catalog.to_regclass(${literal(qualified(schema, name))})::pg_catalog.oid as objid
      union
      select n.classid, n.objid
      from built b
      cross join lateral (
        select d.classid, d.objid
        from pg_catalog.pg_depend d
        where d.refclassid = b.classid and d.refobjid = b.objid and d.deptype in ('n', 'a')
        union all
        select ${catalogOid("pg_class")}, r.ev_class
        from pg_catalog.pg_rewrite r
        where b.classid = ${catalogOid("pg_rewrite")} and r.oid = b.objid
        union all
        select ${catalogOid("pg_type")}, t.oid
        from pg_catalog.pg_class c
        join pg_catalog.pg_type row on row.oid = c.reltype
        join pg_catalog.pg_type t on t.oid in (row.oid, row.typarray)
        where b.classid = ${catalogOid("pg_class")} and c.oid = b.objid and c.relkind in ('v', 'm')
      ) n
    )
    select pg_catalog.md5(coalesce(pg_catalog.string_agg(
      pg_catalog.concat_ws(' ', o.type, o.identity, ${
    definitionOf("b.classid", "b.objid")
  }::text), '; '
      order by o.type collate "C", o.identity collate "C"), ''))
    from built b cross join lateral pg_catalog.pg_identify_object(b.classid, b.objid, 0) o)`;

/** Query for the digests that `sameBuilt` compares with. */
export const builtDigests = (views: Name[]): string =>
  `select pg_catalog.json_build_array(${views.map(builtOn).join(", ")}) as digests`;

/** Raises unless the same is built on the views as when the digests were read: what was added would be lost. */
export function sameBuilt(views: Name[], digests: string[]): PlanStatement {
  const rows = views.map((view, index) =>
    `(${literal(qualified(view.schema, view.name))}, ${literal(digests[index])}, ${builtOn(view)})`
  );
  return guard(
    `
  select pg_catalog.string_agg(e.name, ', ') into other
  from (values ${rows.join(",\n    ")}) as e(name, expected, found)
  where e.found is distinct from e.expected;`,
    "has something else built on it",
    "Go on only where what is built on the view is what this file was made for",
  );
}

/** Raises unless the tables have the columns and defaults that their views are made for. */
export function sameColumns(tables: RelationFacts[]): PlanStatement {
  const rows = tables.map((table) =>
    `(${literal(qualified(table.schema, table.name))}, ${
      jsonbLiteral(table.columns.map(({ name, type, default: value }) => [name, type, value]))
    })`
  );
  return guard(
    `
  select pg_catalog.string_agg(e.name, ', ') into other
  from (values ${rows.join(",\n    ")}) as e(name, columns)
  where e.columns is distinct from (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attname,
      pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.pg_get_expr(d.adbin, d.adrelid))
      order by a.attnum), '[]')
    from pg_catalog.pg_attribute a
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = pg_catalog.to_regclass(e.name) and a.attnum > 0 and not a.attisdropped);`,
    "has other columns or defaults",
    "Go on only where the columns are those that this file was made for",
  );
}

/** @param look Statement that puts the names of the objects that differ into `other`. */
function guard(look: string, wrong: string, purpose: string): PlanStatement {
  const body = `
declare
  other text;
begin${look}
  if other is not null then
    raise exception using errcode = 'object_not_in_prerequisite_state',
      message = other || ${literal(` ${wrong} than when this file was made`)},
      hint = 'Make the file again.';
  end if;
end `;
  return { sql: `do ${dollarQuoted(body, "guard")}`, purpose };
}
