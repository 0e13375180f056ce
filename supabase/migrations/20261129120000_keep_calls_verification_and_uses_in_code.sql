-- What a verification of a rename found last, and how many uses of an old name source code was said to have. Numbers
-- only: no values of rows, and no source. Apart from the migrations, which a request may have locked.
-- Calls by day are kept with the other samples in sys_table_migration_usage.
-- Also an index for each filter of list-events.
-- Harmless to apply twice.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

-- The last verification of each migration.
create table if not exists table_rename.sys_table_migration_verifications (
  migration_id uuid primary key
    references public.sys_table_migrations (id) on delete cascade,
  verified_at timestamptz not null default clock_timestamp(),
  verified_by text not null,
  passed boolean not null,
  checks integer not null,
  failed integer not null,
  skipped integer not null
);

comment on table table_rename.sys_table_migration_verifications is
  'The last verification of each renamed table: when, by whom, and how many checks passed';

-- The last report of each repository.
create table if not exists table_rename.sys_table_migration_uses (
  migration_id uuid not null
    references public.sys_table_migrations (id) on delete cascade,
  -- Empty where none was named.
  repository text not null default '',
  certain integer not null,
  possible integer not null,
  reported_at timestamptz not null default clock_timestamp(),
  reported_by text not null,
  constraint sys_table_migration_uses_pkey primary key (migration_id, repository)
);

comment on table table_rename.sys_table_migration_uses is
  'How many uses of old names are left in source code, as each repository reported last';

alter table table_rename.sys_table_migration_verifications enable row level security;
alter table table_rename.sys_table_migration_uses enable row level security;

-- Default privileges may have given something to the API roles, which need not exist elsewhere.
do $$
declare
  api_role name;
begin
  revoke all on table table_rename.sys_table_migration_verifications,
    table_rename.sys_table_migration_uses from public;
  for api_role in
    select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role')
  loop
    execute pg_catalog.format(
      'revoke all on table table_rename.sys_table_migration_verifications,
         table_rename.sys_table_migration_uses from %I', api_role);
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant select on table table_rename.sys_table_migration_verifications,
      table_rename.sys_table_migration_uses to service_role;
  end if;
end
$$;

-- In the order of the list, newest first. Few events have the same request.
create index if not exists sys_table_migration_events_request_idx
  on table_rename.sys_table_migration_events (request_id);
create index if not exists sys_table_migration_events_operation_idx
  on table_rename.sys_table_migration_events (operation, occurred_at desc, id desc);
create index if not exists sys_table_migration_events_outcome_idx
  on table_rename.sys_table_migration_events (outcome, occurred_at desc, id desc);
create index if not exists sys_table_migration_events_actor_idx
  on table_rename.sys_table_migration_events (actor, occurred_at desc, id desc);
