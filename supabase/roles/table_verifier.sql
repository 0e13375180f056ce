-- A login for the endpoint verify, so that what it tries runs in a session that has nothing to give. Run it in
-- the SQL editor or with psql, as postgres; it can be run any number of times. Then give the login a password
-- (`\password table_verifier` in psql, so that no log has it) and the functions its URL as RENAME_VERIFY_DB_URL.
--
-- verify reads and writes as the roles of the Data API. That runs triggers, policies, checks, defaults and
-- operators of whoever made them, and such code can always go back to the login of its session (RESET ROLE).
-- This login has no privileges, owns nothing, and may only become those roles, as the Data API's own login does.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
set search_path = pg_catalog, pg_temp;

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'table_verifier') then
    create role table_verifier;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'table_verifier'
      and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)) then
    raise exception 'table_verifier has rights of its own; make it without any';
  end if;
end
$$;

-- Without rights even of the roles that it may become, until it becomes one.
alter role table_verifier login noinherit connection limit 20;

do $$
begin
  if pg_catalog.current_setting('server_version_num')::int >= 160000 then
    execute 'grant anon, authenticated, service_role to table_verifier with inherit false, set true';
  else
    grant anon, authenticated, service_role to table_verifier;
  end if;
end
$$;

reset search_path;

-- Other roles that your tokens name can be granted in the same way. verify does not use the login if it may
-- become a role that owns something, has attributes such as CREATEROLE, or is predefined (pg_read_all_data).

-- To take it back, unset RENAME_VERIFY_DB_URL; then as postgres:
--   drop role table_verifier;
