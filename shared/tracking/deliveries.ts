/** Deliveries: which notifications of the outbox are due, what became of them, and what is listed of them. */
import type { NotificationType } from "../contract/notifications.ts";
import type {
  Migration,
  MigrationNotifications,
  NotificationsReport,
} from "../contract/responses.ts";
import { jsonbLiteral, literal } from "../sql/quoting.ts";
import { MAX_NOTIFIED_MIGRATIONS } from "./notifications.ts";

/** One attempt: a notification and its receiver. */
export interface DueDelivery {
  event_id: number;
  receiver: string;
  host: string;
  type: NotificationType;
  /** `webhook-id`: the same at every attempt, and for every receiver. */
  id: string;
  /** Number of this attempt, from 1. */
  attempt: number;
  request_id: string;
  operation: string;
  actor: string;
  batch_id: string | null;
  problem_code: string | null;
  occurred_at: string;
  details: Record<string, unknown>;
  migrations: Migration[];
  migrations_total: number;
}

/** How long after its event a notification is given up. */
const GIVEN_UP_AFTER = "interval '24 hours'";

/** How long notifications are kept that were delivered or given up. */
const KEPT_FOR = "interval '30 days'";

/** Most rows that one message gives up, or deletes. */
const MAX_CLEANED = 100;

/** Most undelivered notifications that are listed, the newest. */
const MAX_LISTED = 100;

/**
 * The time from an attempt to the next, if it fails: about 30 s, 1 min, 2 min and so on up to an hour; at random
 * between half of that and all of it. Even the shortest is longer than an attempt can take.
 */
const BACKOFF = "least(3600, 30 * power(2, least(n.attempts, 12))) * (0.5 + random() / 2)";

/** Whether it is still to be delivered. */
const OPEN = "n.delivered_at is null and n.given_up_at is null";

/** Whether it is not delivered and will not be. */
const GIVEN_UP = `n.delivered_at is null and (n.given_up_at is not null
    or n.created_at <= now() - ${GIVEN_UP_AFTER})`;

/** The id of the notification of an event `e`, the same at every attempt. */
const NOTIFICATION_ID = "'msg_' || replace(e.request_id::text, '-', '') || '_' || e.id::text";

/**
 * A migration as it was at the time of the event; its row has the time of each later step. Columns that are
 * kept for later comparison are not sent.
 */
const MIGRATION_THEN = `
to_jsonb(m) - 'plan' - 'fingerprint'
  || case when m.migrated_at <= e.occurred_at then '{}'::jsonb
    else '{"migrated_at": null, "migrated_by": null, "view_oid": null}' end
  || case when m.rollback_at <= e.occurred_at then '{}'::jsonb
    else '{"rollback_at": null, "rollback_by": null}' end
  || case when m.finalized_at <= e.occurred_at then '{}'::jsonb
    else '{"finalized_at": null, "finalized_by": null}' end
  || jsonb_build_object('status', case
    when m.finalized_at <= e.occurred_at then 'finalized'
    when m.rollback_at <= e.occurred_at then 'rolled_back'
    when m.migrated_at <= e.occurred_at then 'active'
    else 'pending' end)`;

const GIVE_UP_LATE = `
update table_rename.sys_table_migration_notifications n
set given_up_at = clock_timestamp()
from (
  select n.event_id, n.receiver from table_rename.sys_table_migration_notifications n
  where ${OPEN} and n.created_at <= now() - ${GIVEN_UP_AFTER}
  limit ${MAX_CLEANED} for update skip locked) late
where n.event_id = late.event_id and n.receiver = late.receiver`;

const DELETE_OLD = `
delete from table_rename.sys_table_migration_notifications n
using (
  select o.event_id, o.receiver from table_rename.sys_table_migration_notifications o
  where o.event_id <= (
      select max(f.event_id) from (
        select i.event_id from table_rename.sys_table_migration_notifications i
        order by i.event_id limit ${MAX_CLEANED}) f)
    and coalesce(o.delivered_at, o.given_up_at) <= now() - ${KEPT_FOR}
  for update skip locked) old
where n.event_id = old.event_id and n.receiver = old.receiver`;

/**
 * Message that takes what is due for these receivers, new ones first. It is reserved until its next attempt would be
 * due, so that no transaction stays open during the delivery; if the isolate ends before that, it is due again. The
 * message also gives up what is too late, and deletes what is old.
 */
