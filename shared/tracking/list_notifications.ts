/** What became of notifications, as list-migrations tells it. */
import type { MigrationNotifications, NotificationsReport } from "../contract/responses.ts";
import { jsonbLiteral } from "../sql/quoting.ts";
import { isGivenUp, notificationId } from "./deliveries.ts";

/** Most notifications without delivery that are listed, the newest. */
const MAX_LISTED = 100;

const counts = `
  'delivered', pg_catalog.count(*) filter (where n.delivered_at is not null),
  'pending', pg_catalog.count(*) filter (where n.delivered_at is null and not (${isGivenUp("n")})),
  'given_up', pg_catalog.count(*) filter (where ${isGivenUp("n")}),
  'last_error', (pg_catalog.array_agg(n.last_error order by n.last_attempt_at desc)
    filter (where n.delivered_at is null and n.last_error is not null))[1]`;

/** Query for the notifications of these migrations, of each receiver, and those without delivery. */
export function notificationsQuery(ids: string[]): string {
  return `
select
  (select coalesce(pg_catalog.jsonb_object_agg(i.id, (
    select pg_catalog.jsonb_build_object(${counts})
    from table_rename.sys_table_migration_events e
    join table_rename.sys_table_migration_notifications n on n.event_id = e.id
    where e.migration_ids @> array[i.id::uuid])), '{}')
  from pg_catalog.jsonb_array_elements_text(${jsonbLiteral(ids)}) as i(id)) as by_migration,
  (select coalesce(pg_catalog.jsonb_agg(r.receiver order by r.host, r.key), '[]') from (
    select n.host, n.receiver as key, pg_catalog.jsonb_build_object(
      'key', n.receiver, 'host', n.host, ${counts},
      'last_delivered_at', pg_catalog.max(n.delivered_at)) as receiver
    from table_rename.sys_table_migration_notifications n
    group by n.host, n.receiver) r) as receivers,
  (select coalesce(pg_catalog.jsonb_agg(u.listed order by u.id desc, u.receiver), '[]') from (
    select e.id, n.receiver, pg_catalog.jsonb_build_object(
      'id', ${notificationId("e.request_id", "e.id")}, 'type', n.type, 'host', n.host,
      'request_id', e.request_id, 'created_at', n.created_at, 'attempts', n.attempts,
      'state', case when ${isGivenUp("n")} then 'given_up' else 'pending' end,
      'next_attempt_at', case when not (${isGivenUp("n")}) then n.next_attempt_at end,
      'last_error', n.last_error) as listed
    from table_rename.sys_table_migration_notifications n
    join table_rename.sys_table_migration_events e on e.id = n.event_id
    where n.delivered_at is null
    order by e.id desc, n.receiver limit ${MAX_LISTED}) u) as undelivered`;
}

/** What the query answers; whether a receiver is still told is for the settings to say. */
export interface RecordedNotifications {
  by_migration: Record<string, MigrationNotifications>;
  receivers: (Omit<NotificationsReport["receivers"][number], "configured"> & { key: string })[];
  undelivered: NotificationsReport["undelivered"];
}

export function notificationsFromRows([row]: Record<string, unknown>[]): RecordedNotifications {
  return row as unknown as RecordedNotifications;
}
