-- What a request that comes again is answered from, and what is known of webhooks that were refused.
-- Harmless to apply twice.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

alter table public.sys_table_migration_requests
  add column if not exists request_id uuid,
  add column if not exists webhook_sent_at timestamptz;

comment on column public.sys_table_migration_requests.idempotency_key is
  'Who asked, and the key: Idempotency-Key or webhook-id';
comment on column public.sys_table_migration_requests.request_id is
  'The request that did the work, or was refused last; its event has the rest';
comment on column public.sys_table_migration_requests.response_body is
  'The answer: what was planned once the change is committed, all of it once finished_at is set; null for a webhook that was refused';
comment on column public.sys_table_migration_requests.webhook_sent_at is
  'webhook-timestamp; a webhook that was refused counts again only when it is signed anew, later';

-- The event of a request, by the id that its answer carried.
create index if not exists sys_table_migration_events_request_idx
  on public.sys_table_migration_events (request_id);

-- Refused webhooks are counted before the next one is noted.
create index if not exists sys_table_migration_events_webhook_idx
  on public.sys_table_migration_events ((details ->> 'reason'), occurred_at)
  where operation = 'webhook';