export function takeDue(receivers: string[], limit: number): string {
  return `${GIVE_UP_LATE};${DELETE_OLD};
with due as (
  select n.event_id, n.receiver from table_rename.sys_table_migration_notifications n
  where ${OPEN} and n.next_attempt_at <= clock_timestamp()
    and n.receiver in (select jsonb_array_elements_text(${jsonbLiteral(receivers)}))
  order by n.attempts, n.next_attempt_at
  limit ${limit} for update skip locked
),
taken as (
  update table_rename.sys_table_migration_notifications n
  set attempts = n.attempts + 1, last_attempt_at = clock_timestamp(),
    next_attempt_at = clock_timestamp() + make_interval(secs => ${BACKOFF})
  from due
  where n.event_id = due.event_id and n.receiver = due.receiver
  returning n.*
)
select jsonb_build_object(
  'event_id', e.id, 'receiver', t.receiver, 'host', t.host, 'type', t.type, 'attempt', t.attempts,
  'id', ${NOTIFICATION_ID},
  'request_id', e.request_id, 'operation', e.operation, 'actor', e.actor, 'batch_id', e.batch_id,
  'problem_code', e.problem_code, 'occurred_at', e.occurred_at, 'details', e.details,
  'migrations', (
    select coalesce(jsonb_agg(${MIGRATION_THEN} order by i.place), '[]')
    from unnest(e.migration_ids[:${MAX_NOTIFIED_MIGRATIONS}]) with ordinality as i(id, place)
    join public.sys_table_migrations m on m.id = i.id),
  'migrations_total', cardinality(e.migration_ids)) as delivery
from taken t
join table_rename.sys_table_migration_events e on e.id = t.event_id`;
}

/** Reads the answer of `takeDue`. */
export function dueFromRows(rows: Record<string, unknown>[]): DueDelivery[] {
  return rows.map(({ delivery }) => delivery as DueDelivery);
}

type Delivery = Pick<DueDelivery, "event_id" | "receiver">;

const isThis = ({ event_id, receiver }: Delivery) =>
  `n.event_id = ${literal(String(event_id))}::bigint and n.receiver = ${literal(receiver)}`;

export function markDelivered(delivery: Delivery): string {
  return `
update table_rename.sys_table_migration_notifications n
set delivered_at = clock_timestamp()
where ${isThis(delivery)} and n.delivered_at is null`;
}

/** @param final Whether it is not tried again. */
export function markUndelivered(delivery: Delivery, error: string, final: boolean): string {
  return `
update table_rename.sys_table_migration_notifications n
set last_error = ${literal(error)}${final ? ", given_up_at = clock_timestamp()" : ""}
where ${isThis(delivery)} and n.delivered_at is null`;
}

const COUNTS = `
  'delivered', count(*) filter (where n.delivered_at is not null),
  'pending', count(*) filter (where n.delivered_at is null and not (${GIVEN_UP})),
  'given_up', count(*) filter (where ${GIVEN_UP}),
  'last_error', (array_agg(n.last_error order by n.last_attempt_at desc)
    filter (where n.delivered_at is null and n.last_error is not null))[1]`;

const RECEIVERS = `
  select n.host, n.receiver as key, jsonb_build_object(
    'key', n.receiver, 'host', n.host, ${COUNTS},
    'last_delivered_at', max(n.delivered_at)) as receiver
  from table_rename.sys_table_migration_notifications n
  group by n.host, n.receiver`;

const UNDELIVERED = `
  select e.id, n.receiver, jsonb_build_object(
    'id', ${NOTIFICATION_ID}, 'type', n.type, 'host', n.host,
    'request_id', e.request_id, 'created_at', n.created_at, 'attempts', n.attempts,
    'state', case when ${GIVEN_UP} then 'given_up' else 'pending' end,
    'next_attempt_at', case when not (${GIVEN_UP}) then n.next_attempt_at end,
    'last_error', n.last_error) as listed
  from table_rename.sys_table_migration_notifications n
  join table_rename.sys_table_migration_events e on e.id = n.event_id
  where n.delivered_at is null
  order by e.id desc, n.receiver
  limit ${MAX_LISTED}`;

/** Query for counts of notifications by migration and by receiver, and for the undelivered ones. */
export function notificationsQuery(ids: string[]): string {
  return `
select
  (select coalesce(jsonb_object_agg(i.id, (
    select jsonb_build_object(${COUNTS})
    from table_rename.sys_table_migration_events e
    join table_rename.sys_table_migration_notifications n on n.event_id = e.id
    where e.migration_ids @> array[i.id::uuid])), '{}')
  from jsonb_array_elements_text(${jsonbLiteral(ids)}) as i(id)) as by_migration,
  (select coalesce(jsonb_agg(r.receiver order by r.host, r.key), '[]')
  from (${RECEIVERS}) r) as receivers,
  (select coalesce(jsonb_agg(u.listed order by u.id desc, u.receiver), '[]')
  from (${UNDELIVERED}) u) as undelivered`;
}

/** The answer; whether a receiver is still configured is for the settings to say. */
interface RecordedNotifications {
  by_migration: Record<string, MigrationNotifications>;
  receivers: (Omit<NotificationsReport["receivers"][number], "configured"> & { key: string })[];
  undelivered: NotificationsReport["undelivered"];
}

export function notificationsFromRows([row]: Record<string, unknown>[]): RecordedNotifications {
  return row as unknown as RecordedNotifications;
}
