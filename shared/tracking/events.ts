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

/** Statement that writes one event; the lock figures, and `more` details as jsonb, are SQL expressions. */
export function insertEvent(
  event: Event,
  lock: { attempts: string; waitedMs: string; heldMs: string } = {
    attempts: "0",
    waitedMs: "0",
    heldMs: "0",
  },
  more?: string,
): string {
  const ids = event.migration_ids.map((id) => `${literal(id)}::uuid`).join(", ");
  return `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, batch_id, migration_ids,
  lock_attempts, lock_waited_ms, lock_held_ms, details)
values (${literal(event.request_id)}::uuid, ${literal(event.operation)}, ${literal(event.actor)},
  ${literal(event.outcome)}, ${nullableLiteral(event.problem_code)},
  ${nullableLiteral(event.batch_id)}::uuid, array[${ids}]::uuid[],
  ${lock.attempts}, ${lock.waitedMs}, ${lock.heldMs}, ${jsonbLiteral(event.details)}${
    more === undefined ? "" : ` || ${more}`
  })`;
}

/** Query for the lock figures of a request that succeeded. */
export function recordedLock(requestId: string): string {
  return `
select e.lock_attempts as attempts, e.lock_waited_ms as waited_ms, e.lock_held_ms as held_ms
from table_rename.sys_table_migration_events e
where e.request_id = ${literal(requestId)}::uuid and e.outcome = 'succeeded'`;
}
