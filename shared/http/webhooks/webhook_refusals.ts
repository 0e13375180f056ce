/** Records refused webhooks as events, so that forgeries are noticed; not all of them, since anybody can send many. */
import { type Database, databaseAt } from "../../postgres/connection/database.ts";
import { insertRefusedWebhook } from "../../tracking/events.ts";
import type { Log } from "../log.ts";
import type { Settings } from "../settings.ts";
import { refusalOf } from "./webhook.ts";

/** Least time between two events for the same reason that one isolate tries to write, in milliseconds. */
const MIN_INTERVAL_MS = 60_000;

/** Longest time that the answer waits for its event, in milliseconds, so that refusals do not keep us busy. */
const MAX_WAIT_MS = 2_000;

/** Longest text of the request that an event repeats. */
const MAX_TEXT = 255;

/** When this isolate last recorded each reason. */
const lastRecorded = new WeakMap<Database, Map<string, number>>();

interface RefusedRequest {
  request: Request;
  requestId: string;
  settings: Settings;
  /** The sender where the signature was right; undefined where the sender is not known. */
  actor: string | undefined;
  log: Log;
}

/**
 * Writes an event if the error is a webhook's refusal, some secret is configured, and not too many were written
 * lately. Never throws.
 */
export async function recordRefusal(error: unknown, refused: RefusedRequest): Promise<void> {
  const { request, requestId, settings, actor = "webhook", log } = refused;
  const { databaseUrl, webhooks } = settings;
  const reason = refusalOf(error);
  if (reason === undefined || webhooks.secrets.length + webhooks.unreadable === 0) return;
  if (databaseUrl === undefined) return;
  const database = databaseAt(databaseUrl);
  if (!isTime(database, reason)) return;
  if (webhooks.unreadable > 0) {
    log("RENAME_WEBHOOK_SECRET has entries that cannot be read", { count: webhooks.unreadable });
  }
  const event = insertRefusedWebhook({
    request_id: requestId,
    actor,
    reason,
    details: { endpoint: endpointOf(request), webhook_id: idOf(request) },
  });
  const written = database.query(event).catch((cause) => {
    log("the event of a refused webhook could not be written", { cause: String(cause) });
  });
  await within(MAX_WAIT_MS, written);
}

function isTime(database: Database, reason: string): boolean {
  const times = lastRecorded.get(database) ?? new Map<string, number>();
  lastRecorded.set(database, times);
  const last = times.get(reason);
  const now = performance.now();
  if (last !== undefined && now - last < MIN_INTERVAL_MS) return false;
  times.set(reason, now);
  return true;
}

/** The first part of the path is the function's name, as the platform passes requests on. */
const endpointOf = ({ url }: Request) => new URL(url).pathname.split("/")[1].slice(0, MAX_TEXT);

const idOf = ({ headers }: Request) =>
  (headers.get("webhook-id") ?? "").replace(/[^!-~]/g, "").slice(0, MAX_TEXT);

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
