/** Events about drift that nobody asked for, since it lets somebody see what they must not. */
import { literal } from "../plan/quoting.ts";

/**
 * Statement that leaves an event for each compatibility view that runs with its owner's rights over a table
 * with row-level security: once, until the view is made again. Such a view is made over a table without
 * row-level security only, and becomes wrong when that is enabled later.
 */
export function noteBypassedRowSecurity(requestId: string, actor: string): string {
  return `
insert into public.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, batch_id, migration_ids, details)
select ${literal(requestId)}::uuid, 'drift', ${
    literal(actor)
  }, 'failed', 'drifted', m.batch_id, array[m.id],
  pg_catalog.jsonb_build_object('code', 'row_security_bypassed',
    'object', pg_catalog.format('%I.%I', m.schema_name, m.old_name))
from public.sys_table_migrations m
join pg_catalog.pg_class t on t.oid = m.table_oid::pg_catalog.oid and t.relrowsecurity
join pg_catalog.pg_class v on v.oid = m.view_oid::pg_catalog.oid and v.relkind = 'v'
where m.status = 'active'
  and not exists (
    select from pg_catalog.pg_options_to_table(v.reloptions) o
    where o.option_name = 'security_invoker' and o.option_value in ('true', 'on', 'yes', '1'))
  and not exists (
    select from public.sys_table_migration_events e
    where e.migration_ids @> array[m.id] and e.operation = 'drift'
      and e.details ->> 'code' = 'row_security_bypassed'
      and not exists (
        select from public.sys_table_migration_events r
        where r.migration_ids @> array[m.id] and r.operation = 'refresh' and r.outcome = 'succeeded'
          and r.id > e.id))`;
}
