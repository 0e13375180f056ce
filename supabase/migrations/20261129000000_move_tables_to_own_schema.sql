-- Everything but public.sys_table_migrations moves, with its data, into the schema table_rename, where tools that
-- manage the schema public neither see it nor propose to drop it. The tables by which compatibility views count
-- their use move there, too, out of table_rename_ticks.
-- Harmless to apply twice. Do not add table_rename to the schemas that the Data API serves.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

create schema if not exists table_rename;

comment on schema table_rename is
  'What belongs to table renames: events, recorded answers, use of old names, notifications, counters';

-- Whoever uses a view that counts its use reads the view's counter. The tables beside the counters have row-level
-- security without a policy, and nothing is granted on them.
grant usage on schema table_rename to public;

do $$
declare
  table_name text;
  has_rows boolean;
begin
  foreach table_name in array array['sys_table_migration_events', 'sys_table_migration_requests',
    'sys_table_migration_usage', 'sys_table_migration_notifications']
  loop
    if pg_catalog.to_regclass('public.' || table_name) is null then
      continue;
    end if;
    if pg_catalog.to_regclass('table_rename.' || table_name) is null then
      execute pg_catalog.format('alter table public.%I set schema table_rename', table_name);
      continue;
    end if;
    -- The earlier migrations were applied again, and have made it anew.
    execute pg_catalog.format('select exists (select from public.%I)', table_name) into has_rows;
    if has_rows then
      raise exception using errcode = 'object_not_in_prerequisite_state',
        message = pg_catalog.format('public.%1$I and table_rename.%1$I both have rows', table_name),
        hint = 'Keep what you need of the one in public, drop it, then apply this migration again.';
    end if;
    execute pg_catalog.format('drop table public.%I', table_name);
  end loop;
end
$$;

-- Changes that older functions recorded in the migration history, to be made again after this migration: they name
-- the tables where they are now. Those that come before it find the tables where they were.
do $$
begin
  if pg_catalog.to_regclass('supabase_migrations.schema_migrations') is null then
    return;
  end if;
  update supabase_migrations.schema_migrations h
  set statements = array(
    select pg_catalog.replace(pg_catalog.replace(s.statement,
      'insert into public.sys_table_migration_events (',
      'insert into table_rename.sys_table_migration_events ('), '"table_rename_ticks".', '"table_rename".')
    from pg_catalog.unnest(h.statements) with ordinality s(statement, number) order by s.number)
  where h.version > '20261129000000' and exists (
    select from pg_catalog.unnest(h.statements) s(statement)
    where pg_catalog.strpos(s.statement, 'insert into public.sys_table_migration_events (') > 0);
exception when insufficient_privilege or undefined_column then
  raise notice 'supabase_migrations.schema_migrations is left as it is: %', sqlerrm;
end
$$;

-- Files of such changes that were fetched before, and functions that are older than this migration, write into
-- tables that are gone. They are told what to do about it.
create or replace function table_rename.refuse_older() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using errcode = 'undefined_table',
    message = 'public.sys_table_migration_events is now table_rename.sys_table_migration_events'
      ' (migration 20261129000000_move_tables_to_own_schema)',
    hint = 'In a migration file, write "insert into table_rename.sys_table_migration_events" and'
      ' "table_rename" for "table_rename_ticks", or have it written again by supabase migration fetch.'
      ' Functions that are older than the migration have to be deployed again.';
end
$$;

revoke all on function table_rename.refuse_older() from public;

create or replace trigger sys_table_migrations_refuse_older
  before insert or update on public.sys_table_migrations
  for each statement
  when (pg_catalog.strpos(pg_catalog.current_query(), 'insert into public.sys_table_migration_events (') > 0)
  execute function table_rename.refuse_older();

-- The counters come last: clients read them with their views, and wait while they are locked. Either all locks are
-- there at once, or none is kept.
do $$
declare
  counters text;
  counter text;
  last_try constant timestamptz := pg_catalog.clock_timestamp() + '30 s'::interval;
begin
  loop
    select pg_catalog.string_agg(pg_catalog.format('%I.%I', 'table_rename_ticks', c.relname), ', ' order by c.oid)
    into counters
    from pg_catalog.pg_class c
    where c.relnamespace = pg_catalog.to_regnamespace('table_rename_ticks') and c.relkind = 'r';
    exit when counters is null;
    begin
      execute 'lock table ' || counters || ' in access exclusive mode nowait';
      exit;
    exception when lock_not_available then
      if pg_catalog.clock_timestamp() >= last_try then
        raise;
      end if;
    end;
    perform pg_catalog.pg_sleep(0.05);
  end loop;
  for counter in
    select c.relname from pg_catalog.pg_class c
    where c.relnamespace = pg_catalog.to_regnamespace('table_rename_ticks') and c.relkind = 'r'
  loop
    execute pg_catalog.format('alter table table_rename_ticks.%I set schema table_rename', counter);
  end loop;
  begin
    drop schema if exists table_rename_ticks;
  exception when dependent_objects_still_exist or insufficient_privilege then
    raise notice 'the schema table_rename_ticks stays: %', sqlerrm;
  end;
end
$$;
