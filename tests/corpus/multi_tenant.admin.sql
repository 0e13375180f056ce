-- What the platform's own roles hold of the multi-tenant application: users, the trigger on them, policies
-- and a webhook. On a hosted project these are made in the dashboard.

create schema supabase_functions;
grant usage on schema supabase_functions to postgres;
create table supabase_functions.hooks (
  id bigint generated always as identity primary key,
  hook_table_id integer not null,
  hook_name text not null,
  payload jsonb
);
-- The platform's sends this payload by HTTP; this one keeps it.
create function supabase_functions.http_request() returns trigger language plpgsql
security definer set search_path = supabase_functions
as $$
begin
  insert into hooks (hook_table_id, hook_name, payload) values (tg_relid, tg_name, jsonb_build_object(
    'type', tg_op, 'schema', tg_table_schema, 'table', tg_table_name, 'record', to_jsonb(new)));
  return new;
end $$;
create trigger comments_webhook after insert on public.comments for each row
  execute function supabase_functions.http_request(
    'https://example.com/hook', 'POST', '{"Content-Type":"application/json"}', '{}', '1000');

create function public.handle_new_user() returns trigger language plpgsql
security definer set search_path = ''
as $$
begin
  insert into public.profiles (id, email, full_name)
  values (new.id, new.email, coalesce(new.raw_user_meta_data ->> 'full_name', ''));
  return new;
end $$;
alter function public.handle_new_user() owner to postgres;
create trigger on_auth_user_created after insert on auth.users
  for each row execute function public.handle_new_user();

-- The table of pg_cron 1.6, which is not at hand, with jobs as its schedule() writes them.
create schema cron;
grant usage on schema cron to postgres;
create table cron.job (
  jobid bigint primary key,
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport int not null default 5432,
  database text not null default current_database(),
  username text not null default 'postgres',
  active boolean not null default true,
  jobname text
);
grant select on cron.job to postgres;
insert into cron.job (jobid, schedule, command, jobname) values
  (1, '0 3 * * *', 'delete from public.audit_log where at < now() - interval ''90 days''', 'forget'),
  (2, '0 * * * *', 'refresh materialized view public.org_usage', 'count usage'),
  (3, '30 3 * * *', 'truncate telemetry.raw_ingest', 'empty the inbox');
-- What CREATE EXTENSION pg_cron leaves in the catalogs, as far as it is read.
insert into pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
select pg_catalog.pg_nextoid('pg_catalog.pg_extension', 'oid', 'pg_catalog.pg_extension_oid_index'),
  'pg_cron', r.oid, 'pg_catalog'::pg_catalog.regnamespace, false, '1.6'
from pg_catalog.pg_roles r where r.rolname = current_user;
alter extension pg_cron add table cron.job;

insert into storage.buckets (id, name) values ('attachments', 'attachments');
create policy "who sees a document gets its files" on storage.objects for select to authenticated using (
  bucket_id = 'attachments' and exists (
    select from public.attachments a where a.bucket_id = objects.bucket_id and a.path = objects.name));

insert into auth.users (id, email, raw_user_meta_data) values
  ('bbbbbbbb-0000-4000-8000-000000000001', 'ada@example.com', '{"full_name": "Ada Lovelace"}'),
  ('bbbbbbbb-0000-4000-8000-000000000002', 'grace@example.com', '{"full_name": "Grace Hopper"}'),
  ('bbbbbbbb-0000-4000-8000-000000000003', 'alan@example.com', '{"full_name": "Alan Turing"}');
insert into storage.objects (bucket_id, name) values ('attachments', 'engine.png'), ('attachments', 'tape.png');
grant select on supabase_functions.hooks to postgres;
