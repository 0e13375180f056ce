/** Events about drift. Without receivers only drift that exposes rows is recorded, else any. */
import { jsonbLiteral, literal, millisecondsLiteral } from "../sql/quoting.ts";
import { invokerOption } from "../sql/stored_view.ts";
import { MAX_NOTIFIED_MIGRATIONS, type Receiver, withNotification } from "./notifications.ts";

/** Longest wait for another request that records drift at the same moment, in milliseconds. */
const LOCK_TIMEOUT_MS = 500;

/** Key of the advisory lock by which two requests that find the same drift record it once. */
const LOCK_KEY = 7_265_001;

/** The message that writes an event of drift, with notifications, while no other request does so. */
const exclusively = (event: string, receivers: Receiver[]) => `
set local lock_timeout = ${millisecondsLiteral(LOCK_TIMEOUT_MS)};
select pg_advisory_xact_lock(${LOCK_KEY});
${withNotification(event, "migration.drift_detected", receivers)}`;

/** The condition that the view of a migration was not refreshed after an event `e`. */
const notRefreshedSince = (migration: string) =>
  `not exists (
      select from table_rename.sys_table_migration_events r
      where r.migration_ids @> array[${migration}] and r.operation = 'refresh'
        and r.outcome = 'succeeded' and r.id > e.id)`;

/**
 * Message that writes an event for each compatibility view that runs with its owner's rights over a table
 * with row-level security: once, until the view is refreshed. Such a view is only made over a table without
 * row-level security, and becomes wrong when that is enabled later.
 */
export function noteBypassedRowSecurity(
  requestId: string,
  actor: string,
  receivers: Receiver[] = [],
): string {
  const event = `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, batch_id, migration_ids, details)
select ${literal(requestId)}::uuid, 'drift', ${literal(actor)}, 'failed', 'drifted',
  m.batch_id, array[m.id],
  jsonb_build_object(
    'code', 'row_security_bypassed', 'object', format('%I.%I', m.schema_name, m.old_name))
from public.sys_table_migrations m
-- By its name, since OIDs are others in a copied database.
join pg_class v on v.relname = m.old_name::name and v.relkind = 'v' and v.relnamespace = (
  select n.oid from pg_namespace n where n.nspname = m.schema_name::name)
where m.status = 'active' and m.compatibility_view_created
  and exists (
    select from pg_rewrite rw
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = rw.oid
      and d.refclassid = 'pg_class'::regclass
    join pg_class t on t.oid = d.refobjid and t.relrowsecurity
    where rw.ev_class = v.oid and rw.rulename = '_RETURN' and t.relkind in ('r', 'p'))
  and not ${invokerOption("v.reloptions")}
  and not exists (
    select from table_rename.sys_table_migration_events e
    where e.migration_ids @> array[m.id] and e.operation = 'drift'
      and e.details ->> 'code' = 'row_security_bypassed'
      and ${notRefreshedSince("m.id")})`;
  return receivers.length === 0 ? event : exclusively(event, receivers);
}

/** Drift of one kind of one migration. */
export interface FoundDrift {
  migration_id: string;
  code: string;
  object: string;
}

/**
 * Message that writes one event for the drift that was not recorded yet: each kind once per migration, until
 * its view is refreshed. The event has at most a hundred; the next request records the next ones.
 */
export const noteDrift = (
  requestId: string,
  actor: string,
  found: FoundDrift[],
  receivers: Receiver[],
): string => {
  const rows = `jsonb_to_recordset(${jsonbLiteral(found)})`;
  return exclusively(
    insertDrift(requestId, actor, `${rows} as f(migration_id uuid, code text, object text)`),
    receivers,
  );
};

/**
 * Message that writes one event, as noteDrift does, for the compatibility views that are missing, or replaced by
 * something else. They can be dropped silently, by a tool that drops what is not in its schema, or by CASCADE.
 *
 * In a copied database the recorded OIDs are those of no table, or of a table that no rename has named; nothing is
 * recorded of those.
 */
export function noteLostViews(
  requestId: string,
  actor: string,
  receivers: Receiver[] = [],
): string {
  // Few views are gone; only of those the rest is looked up, by names.
  const lostViews = `
    with gone as materialized (
      select m.id, m.schema_name, m.old_name, t.relname::text as table_name, t.relnamespace
      from public.sys_table_migrations m
      join pg_class t on t.oid = m.table_oid::oid and t.relkind in ('r', 'p')
      where m.status = 'active' and m.compatibility_view_created and m.view_oid is not null
        and not exists (select from pg_class v where v.oid = m.view_oid::oid))
    select g.id as migration_id,
      case when r.oid is null then 'view_missing' else 'view_replaced' end as code,
      format('%I.%I', g.schema_name, g.old_name) as object
    from gone g
    join pg_namespace n on n.oid = g.relnamespace and n.nspname = g.schema_name::name
    left join pg_class r on r.relnamespace = n.oid and r.relname = g.old_name::name
    where exists (
      select from public.sys_table_migrations s
      where s.schema_name = g.schema_name and s.new_name = g.table_name
        and s.status in ('active', 'finalized'))`;
  const event = insertDrift(requestId, actor, `(${lostViews}) f`);
  return receivers.length === 0 ? event : exclusively(event, receivers);
}

/** Statement that writes an event of the drift in `source`, a relation `f`, that was not recorded yet, if any. */
const insertDrift = (requestId: string, actor: string, source: string) => `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, migration_ids, details)
select ${literal(requestId)}::uuid, 'drift', ${literal(actor)}, 'failed', 'drifted',
  array_agg(distinct f.migration_id), jsonb_build_object('drift', jsonb_agg(to_jsonb(f)))
from (
  select f.* from ${source}
  where not exists (
    select from table_rename.sys_table_migration_events e
    where e.migration_ids @> array[f.migration_id] and e.operation = 'drift'
      and e.details -> 'drift' @> jsonb_build_array(
        jsonb_build_object('migration_id', f.migration_id, 'code', f.code))
      and ${notRefreshedSince("f.migration_id")})
  limit ${MAX_NOTIFIED_MIGRATIONS}) f
having count(*) > 0`;
