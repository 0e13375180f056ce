-- Tracking of table renames: what was renamed, who asked for what, and recorded answers.
-- Harmless to apply twice. Admin data: row-level security is on without any policy, and nothing is granted
-- to anon or authenticated; the functions connect as the owner.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

create table if not exists public.sys_table_migrations (
  id uuid primary key default gen_random_uuid(),
  batch_id uuid not null,
  schema_name text not null,
  old_name text not null,
  new_name text not null,
  status text not null default 'pending',
  -- oid is an unsigned 32-bit number; bigint shows as a number in JSON.
  table_oid bigint,
  view_oid bigint,
  compatibility_view_created boolean not null default true,
  dependencies jsonb not null default '{}',
  plan jsonb not null default '{}',
  plan_hash text not null,
  fingerprint jsonb not null default '{}',
  requested_at timestamptz not null default now(),
  requested_by text not null,
  migrated_at timestamptz,
  migrated_by text,
  rollback_at timestamptz,
  rollback_by text,
  finalized_at timestamptz,
  finalized_by text,
  notes text,
  constraint sys_table_migrations_status_check
    check (status in ('pending', 'active', 'rolled_back', 'finalized')),
  constraint sys_table_migrations_times_check check (
    (status <> 'active' or migrated_at is not null)
    and (status <> 'rolled_back' or rollback_at is not null)
    and (status <> 'finalized' or finalized_at is not null))
);

comment on table public.sys_table_migrations is
  'Table renames: one row a rename, from the request to its rollback or finalization';

-- A name can be on its way once only; rolled back and finalized renames leave it free.
create unique index if not exists sys_table_migrations_old_name_key
  on public.sys_table_migrations (schema_name, old_name) where status in ('pending', 'active');
create unique index if not exists sys_table_migrations_new_name_key
  on public.sys_table_migrations (schema_name, new_name) where status in ('pending', 'active');

-- One index for each filter of list-migrations, all in its order: newest first.
create index if not exists sys_table_migrations_requested_idx
  on public.sys_table_migrations (requested_at desc, id desc);
create index if not exists sys_table_migrations_status_idx
  on public.sys_table_migrations (status, requested_at desc, id desc);
create index if not exists sys_table_migrations_schema_idx
  on public.sys_table_migrations (schema_name, requested_at desc, id desc);
create index if not exists sys_table_migrations_old_name_idx
  on public.sys_table_migrations (old_name, requested_at desc, id desc);
create index if not exists sys_table_migrations_new_name_idx
  on public.sys_table_migrations (new_name, requested_at desc, id desc);
create index if not exists sys_table_migrations_batch_idx
  on public.sys_table_migrations (batch_id, requested_at desc, id desc);
create index if not exists sys_table_migrations_table_oid_idx
  on public.sys_table_migrations (table_oid) where status = 'active';

create table if not exists public.sys_table_migration_events (
  id bigint generated always as identity primary key,
  occurred_at timestamptz not null default clock_timestamp(),
  request_id uuid not null,
  operation text not null,
  actor text not null,
  outcome text not null,
  problem_code text,
  batch_id uuid,
  migration_ids uuid[] not null default '{}',
  lock_attempts integer not null default 0,
  lock_waited_ms double precision not null default 0,
  lock_held_ms double precision not null default 0,
  details jsonb not null default '{}',
  constraint sys_table_migration_events_outcome_check
    check (outcome in ('succeeded', 'refused', 'failed')),
  constraint sys_table_migration_events_problem_check
    check ((outcome = 'succeeded') = (problem_code is null))
);

comment on table public.sys_table_migration_events is
  'Every request that changed, or tried to change, a table''s name; append-only';

create index if not exists sys_table_migration_events_occurred_idx
  on public.sys_table_migration_events (occurred_at desc, id desc);
create index if not exists sys_table_migration_events_batch_idx
  on public.sys_table_migration_events (batch_id);
create index if not exists sys_table_migration_events_migrations_idx
  on public.sys_table_migration_events using gin (migration_ids);

create table if not exists public.sys_table_migration_requests (
  idempotency_key text primary key,
  operation text not null,
  actor text not null,
  body_hash text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  response_status integer,
  response_body jsonb
);

comment on table public.sys_table_migration_requests is
  'Idempotency keys and the answers recorded for them';

create index if not exists sys_table_migration_requests_created_idx
  on public.sys_table_migration_requests (created_at);

alter table public.sys_table_migrations enable row level security;
alter table public.sys_table_migration_events enable row level security;
alter table public.sys_table_migration_requests enable row level security;

-- Default privileges may have given something to the API roles, which need not exist elsewhere.
do $$
declare
  api_role name;
begin
  revoke all on table public.sys_table_migrations, public.sys_table_migration_events,
    public.sys_table_migration_requests from public;
  for api_role in
    select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role')
  loop
    execute pg_catalog.format(
      'revoke all on table public.sys_table_migrations, public.sys_table_migration_events,
         public.sys_table_migration_requests from %I', api_role);
    execute pg_catalog.format(
      'revoke all on sequence public.sys_table_migration_events_id_seq from %I', api_role);
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant select on table public.sys_table_migrations, public.sys_table_migration_events to service_role;
  end if;
end
$$;
