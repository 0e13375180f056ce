/**
 * Delivers what is due. Each request does a bounded part of it after its answer, so that it costs nobody time,
 * and what failed is tried again by later requests. At least once: where a receiver's answer is lost, or an
 * isolate ends before it is noted, the notification comes again, with the same id.
 */
import type { Database } from "../postgres/database.ts";
import {
  type DueDelivery,
  dueFromRows,
  noteDelivered,
  noteUndelivered,
  takeDue,
} from "../tracking/deliveries.ts";
import type { Receiver } from "../tracking/notifications.ts";
import { notificationOf } from "./payload.ts";
import { send, type Sending } from "./send.ts";

/** Those who are told now, and how. */
export interface Recipients extends Sending {
  receivers: (Receiver & { url: URL })[];
}

type Log = (message: string, details: Record<string, unknown>) => void;

/** Most deliveries that one request makes. */
const MOST = 10;

/** Most requests of an isolate that deliver at the same time. */
const MOST_AT_ONCE = 4;

/** How many deliver now, and whether somebody came meanwhile who could not. */
const states = new WeakMap<Database, { delivering: number; more: boolean }>();

/** Delivers what is due, at most ten. Never fails: what could not be done is logged, and tried later. */
export async function deliverDue(
  database: Database,
  recipients: Recipients,
  log: Log,
): Promise<void> {
  const state = states.get(database) ?? { delivering: 0, more: false };
  states.set(database, state);
  if (state.delivering >= MOST_AT_ONCE) {
    state.more = true;
    return;
  }
  state.delivering++;
  try {
    do {
      state.more = false;
      const keys = recipients.receivers.map(({ key }) => key);
      const due = dueFromRows(await database.query(takeDue(keys, MOST)));
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
  const note = outcome.delivered
    ? noteDelivered(due)
    : noteUndelivered(due, outcome.error, outcome.final);
  try {
    await database.whileReachable(() => database.query(note));
  } catch (cause) {
    log("what became of a notification could not be noted", { id: due.id, cause });
  }
}
