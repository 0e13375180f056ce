-- The outbox: who is still to be told of an event, and who was. What is told is the event itself, and the
-- migrations that it is about. Written only where somebody wants to be told. Harmless to apply twice.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

create table if not exists public.sys_table_migration_notifications (
  -- The event. No foreign key: events are never deleted, and the check would be made while clients wait.
  event_id bigint not null,
  -- The receiver's URL can hold a token, so only its SHA-256 and its host are kept.
  receiver text not null,
  host text not null,
  type text not null,
  created_at timestamptz not null default clock_timestamp(),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default clock_timestamp(),
  last_attempt_at timestamptz,
  last_error text,
  delivered_at timestamptz,
  given_up_at timestamptz,
  constraint sys_table_migration_notifications_pkey primary key (event_id, receiver)
);

comment on table public.sys_table_migration_notifications is
  'Outgoing notifications: one row an event and receiver, until a while after it was delivered or given up';

-- What is still to be delivered: few rows, looked for after every request.
create index if not exists sys_table_migration_notifications_due_idx
  on public.sys_table_migration_notifications (next_attempt_at)
  where delivered_at is null and given_up_at is null;

alter table public.sys_table_migration_notifications enable row level security;

-- Default privileges may have given something to the API roles, which need not exist elsewhere.
do $$
declare
  api_role name;
begin
  revoke all on table public.sys_table_migration_notifications from public;
  for api_role in
    select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role')
  loop
    execute pg_catalog.format(
      'revoke all on table public.sys_table_migration_notifications from %I', api_role);
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant select on table public.sys_table_migration_notifications to service_role;
  end if;
end
$$;
