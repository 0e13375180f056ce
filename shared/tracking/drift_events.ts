/** Events about drift: that which lets somebody see what they must not, and where somebody is told, any. */
import { MAX_NOTIFIED_MIGRATIONS } from "../contract/notifications.ts";
import { jsonbLiteral, literal, millisecondsLiteral } from "../sql/quoting.ts";
import { invokerOption } from "../sql/stored_view.ts";
import { type Receiver, withNotification } from "./notifications.ts";

/** Longest wait for somebody else who notes drift at the same moment, in milliseconds. */
const LOCK_TIMEOUT_MS = 500;

/** Key of the lock by which drift that two look for at once is told once. */
const NOTING = 7_265_001;

/** Message that writes an event of drift and tells of it, while nobody else looks whether it was told. */
const tellOnce = (event: string, receivers: Receiver[]) => `
set local lock_timeout = ${millisecondsLiteral(LOCK_TIMEOUT_MS)};
select pg_catalog.pg_advisory_xact_lock(${NOTING});
${withNotification(event, "migration.drift_detected", receivers)}`;

/**
 * Message that leaves an event for each compatibility view that runs with its owner's rights over a table
 * with row-level security: once, until the view is made again. Such a view is made over a table without
 * row-level security only, and becomes wrong when that is enabled later.
 */
export function noteBypassedRowSecurity(
  requestId: string,
  actor: string,
  receivers: Receiver[] = [],
): string {
  const event = `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, batch_id, migration_ids, details)
select ${literal(requestId)}::uuid, 'drift', ${
    literal(actor)
  }, 'failed', 'drifted', m.batch_id, array[m.id],
  pg_catalog.jsonb_build_object('code', 'row_security_bypassed',
    'object', pg_catalog.format('%I.%I', m.schema_name, m.old_name))
from public.sys_table_migrations m
join pg_catalog.pg_namespace n on n.nspname = m.schema_name::name
-- By its name, since OIDs are others in a copied database.
join pg_catalog.pg_class v on v.relnamespace = n.oid and v.relname = m.old_name::name and v.relkind = 'v'
where m.status = 'active' and m.compatibility_view_created
  and exists (
    select from pg_catalog.pg_rewrite rw
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = rw.oid
        and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    join pg_catalog.pg_class t on t.oid = d.refobjid and t.relrowsecurity
    where rw.ev_class = v.oid and rw.rulename = '_RETURN' and t.relkind in ('r', 'p'))
  and not ${invokerOption("v.reloptions")}
  and not exists (
    select from table_rename.sys_table_migration_events e
    where e.migration_ids @> array[m.id] and e.operation = 'drift'
      and e.details ->> 'code' = 'row_security_bypassed'
      and not exists (
        select from table_rename.sys_table_migration_events r
        where r.migration_ids @> array[m.id] and r.operation = 'refresh' and r.outcome = 'succeeded'
          and r.id > e.id))`;
  return receivers.length === 0 ? event : tellOnce(event, receivers);
}

/** Drift of one kind of one migration. */
export interface FoundDrift {
  migration_id: string;
  code: string;
  object: string;
}

/**
 * Message that leaves one event for what of this drift was not noted yet: each kind once a migration, until
 * its view is made again. The event has a hundred at most; the next look notes the next.
 */
export const noteDrift = (
  requestId: string,
  actor: string,
  found: FoundDrift[],
  receivers: Receiver[],
): string =>
  tellOnce(
    eventOf(
      requestId,
      actor,
      `pg_catalog.jsonb_to_recordset(${
        jsonbLiteral(found)
      }) as f(migration_id uuid, code text, object text)`,
    ),
    receivers,
  );

/**
 * Message that leaves one event for the compatibility views that are gone, or replaced by something else, as
 * noteDrift does: they go without a word where a tool drops what is not in its schema, or somebody by CASCADE.
 * In a database that is a copy of another, the tables are gone by their OIDs, too, or the OIDs are those of tables
 * that no rename has named; nothing is said of those.
 */
export function noteLostViews(
  requestId: string,
  actor: string,
  receivers: Receiver[] = [],
): string {
  const event = eventOf(
    requestId,
    actor,
    `(
    select m.id as migration_id,
      case when r.oid is null then 'view_missing' else 'view_replaced' end as code,
      pg_catalog.format('%I.%I', m.schema_name, m.old_name) as object
    from public.sys_table_migrations m
    join pg_catalog.pg_class t on t.oid = m.table_oid::pg_catalog.oid and t.relkind in ('r', 'p')
    left join pg_catalog.pg_namespace n on n.nspname = m.schema_name
    left join pg_catalog.pg_class r on r.relnamespace = n.oid and r.relname = m.old_name
    where m.status = 'active' and m.compatibility_view_created and m.view_oid is not null
      and t.relnamespace = n.oid and exists (
        select from public.sys_table_migrations s
        where s.schema_name = m.schema_name and s.new_name = t.relname
          and s.status in ('active', 'finalized'))
      and not exists (select from pg_catalog.pg_class v where v.oid = m.view_oid::pg_catalog.oid)) f`,
  );
  return receivers.length === 0 ? event : tellOnce(event, receivers);
}

/** Statement that writes an event of the drift in `source`, a relation `f`, that was not noted yet; or none. */
const eventOf = (requestId: string, actor: string, source: string) => `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, migration_ids, details)
select ${literal(requestId)}::uuid, 'drift', ${literal(actor)}, 'failed', 'drifted',
  pg_catalog.array_agg(distinct f.migration_id),
  pg_catalog.jsonb_build_object('drift', pg_catalog.jsonb_agg(pg_catalog.to_jsonb(f)))
from (
  select f.* from ${source}
  where not exists (
    select from table_rename.sys_table_migration_events e
    where e.migration_ids @> array[f.migration_id] and e.operation = 'drift'
      and e.details -> 'drift' @> pg_catalog.jsonb_build_array(
        pg_catalog.jsonb_build_object('migration_id', f.migration_id, 'code', f.code))
      and not exists (
        select from table_rename.sys_table_migration_events r
        where r.migration_ids @> array[f.migration_id] and r.operation = 'refresh'
          and r.outcome = 'succeeded' and r.id > e.id))
  limit ${MAX_NOTIFIED_MIGRATIONS}) f
having pg_catalog.count(*) > 0`;
