-- A login for the functions, so that they need not connect as postgres. Run it in the SQL editor or with psql,
-- as postgres, after the migrations; run it again after each update of this tool. It can be run any number of
-- times. Then give the login a password (`\password table_renamer` in psql, so that no log has it) and the
-- functions its URL as RENAME_DB_URL.
--
-- PostgreSQL lets nobody rename a table but its owner and the members of its owner. On Supabase that is
-- postgres, and whoever is a member of postgres may do nearly all that postgres may; since PostgreSQL 16
-- postgres cannot even grant itself. So the tables that are to be renamed are given to an owner of their own,
-- table_owner, who cannot log in. If your tables have such an owner already, put its name wherever table_owner
-- stands here. For PostgreSQL 15 there is a shorter way with wider rights, at the end of this file.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
set search_path = pg_catalog, pg_temp;

-- The roles ----------------------------------------------------------------------------------------------

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'table_owner') then
    create role table_owner nologin;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'table_renamer') then
    create role table_renamer;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname in ('table_owner', 'table_renamer')
      and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)) then
    raise exception 'table_owner or table_renamer has rights of its own; make it without any';
  end if;
end
$$;

-- A function keeps up to four connections in each of its isolates.
alter role table_renamer login inherit connection limit 40;

-- Renaming, locking, granting, dropping: what only an owner may do.
grant table_owner to table_renamer;

-- postgres goes on to own what it gives away, and can go back to being the functions' login.
grant table_owner, table_renamer to current_user;

-- The application's tables --------------------------------------------------------------------------------

-- In each schema with tables that are to be renamed: a rename makes a view, which is given to the owner.
grant usage, create on schema public to table_owner;

-- Each table that is to be renamed, while none of its renames is active. Its sequences and indexes go along;
-- policies, grants and data stay as they are.
--   alter table public.experts owner to table_owner;

-- The tracking tables -------------------------------------------------------------------------------------

-- They belong to postgres and have row-level security without a policy, so the login needs a grant and a policy.
-- What is recorded of events stays as it is, and migrations stay recorded; keys of requests and what was sent are
-- forgotten after a while, so those rows are deleted.
do $$
declare
  tracking pg_catalog.regclass;
begin
  for tracking in
    select c.oid from pg_catalog.pg_class c
    where c.relkind = 'r' and (
      c.relnamespace = 'public'::pg_catalog.regnamespace and c.relname = 'sys_table_migrations'
      or c.relnamespace = 'table_rename'::pg_catalog.regnamespace
        and c.relname ~ '^sys_table_migration_[a-z]+$')
  loop
    execute pg_catalog.format('grant %s on table %s to table_renamer',
      case
        when tracking::text ~ '_events$' then 'select, insert'
        when tracking::text ~ '(_migrations|_usage|_verifications|_uses)$' then 'select, insert, update'
        else 'select, insert, update, delete'
      end, tracking);
    execute pg_catalog.format('drop policy if exists table_renamer on %s', tracking);
    execute pg_catalog.format(
      'create policy table_renamer on %s to table_renamer using (true) with check (true)', tracking);
  end loop;
end
$$;
grant usage on schema public to table_renamer;

-- "count_use": each view's counter is a table of the login's. Counters that were made before are handed over.
grant usage, create on schema table_rename to table_renamer;
do $$
declare
  counter pg_catalog.regclass;
begin
  for counter in
    select c.oid from pg_catalog.pg_class c
    where c.relnamespace = 'table_rename'::pg_catalog.regnamespace and c.relkind = 'r'
      and c.relname !~ '^sys_table_migration_' and pg_catalog.pg_get_userbyid(c.relowner) = current_user
  loop
    execute pg_catalog.format('alter table %s owner to table_renamer', counter);
  end loop;
end
$$;

-- "record_history": the list that `supabase migration list` shows, where there is one.
do $$
begin
  if pg_catalog.to_regclass('supabase_migrations.schema_migrations') is not null then
    grant usage on schema supabase_migrations to table_renamer;
    grant select, insert, update on table supabase_migrations.schema_migrations to table_renamer;
  end if;
end
$$;

-- What it looks at ----------------------------------------------------------------------------------------

-- Statements of other roles in pg_stat_statements, which tell whether an old name is used, and whom a rename
-- waits for. Who may not grant the one role may grant the other, which has it and reads settings as well.
do $$
begin
  grant pg_read_all_stats to table_renamer;
exception when insufficient_privilege then
  grant pg_monitor to table_renamer;
end
$$;

-- The roles in whose place verify reads and writes, and whose grants it replays; with them comes the use of the
-- schemas auth and extensions, which column defaults name. Leave them out and verify tries the owner alone.
-- service_role reads every row: since 16 the login has that only while it stands in its place; on 15 it has
-- its grants always, though never its exemption from row-level security.
do $$
begin
  grant anon, authenticated to table_renamer;
  if pg_catalog.current_setting('server_version_num')::int >= 160000 then
    execute 'grant service_role to table_renamer with inherit false, set true';
  else
    grant service_role to table_renamer;
  end if;
end
$$;

reset search_path;

-- On PostgreSQL 15, the shorter way ----------------------------------------------------------------------

-- Tables stay with postgres, and the login may do with them, and with whatever else postgres owns, all that
-- postgres may; it can also take postgres' place, and with that its other rights. What is gained is a login of
-- its own that can be watched and locked. Replace the grants of table_owner above with
--   grant postgres to table_renamer;
-- and leave out the grants to current_user and to table_owner.

-- To take it all back --------------------------------------------------------------------------------------

-- Unset RENAME_DB_URL first; the functions then connect as before. As postgres:
--   alter role table_renamer nologin;
--   reassign owned by table_renamer, table_owner to postgres;
--   drop owned by table_renamer, table_owner;
--   drop role table_renamer, table_owner;
