-- The roles of a hosted Supabase project, for the whole cluster. Can be run again.
-- Run by the superuser supabase_admin. The passwords are set apart.

DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY[
    'postgres', 'anon', 'authenticated', 'service_role', 'authenticator', 'dashboard_user',
    'supabase_auth_admin', 'supabase_storage_admin', 'supabase_realtime_admin',
    'supabase_read_only_user'
  ] LOOP
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
      EXECUTE pg_catalog.format('CREATE ROLE %I', wanted);
    END IF;
  END LOOP;
END
$$;

ALTER ROLE postgres NOSUPERUSER LOGIN CREATEDB CREATEROLE REPLICATION BYPASSRLS;
ALTER ROLE postgres SET search_path = "$user", public, extensions;
ALTER ROLE supabase_admin SET search_path = public, extensions;

ALTER ROLE anon NOLOGIN;
ALTER ROLE anon SET statement_timeout = '3s';
ALTER ROLE authenticated NOLOGIN;
ALTER ROLE authenticated SET statement_timeout = '8s';
ALTER ROLE service_role NOLOGIN BYPASSRLS;
ALTER ROLE authenticator LOGIN NOINHERIT;
ALTER ROLE authenticator SET statement_timeout = '8s';
ALTER ROLE authenticator SET lock_timeout = '8s';

ALTER ROLE dashboard_user NOLOGIN CREATEDB CREATEROLE REPLICATION;
ALTER ROLE supabase_auth_admin LOGIN NOINHERIT CREATEROLE;
ALTER ROLE supabase_storage_admin LOGIN NOINHERIT CREATEROLE;
ALTER ROLE supabase_realtime_admin NOLOGIN NOINHERIT;
ALTER ROLE supabase_read_only_user LOGIN BYPASSRLS;

GRANT anon, authenticated, service_role TO authenticator;
GRANT pg_read_all_data TO supabase_read_only_user;
GRANT anon, authenticated, service_role, pg_monitor, pg_read_all_data, pg_signal_backend TO postgres;

-- Since 16 CREATEROLE alone does not let a role grant what it is a member of.
DO $$
BEGIN
  IF pg_catalog.current_setting('server_version_num')::int >= 160000 THEN
    GRANT anon, authenticated, service_role, authenticator,
      pg_monitor, pg_read_all_data, pg_signal_backend TO postgres WITH ADMIN OPTION;
  END IF;
END
$$;
