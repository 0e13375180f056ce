-- Indexes for each filter of list-events, in its order: newest first. Few events have the same request.
-- Harmless to apply twice.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

create index if not exists sys_table_migration_events_request_idx
  on table_rename.sys_table_migration_events (request_id);
create index if not exists sys_table_migration_events_operation_idx
  on table_rename.sys_table_migration_events (operation, occurred_at desc, id desc);
create index if not exists sys_table_migration_events_outcome_idx
  on table_rename.sys_table_migration_events (outcome, occurred_at desc, id desc);
create index if not exists sys_table_migration_events_actor_idx
  on table_rename.sys_table_migration_events (actor, occurred_at desc, id desc);
