/** Pages of events, newest first, by keyset pagination: every page costs the same. */
import type { ListEventsQuery } from "../contract/requests.ts";
import type { EventRecord } from "../contract/responses.ts";
import { literal } from "../sql/quoting.ts";
import { decodeCursor } from "./cursor.ts";

/** Most renames that are named with an event; the others are found by `migration_ids`. */
const MAX_NAMED = 20;

/** A bigint that is an id. */
const ID = /^\d{1,18}$/;

/**
 * Query for one page and one more row, which shows whether there is a next page.
 *
 * @throws {Problem} `invalid_request` for a cursor that is not one of ours.
 */
export function eventsPage(query: ListEventsQuery): string {
  const {
    operation,
    outcome,
    actor,
    migration_id,
    batch_id,
    request_id,
    since,
    cursor,
  } = query;
  // Few events have these, and an index finds them; the planner would otherwise read all events in the list's order.
  const few = [
    ...(migration_id ? [`e.migration_ids @> array[${literal(migration_id)}::uuid]`] : []),
    ...(batch_id ? [`e.batch_id = ${literal(batch_id)}::uuid`] : []),
    ...(request_id ? [`e.request_id = ${literal(request_id)}::uuid`] : []),
  ];
  const conditions = [
    ...(operation ? [`e.operation = ${literal(operation)}`] : []),
    ...(outcome ? [`e.outcome = ${literal(outcome)}`] : []),
    ...(actor === undefined ? [] : [`e.actor = ${literal(actor)}`]),
    ...(since ? [`e.occurred_at >= ${literal(since)}::timestamptz`] : []),
    ...(cursor === undefined ? [] : [before(cursor)]),
  ];
  const events = "table_rename.sys_table_migration_events";
  const where = (conditions: string[]) =>
    conditions.length === 0 ? "" : `\n  where ${conditions.join(" and ")}`;
  const found = few.length === 0 ? "" : `
found as materialized (
  select e.* from ${events} e${where(few)}),`;
  return `
with ${found}
page as (
  select e.* from ${few.length === 0 ? events : "found"} e${where(conditions)}
  order by e.occurred_at desc, e.id desc limit ${query.limit + 1})
select jsonb_build_object(
  'id', e.id, 'occurred_at', e.occurred_at, 'request_id', e.request_id,
  'operation', e.operation, 'actor', e.actor, 'outcome', e.outcome,
  'problem_code', e.problem_code, 'batch_id', e.batch_id, 'migration_ids', e.migration_ids,
  'renames', coalesce(r.renames, e.details -> 'renames', '[]'),
  'renames_total', coalesce(
    nullif(cardinality(e.migration_ids), 0), (e.details ->> 'renames_total')::int, 0),
  'plan_hash', e.details ->> 'plan_hash',
  'lock', jsonb_build_object('attempts', e.lock_attempts,
    'waited_ms', round(e.lock_waited_ms::numeric, 2), 'held_ms', round(e.lock_held_ms::numeric, 2)),
  'details', e.details - '{plan_hash,renames,renames_total}'::text[]) as event
from page e
left join lateral (
  select jsonb_agg(jsonb_build_object(
    'schema', m.schema_name, 'old_name', m.old_name, 'new_name', m.new_name)
    order by i.number) as renames
  from unnest(e.migration_ids[1:${MAX_NAMED}]) with ordinality i(id, number)
  join public.sys_table_migrations m on m.id = i.id) r on true
order by e.occurred_at desc, e.id desc`;
}

function before(cursor: string): string {
  const { time, id } = decodeCursor(cursor, "list-events", ID);
  return `(e.occurred_at, e.id) < (${literal(time)}::timestamptz, ${literal(id)}::bigint)`;
}

/** Reads the answer of `eventsPage`. */
export const eventsFromRows = (
  rows: Record<string, unknown>[],
): EventRecord[] => rows.map(({ event }) => event as EventRecord);
