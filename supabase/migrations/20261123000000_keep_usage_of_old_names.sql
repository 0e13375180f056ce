-- What is known of the use of old names: the statements that named one when its table was renamed, and what
-- was seen of it since. Apart from the migrations, since it is written whenever somebody looks.
-- Harmless to apply twice.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

create table if not exists public.sys_table_migration_usage (
  migration_id uuid primary key
    references public.sys_table_migrations (id) on delete cascade,
  -- When the rename was done and pg_stat_statements could be read; null: it could not.
  snapshot_at timestamptz,
  -- Calls until then of every statement that may name the old name, and how often statistics were lost.
  snapshot jsonb not null default '{}',
  -- Since when nothing can have been missed: the snapshot, or the last loss of statistics.
  observed_since timestamptz,
  -- The last look, and what it found.
  sampled_at timestamptz,
  sample jsonb not null default '{}',
  -- The first look after which calls through the old name had grown for the last time.
  last_used_at timestamptz
);

comment on table public.sys_table_migration_usage is
  'Use of the old names of renamed tables: a snapshot at the rename, and the last look at it';

alter table public.sys_table_migration_usage enable row level security;

-- Default privileges may have given something to the API roles, which need not exist elsewhere.
do $$
declare
  api_role name;
begin
  revoke all on table public.sys_table_migration_usage from public;
  for api_role in
    select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role')
  loop
    execute pg_catalog.format('revoke all on table public.sys_table_migration_usage from %I', api_role);
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant select on table public.sys_table_migration_usage to service_role;
  end if;
end
$$;
