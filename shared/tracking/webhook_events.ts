/** Events about webhooks that were refused: they can come from anybody, so there are never many. */
import { jsonbLiteral, literal } from "../sql/quoting.ts";

/** Most such events for one reason within 24 hours. */
const MOST_A_DAY = 100;

export interface RefusedWebhook {
  request_id: string;
  /** `webhook:<sender>` where that is known, else `webhook`. */
  actor: string;
  reason: string;
  details: Record<string, unknown>;
}

/**
 * Statement that leaves an event for a refused webhook, unless there is one for the same reason within the
 * last minute, or a hundred within the last day: whoever sends forgeries fills neither table nor disk, and
 * hides nothing but more of the same.
 */
export function insertRefusedWebhook(refused: RefusedWebhook): string {
  const details = { reason: refused.reason, ...refused.details };
  return `
insert into table_rename.sys_table_migration_events (
  request_id, operation, actor, outcome, problem_code, details)
select ${literal(refused.request_id)}::uuid, 'webhook', ${literal(refused.actor)}, 'refused',
  'unauthorized', ${jsonbLiteral(details)}
where not exists (
    select from table_rename.sys_table_migration_events e
    where e.operation = 'webhook' and e.details ->> 'reason' = ${literal(refused.reason)}
      and e.occurred_at > pg_catalog.now() - interval '1 minute')
  and (
    select count(*) from (
      select from table_rename.sys_table_migration_events e
      where e.operation = 'webhook' and e.details ->> 'reason' = ${literal(refused.reason)}
        and e.occurred_at > pg_catalog.now() - interval '1 day'
      limit ${MOST_A_DAY}) today) < ${MOST_A_DAY}`;
}
