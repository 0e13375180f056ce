/**
 * Delivers the notifications that are due. Each request delivers a few after its answer, and failed ones are tried
 * again by later requests. Delivery is at least once: if a receiver's answer is lost, or an isolate ends before it is
 * recorded, the notification is sent again with the same id.
 */
import type { Notification } from "../contract/notifications.ts";
import { type ProblemCode, PROBLEMS } from "../contract/problems.ts";
import type { Database } from "../postgres/connection/database.ts";
import {
  type DueDelivery,
  dueFromRows,
  markDelivered,
  markUndelivered,
  takeDue,
} from "../tracking/deliveries.ts";
import type { Receiver } from "../tracking/notifications.ts";
import { send, type SendOptions } from "./send.ts";

/** Who is notified, and how. */
export interface Recipients extends SendOptions {
  receivers: (Receiver & { url: URL })[];
}

type Log = (message: string, details: Record<string, unknown>) => void;

/** Most deliveries of one request. */
const MAX_DELIVERIES = 10;

/** Most requests of an isolate that deliver at the same time. */
const MAX_AT_ONCE = 4;

/** How many requests deliver now, and whether another one came that could not. */
const states = new WeakMap<Database, { delivering: number; more: boolean }>();

/** Delivers what is due, at most ten. Never fails: errors are logged, and the notifications tried again later. */
export async function deliverDue(
  database: Database,
  recipients: Recipients,
  log: Log,
): Promise<void> {
  const state = states.get(database) ?? { delivering: 0, more: false };
  states.set(database, state);
  if (state.delivering >= MAX_AT_ONCE) {
    state.more = true;
    return;
  }
  state.delivering++;
  try {
    do {
      state.more = false;
      const keys = recipients.receivers.map(({ key }) => key);
      const due = dueFromRows(await database.query(takeDue(keys, MAX_DELIVERIES)));
      await Promise.all(due.map((delivery) => deliver(database, recipients, delivery, log)));
    } while (state.more);
  } catch (cause) {
    log("notifications could not be delivered", { cause });
  } finally {
    state.delivering--;
  }
}

async function deliver(
  database: Database,
  recipients: Recipients,
  due: DueDelivery,
  log: Log,
): Promise<void> {
  const { url } = recipients.receivers.find(({ key }) => key === due.receiver)!;
  const outcome = await send(url, due.id, JSON.stringify(notificationOf(due)), recipients);
  if (!outcome.delivered) {
    const { id, type, host, attempt } = due;
    log("a notification was not delivered", { id, type, host, attempt, reason: outcome.error });
  }
  const record = outcome.delivered
    ? markDelivered(due)
    : markUndelivered(due, outcome.error, outcome.final);
  try {
    await database.whileReachable(() => database.query(record));
  } catch (cause) {
    log("the outcome of a notification could not be recorded", { id: due.id, cause });
  }
}

/** The notification of an event. It has names, ids, codes and the actor, but no statements, rows or secrets. */
function notificationOf(due: DueDelivery): Notification {
  const { type, occurred_at, request_id, operation, batch_id, actor } = due;
  const { migrations, migrations_total } = due;
  const data = { request_id, operation, batch_id, actor, migrations, migrations_total };
  return { type, timestamp: occurred_at, data: { ...data, ...dataOfType(due) } } as Notification;
}

/** What only notifications of this type have. */
function dataOfType({ type, details, problem_code, migrations }: DueDelivery): object {
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
      // An event about one migration has its drift in `details` itself.
      const one = migrations.map(({ id }) => ({ migration_id: id, code, object }));
      return { drift: details.drift ?? one };
    }
    default:
      return {};
  }
}
