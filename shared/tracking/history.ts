/**
 * The Supabase CLI's migration history, supabase_migrations.schema_migrations: a row a migration, with its
 * statements one by one, as `supabase db push` writes them and `supabase migration fetch` makes files of them.
 */
import { dollarQuoted, literal } from "../sql/quoting.ts";
import { requireHistory } from "../sql/trusted_objects.ts";
import { putRows, type RowsOfServer } from "./migration_file.ts";

/** Seed of the versions' hash, so that they are no other application's. */
const SEED = 7_265;

/** Settings of the transaction: the statements that wait to be recorded, and the version they were given. */
const STATEMENTS = "table_rename.history";
const VERSION = "table_rename.history_version";

/**
 * Statement that keeps the statements until they are recorded, so that they are sent once however often the
 * locks are tried for.
 *
 * @param rows What the server puts into one of them. Default: nothing.
 */
export function keepHistory(statements: string[], rows: RowsOfServer | null = null): string {
  const text = literal(JSON.stringify(statements));
  // The statement is a string within JSON.
  const kept = rows === null
    ? text
    : putRows(text, rows, "pg_catalog.btrim(pg_catalog.to_json(rows)::text, '\"')");
  return `select pg_catalog.set_config(${literal(STATEMENTS)}, ${kept}, true)`;
}

/**
 * Statement that records what was kept, right before the locks that clients feel are tried for, under the next
 * free version: the present second, or the one after the last version that is there. A version that another
 * request has taken, and not committed yet, is passed over; nobody waits for it.
 *
 * A history that cannot be written does not keep the change from being made: it is made without.
 *
 * @param name Part of the file's name.
 * @param begun Migrations that were noted to be in the history from now on, and are not then.
 */
export function recordHistory(name: string, begun: string[]): string {
  return `do ${
    dollarQuoted(
      `
declare
  given text;
  last text;
  taken boolean;
begin
${requireHistory}
  select pg_catalog.max(h.version) into last
  from supabase_migrations.schema_migrations h where h.version ~ '^[0-9]{14}$';
  given := pg_catalog.to_char(
    pg_catalog.clock_timestamp() at time zone 'UTC', 'YYYYMMDDHH24MISS');
  taken := last >= given;
  if taken then
    given := last;
  end if;
  loop
    if taken then
      begin
        given := pg_catalog.to_char(pg_catalog.make_timestamp(
            pg_catalog.substr(given, 1, 4)::int, pg_catalog.substr(given, 5, 2)::int,
            pg_catalog.substr(given, 7, 2)::int, pg_catalog.substr(given, 9, 2)::int,
            pg_catalog.substr(given, 11, 2)::int, pg_catalog.substr(given, 13, 2)::int)
          + '1 second'::interval, 'YYYYMMDDHH24MISS');
      exception when datetime_field_overflow then
        -- Versions need not be times; the next number comes after it as well.
        given := (given::bigint + 1)::text;
      end;
    end if;
    taken := not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended(given, ${SEED}))
      or exists (
        select from supabase_migrations.schema_migrations h where h.version = given);
    if not taken then
      begin
        insert into supabase_migrations.schema_migrations (version, name, statements)
        select given, ${literal(name)}, pg_catalog.array_agg(s.value order by s.ordinality)
        from pg_catalog.jsonb_array_elements_text(
          pg_catalog.current_setting(${literal(STATEMENTS)})::jsonb) with ordinality s;
        exit;
      exception when unique_violation then
        taken := true;
      end;
    end if;
  end loop;
  perform pg_catalog.set_config(${literal(VERSION)}, given, true);
exception
  when lock_not_available or deadlock_detected then
    raise;
  when others then
    perform pg_catalog.set_config(${literal(VERSION)}, '', true);${
        begun.length === 0 ? "" : `
    update public.sys_table_migrations m set plan = m.plan - 'in_history'
    where m.id in (${begun.map((id) => `${literal(id)}::uuid`).join(", ")});`
      }
end `,
      "history",
    )
  }`;
}

/** SQL expression for what an event tells of it: details as jsonb. */
export const historyDetails = (name: string): string =>
  `pg_catalog.jsonb_build_object('history', (
    select pg_catalog.jsonb_build_object('version', v.version, 'name', ${literal(name)})
    from pg_catalog.current_setting(${literal(VERSION)}, true) v(version) where v.version <> ''))`;

/** Query for the row of a request in the history, as its event tells of it; null where it left none. */
export function recordedHistory(requestId: string): string {
  return `
select e.details -> 'history' ->> 'version' as version, e.details -> 'history' ->> 'name' as name
from table_rename.sys_table_migration_events e
where e.request_id = ${literal(requestId)}::uuid and e.outcome = 'succeeded'`;
}

/** Statements that add a statement to a row of the history; what was added before is not added again. */
export function addToHistory(version: string, statement: string, rows: RowsOfServer): string {
  return `
do ${dollarQuoted(`begin${requireHistory}\nend `, "history")};
update supabase_migrations.schema_migrations h
set statements = h.statements || s.statement
from (select ${putRows(literal(statement), rows)} as statement) s
where h.version = ${
    literal(version)
  } and h.statements[pg_catalog.cardinality(h.statements)] <> s.statement`;
}

/** Query for the versions that the next one has to come after. */
export const lastVersion = `
select pg_catalog.max(h.version) as version
from supabase_migrations.schema_migrations h where h.version ~ '^[0-9]{14}$'`;
