/**
 * The outbox of notifications, written: an event and those who are to be told of it by one statement, so that
 * somebody is told if and only if what it tells of is committed.
 */
import type { NotificationType } from "../contract/notifications.ts";
import { jsonbLiteral, literal, nullableLiteral } from "../sql/quoting.ts";
import type { Event } from "./events.ts";

/** Somebody who is told. */
export interface Receiver {
  /** SHA-256 of the URL, which may itself be a secret. */
  key: string;
  /** The URL's host and port, for people. */
  host: string;
}

/**
 * Time within which the same failure is not told again, so that a receiver that tries again as soon as it is
 * told, and fails again, does not go on for ever.
 */
const SAME_AGAIN = "interval '10 minutes'";

/** The condition that none of the last events, `o`, is the same and was told. */
const notToldLately = (same: string) =>
  `not exists (
  select from table_rename.sys_table_migration_events o
  where o.occurred_at > pg_catalog.now() - ${SAME_AGAIN} and ${same} and exists (
    select from table_rename.sys_table_migration_notifications n where n.event_id = o.id))`;

/**
 * The statement that writes events, with a row for each receiver of each event.
 *
 * @param event An INSERT into the table of events, without RETURNING.
 * @param condition Whether anybody is told.
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
${notify("event", type, receivers)}
where ${condition}`;
}

/** The INSERT that tells the receivers of the events whose ids this part of a statement gives. */
export function notify(part: string, type: NotificationType, receivers: Receiver[]): string {
  const values = receivers.map(({ key, host }) => `(${literal(key)}, ${literal(host)})`);
  return `insert into table_rename.sys_table_migration_notifications (event_id, receiver, host, type)
select e.id, r.receiver, r.host, ${literal(type)}
from ${part} e cross join (values ${values.join(", ")}) as r(receiver, host)`;
}

/** The statement that writes the event of a failure, which is told unless the same one was just told. */
export function withFailureNotification(
  event: string,
  { operation, problem_code, batch_id, details }: Event,
  receivers: Receiver[],
): string {
  return withNotification(
    event,
    "migration.failed",
    receivers,
    notToldLately(
      `o.operation = ${literal(operation)} and o.problem_code = ${nullableLiteral(problem_code)}
  and o.batch_id is not distinct from ${nullableLiteral(batch_id)}::uuid
  and o.details = ${jsonbLiteral(details)}`,
    ),
  );
}

export interface FailedVerification {
  request_id: string;
  actor: string;
  /** The operation after which it was looked; null where verify was asked for. */
  after: Event["operation"] | null;
  batch_id: string | null;
  migration_ids: string[];
  failed_checks: string[];
}

/** Statement that leaves an event of a failed verification, and tells of it, unless the same was just told. */
export function noteFailedVerification(failed: FailedVerification, receivers: Receiver[]): string {
  const { after, failed_checks } = failed;
  const ids = `array(select pg_catalog.jsonb_array_elements_text(${
    jsonbLiteral(failed.migration_ids)
  })::uuid)`;
  const event = `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, batch_id, migration_ids, details)
select ${literal(failed.request_id)}::uuid, 'verify', ${literal(failed.actor)}, 'failed',
  'verification_failed', ${nullableLiteral(failed.batch_id)}::uuid, ${ids},
  ${jsonbLiteral({ after, failed_checks })}
where ${
    notToldLately(`o.operation = 'verify' and o.migration_ids = ${ids}
  and o.details -> 'failed_checks' = ${jsonbLiteral(failed_checks)}`)
  }`;
  return withNotification(event, "migration.verification_failed", receivers);
}
