/**
 * The Supabase CLI's migration history, supabase_migrations.schema_migrations: a row per migration, with an array of
 * its statements. `supabase db push` writes such rows, and `supabase migration fetch` makes files of them.
 */
import { dollarQuoted, literal } from "../sql/quoting.ts";
import { requireHistory } from "../sql/trusted_objects.ts";
import { uuids } from "./events.ts";
import { putRows, type RowsOfServer } from "./migration_file.ts";

/** Seed of the versions' hash, so that they are not another application's. */
const SEED = 7_265;

/** Settings of the transaction: the statements to be recorded, and the version that they got. */
const STATEMENTS = "table_rename.history";
const VERSION = "table_rename.history_version";

/**
 * Statement that keeps the statements in a setting until they are recorded, so that they are sent only once, however
 * many attempts the locks take.
 */
export const keepHistory = (statements: string[]): string =>
  `select set_config(${literal(STATEMENTS)}, ${
    dollarQuoted(JSON.stringify(statements), "statements")
  }, true) is null`;

/**
 * Statement that records what was kept, before each attempt at the locks that clients feel, under the next free
 * version: the present second, or the one after the last version. A version that another request has used, and not
 * committed yet, is skipped without waiting. If the history cannot be written, the change is made without it.
 *
 * @param name Part of the file's name.
 * @param begun Migrations that are marked as being in the history; the mark is removed if they are not.
 * @param rows What the server inserts into one of the statements. Default: nothing.
 */
export function recordHistory(
  name: string,
  begun: string[],
  rows: RowsOfServer | null = null,
): string {
  const statement = rows === null
    ? "s.value"
    : `case when strpos(s.value, ${literal(rows.marker)}) > 0
            then ${putRows("s.value", rows)} else s.value end`;
  const unmark = begun.length === 0 ? "" : `
    update public.sys_table_migrations m set plan = m.plan - 'in_history'
    where m.id in (${uuids(begun)});`;
  return `do ${
    dollarQuoted(
      `
declare
  given text;
  last text;
  taken boolean;
begin
${requireHistory}
  select max(h.version) into last
  from supabase_migrations.schema_migrations h where h.version ~ '^[0-9]{14}$';
  given := to_char(clock_timestamp() at time zone 'UTC', 'YYYYMMDDHH24MISS');
  taken := last >= given;
  if taken then
    given := last;
  end if;
  loop
    if taken then
      begin
        given := to_char(
          make_timestamp(
            substr(given, 1, 4)::int, substr(given, 5, 2)::int, substr(given, 7, 2)::int,
            substr(given, 9, 2)::int, substr(given, 11, 2)::int, substr(given, 13, 2)::int)
          + '1 second'::interval, 'YYYYMMDDHH24MISS');
      exception when datetime_field_overflow then
        -- Versions need not be times; the next number is also later.
        given := (given::bigint + 1)::text;
      end;
    end if;
    taken := not pg_try_advisory_xact_lock(hashtextextended(given, ${SEED}))
      or exists (
        select from supabase_migrations.schema_migrations h where h.version = given);
    if not taken then
      begin
        insert into supabase_migrations.schema_migrations (version, name, statements)
        select given, ${literal(name)}, array_agg(${statement} order by s.ordinality)
        from jsonb_array_elements_text(
          current_setting(${literal(STATEMENTS)})::jsonb) with ordinality s;
        exit;
      exception when unique_violation then
        taken := true;
      end;
    end if;
  end loop;
  perform set_config(${literal(VERSION)}, given, true);
exception
  when lock_not_available or deadlock_detected then
    raise;
  when others then
    perform set_config(${literal(VERSION)}, '', true);${unmark}
end `,
      "history",
    )
  }`;
}

/** SQL expression for the details of an event about the recorded row. */
export const historyDetails = (name: string): string =>
  `jsonb_build_object('history', (
    select jsonb_build_object('version', v.version, 'name', ${literal(name)})
    from current_setting(${literal(VERSION)}, true) v(version) where v.version <> ''))`;

/** Query for the row of a request in the history, as its event has it; null where there is none. */
export function recordedHistory(requestId: string): string {
  return `
select e.details -> 'history' ->> 'version' as version, e.details -> 'history' ->> 'name' as name
from table_rename.sys_table_migration_events e
where e.request_id = ${literal(requestId)}::uuid and e.outcome = 'succeeded'`;
}

/**
 * Statements that append a statement to a request's row in the history, unless it is the last one already. They answer
 * as `recordedHistory` does.
 */
export function addToHistory(requestId: string, statement: string, rows: RowsOfServer): string {
  return `do ${
    dollarQuoted(
      `
declare
  recorded text;
  added text;
begin
  select r.version into recorded from (${recordedHistory(requestId)}) r;
  if recorded is null then
    return;
  end if;
${requireHistory}
  added := ${putRows(literal(statement), rows)};
  update supabase_migrations.schema_migrations h set statements = h.statements || added
  where h.version = recorded and h.statements[cardinality(h.statements)] <> added;
end `,
      "history",
    )
  };
${recordedHistory(requestId)}`;
}

/** Query for the last version. */
export const lastVersion = `
select max(h.version) as version
from supabase_migrations.schema_migrations h where h.version ~ '^[0-9]{14}$'`;
