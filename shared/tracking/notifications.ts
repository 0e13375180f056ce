/**
 * The outbox of notifications. An event and its notifications are written by one statement, so that somebody is
 * notified if and only if the event is committed.
 */
import type { NotificationType } from "../contract/notifications.ts";
import { jsonbLiteral, literal, nullableLiteral } from "../sql/quoting.ts";
import type { Event } from "./events.ts";

/** Most migrations in one notification; `migrations_total` is the number of all. */
export const MAX_NOTIFIED_MIGRATIONS = 100;

/** Somebody who is notified. */
export interface Receiver {
  /** SHA-256 of the URL, which can be a secret. */
  key: string;
  /** The URL's host and port, to be shown. */
  host: string;
}

/**
 * Time within which the same failure is notified once, so that a receiver that retries on a notification, and fails
 * again, does not do so for ever.
 */
const REPEAT_AFTER = "interval '10 minutes'";

/** The condition that no recent event `o` is the same and was notified. */
const notNotifiedLately = (isSame: string) =>
  `not exists (
  select from table_rename.sys_table_migration_events o
  where o.occurred_at > now() - ${REPEAT_AFTER} and ${isSame} and exists (
    select from table_rename.sys_table_migration_notifications n where n.event_id = o.id))`;

/**
 * The statement that writes events, with a notification for each receiver of each event.
 *
 * @param event An INSERT into the table of events, without RETURNING.
 * @param condition Whether anybody is notified. Default: yes.
 */
export function withNotification(
  event: string,
  type: NotificationType,
  receivers: Receiver[],
  condition = "true",
): string {
  if (receivers.length === 0) return event;
  return `
with event as (${event}
returning sys_table_migration_events.id)
${insertNotifications("event", type, receivers)}
where ${condition}`;
}

/** The INSERT of notifications about the events whose ids a part of the same statement gives. */
export function insertNotifications(
  part: string,
  type: NotificationType,
  receivers: Receiver[],
): string {
  const rows = receivers.map(({ key, host }) => `(${literal(key)}, ${literal(host)})`).join(", ");
  return `insert into table_rename.sys_table_migration_notifications (event_id, receiver, host, type)
select e.id, r.receiver, r.host, ${literal(type)}
from ${part} e cross join (values ${rows}) as r(receiver, host)`;
}

/** The statement that writes the event of a failure, with notifications unless the same was notified lately. */
export function withFailureNotification(
  event: string,
  { operation, problem_code, batch_id, details }: Event,
  receivers: Receiver[],
): string {
  const isSame = `o.operation = ${literal(operation)}
  and o.problem_code = ${nullableLiteral(problem_code)}
  and o.batch_id is not distinct from ${nullableLiteral(batch_id)}::uuid
  and o.details = ${jsonbLiteral(details)}`;
  return withNotification(event, "migration.failed", receivers, notNotifiedLately(isSame));
}

interface FailedVerification {
  request_id: string;
  actor: string;
  /** The operation that was verified; null for a request to verify. */
  after: Event["operation"] | null;
  batch_id: string | null;
  migration_ids: string[];
  failed_checks: string[];
}

/** Statement that writes the event of a failed verification, with notifications, unless the same was notified lately. */
export function noteFailedVerification(failed: FailedVerification, receivers: Receiver[]): string {
  const { after, failed_checks } = failed;
  const ids = `array(
    select jsonb_array_elements_text(${jsonbLiteral(failed.migration_ids)})::uuid)`;
  const isSame = `o.operation = 'verify' and o.migration_ids = ${ids}
  and o.details -> 'failed_checks' = ${jsonbLiteral(failed_checks)}`;
  const event = `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, batch_id, migration_ids, details)
select ${literal(failed.request_id)}::uuid, 'verify', ${literal(failed.actor)}, 'failed',
  'verification_failed', ${nullableLiteral(failed.batch_id)}::uuid, ${ids},
  ${jsonbLiteral({ after, failed_checks })}
where ${notNotifiedLately(isSame)}`;
  return withNotification(event, "migration.verification_failed", receivers);
}
