/** The table of events: every request that changed, or tried to change, something. Append-only. */
import type { ProblemCode } from "../contract/problems.ts";
import { jsonbLiteral, literal, nullableLiteral } from "../sql/quoting.ts";

export interface Event {
  request_id: string;
  operation: "rename" | "rollback" | "finalize" | "refresh";
  actor: string;
  outcome: "succeeded" | "refused" | "failed";
  problem_code: ProblemCode | null;
  batch_id: string | null;
  migration_ids: string[];
  details: Record<string, unknown>;
}

const NO_LOCK = { attempts: "0", waitedMs: "0", heldMs: "0" };

/**
 * Statement that writes one event.
 *
 * @param lock The lock figures, as SQL expressions. Default: 0.
 * @param more Further details, an SQL expression of type jsonb. Default: none.
 */
export function insertEvent(
  event: Event,
  lock: { attempts: string; waitedMs: string; heldMs: string } = NO_LOCK,
  more?: string,
): string {
  const details = [jsonbLiteral(event.details), ...more === undefined ? [] : [more]].join(" || ");
  return `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, batch_id, migration_ids,
  lock_attempts, lock_waited_ms, lock_held_ms, details)
values (${literal(event.request_id)}::uuid, ${literal(event.operation)}, ${literal(event.actor)},
  ${literal(event.outcome)}, ${nullableLiteral(event.problem_code)},
  ${nullableLiteral(event.batch_id)}::uuid, array[${uuids(event.migration_ids)}]::uuid[],
  ${lock.attempts}, ${lock.waitedMs}, ${lock.heldMs}, ${details})`;
}

/** Query for the lock figures of a request that succeeded. */
export function recordedLock(requestId: string): string {
  return `
select e.lock_attempts as attempts, e.lock_waited_ms as waited_ms, e.lock_held_ms as held_ms
from table_rename.sys_table_migration_events e
where e.request_id = ${literal(requestId)}::uuid and e.outcome = 'succeeded'`;
}

/** Most events of refused webhooks for one reason within 24 hours. */
const MAX_REFUSALS_A_DAY = 100;

interface RefusedWebhook {
  request_id: string;
  /** `webhook:<sender>` where that is known, else `webhook`. */
  actor: string;
  reason: string;
  details: Record<string, unknown>;
}

/**
 * Statement that writes an event for a refused webhook, unless there is one for the same reason within the last
 * minute, or a hundred within the last day. Anybody can send forgeries: they fill neither table nor disk, and only
 * hide more of the same kind.
 */
export function insertRefusedWebhook(
  { request_id, actor, reason, details }: RefusedWebhook,
): string {
  const sameWithin = (time: string) => `
    select from table_rename.sys_table_migration_events e
    where e.operation = 'webhook' and e.details ->> 'reason' = ${literal(reason)}
      and e.occurred_at > now() - interval ${literal(time)}`;
  return `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, details)
select ${literal(request_id)}::uuid, 'webhook', ${literal(actor)}, 'refused', 'unauthorized',
  ${jsonbLiteral({ reason, ...details })}
where not exists (${sameWithin("1 minute")})
  and (
    select count(*) from (${sameWithin("1 day")}
      limit ${MAX_REFUSALS_A_DAY}) today) < ${MAX_REFUSALS_A_DAY}`;
}

/** The ids as a list of SQL expressions of type uuid. */
export const uuids = (ids: string[]) => ids.map((id) => `${literal(id)}::uuid`).join(", ");
