/** What a notification says: the shape that Standard Webhooks recommends, type, time and data. */
import type { Notification } from "../contract/notifications.ts";
import { type ProblemCode, PROBLEMS } from "../contract/problems.ts";
import type { DueDelivery } from "../tracking/deliveries.ts";

/** The notification of an event. No statements, no rows, no secrets: names, ids, codes and who asked. */
export function notificationOf(due: DueDelivery): Notification {
  const { type, occurred_at: timestamp } = due;
  return { type, timestamp, data: { ...aboutOf(due), ...caseOf(due) } } as Notification;
}

const aboutOf = (
  { request_id, operation, batch_id, actor, migrations, migrations_total }: DueDelivery,
) => ({ request_id, operation, batch_id, actor, migrations, migrations_total });

/** What only notifications of this type say. */
function caseOf({ type, details, problem_code, migrations }: DueDelivery): object {
  switch (type) {
    case "migration.failed": {
      const code = problem_code ?? "internal";
      const { title } = PROBLEMS[code as ProblemCode] ?? PROBLEMS.internal;
      return { problem: { code, title }, requested: details };
    }
    case "migration.rolled_back":
      return { withdrawn: details.withdrawn === true };
    case "migration.verification_failed":
      return { after: details.after ?? null, failed_checks: details.failed_checks };
    case "migration.drift_detected": {
      const { code, object } = details;
      // An event of one migration's worst drift names it once.
      const one = migrations.map(({ id }) => ({ migration_id: id, code, object }));
      return { drift: details.drift ?? one };
    }
    default:
      return {};
  }
}
