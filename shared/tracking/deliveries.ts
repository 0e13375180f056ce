/** The outbox of notifications, emptied: what is to be delivered now, and what became of it. */
import type { Migration } from "../contract/responses.ts";
import { MAX_NOTIFIED_MIGRATIONS, type NotificationType } from "../contract/notifications.ts";
import { jsonbLiteral, literal } from "../sql/quoting.ts";

/** What one attempt delivers, and to whom. */
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

/** How long the rows of notifications that are over are kept. */
const KEPT_FOR = "interval '30 days'";

/** Most rows that one message gives up, or prunes, in passing. */
const AT_ONCE = 100;

/**
 * The time from an attempt to the next, were it to fail: about 30 s, 1 min, 2 min and so on up to an hour, and
 * at random between half of that and all of it. The shortest is longer than an attempt can take.
 */
const BACKOFF =
  `least(3600, 30 * pg_catalog.power(2, least(n.attempts, 12))) * (0.5 + pg_catalog.random() / 2)`;

/** Whether it is still to be delivered. */
const OPEN = "n.delivered_at is null and n.given_up_at is null";

/** Whether it is not delivered and will not be. */
export const isGivenUp = (alias: string) =>
  `${alias}.delivered_at is null and (${alias}.given_up_at is not null
    or ${alias}.created_at <= pg_catalog.now() - ${GIVEN_UP_AFTER})`;

/** What a receiver knows a notification by, at every attempt. */
export const notificationId = (request: string, event: string) =>
  `'msg_' || pg_catalog.replace(${request}::text, '-', '') || '_' || ${event}::text`;

/**
 * A migration as it was when the event happened: its row says when each later step was taken. The columns that
 * are kept for later comparison stay inside.
 */
const MIGRATION_THEN = `
pg_catalog.to_jsonb(m) - 'plan' - 'fingerprint'
  || case when m.migrated_at <= e.occurred_at then '{}'::jsonb
    else '{"migrated_at": null, "migrated_by": null, "view_oid": null}' end
  || case when m.rollback_at <= e.occurred_at then '{}'::jsonb
    else '{"rollback_at": null, "rollback_by": null}' end
  || case when m.finalized_at <= e.occurred_at then '{}'::jsonb
    else '{"finalized_at": null, "finalized_by": null}' end
  || pg_catalog.jsonb_build_object('status', case
    when m.finalized_at <= e.occurred_at then 'finalized'
    when m.rollback_at <= e.occurred_at then 'rolled_back'
    when m.migrated_at <= e.occurred_at then 'active'
    else 'pending' end)`;

/**
 * Message that takes what is due for these receivers, new ones first. It is nobody else's until its next
 * attempt would be due, so no transaction has to stay open during the delivery, and what an isolate that is
 * ended leaves undone is done later. What is past its time is given up, and what is long over is deleted.
 */
export function takeDue(receivers: string[], limit: number): string {
  return `
update table_rename.sys_table_migration_notifications n
set given_up_at = pg_catalog.clock_timestamp()
from (
  select n.event_id, n.receiver from table_rename.sys_table_migration_notifications n
  where ${OPEN} and n.created_at <= pg_catalog.now() - ${GIVEN_UP_AFTER}
  limit ${AT_ONCE} for update skip locked) late
where n.event_id = late.event_id and n.receiver = late.receiver;
delete from table_rename.sys_table_migration_notifications n
using (
  select o.event_id, o.receiver from table_rename.sys_table_migration_notifications o
  where o.event_id <= (
      select pg_catalog.max(f.event_id) from (
        select i.event_id from table_rename.sys_table_migration_notifications i
        order by i.event_id limit ${AT_ONCE}) f)
    and coalesce(o.delivered_at, o.given_up_at) <= pg_catalog.now() - ${KEPT_FOR}
  for update skip locked) old
where n.event_id = old.event_id and n.receiver = old.receiver;
with due as (
  select n.event_id, n.receiver from table_rename.sys_table_migration_notifications n
  where ${OPEN} and n.next_attempt_at <= pg_catalog.clock_timestamp()
    and n.receiver in (select pg_catalog.jsonb_array_elements_text(${jsonbLiteral(receivers)}))
  order by n.attempts, n.next_attempt_at
  limit ${limit} for update skip locked
),
taken as (
  update table_rename.sys_table_migration_notifications n
  set attempts = n.attempts + 1, last_attempt_at = pg_catalog.clock_timestamp(),
    next_attempt_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => ${BACKOFF})
  from due
  where n.event_id = due.event_id and n.receiver = due.receiver
  returning n.*
)
select pg_catalog.jsonb_build_object(
  'event_id', e.id, 'receiver', t.receiver, 'host', t.host, 'type', t.type, 'attempt', t.attempts,
  'id', ${notificationId("e.request_id", "e.id")},
  'request_id', e.request_id, 'operation', e.operation, 'actor', e.actor, 'batch_id', e.batch_id,
  'problem_code', e.problem_code, 'occurred_at', e.occurred_at, 'details', e.details,
  'migrations', (
    select coalesce(pg_catalog.jsonb_agg(${MIGRATION_THEN} order by i.place), '[]')
    from pg_catalog.unnest(e.migration_ids[:${MAX_NOTIFIED_MIGRATIONS}])
      with ordinality as i(id, place)
    join public.sys_table_migrations m on m.id = i.id),
  'migrations_total', pg_catalog.cardinality(e.migration_ids)) as delivery
from taken t
join table_rename.sys_table_migration_events e on e.id = t.event_id`;
}

/** Reads the answer of `takeDue`. */
export function dueFromRows(rows: Record<string, unknown>[]): DueDelivery[] {
  return rows.map(({ delivery }) => delivery as DueDelivery);
}

type Delivery = Pick<DueDelivery, "event_id" | "receiver">;

const thisOne = ({ event_id, receiver }: Delivery) =>
  `n.event_id = ${literal(String(event_id))}::bigint and n.receiver = ${literal(receiver)}`;

/** Statement that notes that the receiver has it. */
export function noteDelivered(delivery: Delivery): string {
  return `
update table_rename.sys_table_migration_notifications n
set delivered_at = pg_catalog.clock_timestamp()
where ${thisOne(delivery)} and n.delivered_at is null`;
}

/** Statement that notes why the receiver does not have it; `final`: it is not tried again. */
export function noteUndelivered(delivery: Delivery, error: string, final: boolean): string {
  return `
update table_rename.sys_table_migration_notifications n
set last_error = ${literal(error)}${final ? ", given_up_at = pg_catalog.clock_timestamp()" : ""}
where ${thisOne(delivery)} and n.delivered_at is null`;
}
