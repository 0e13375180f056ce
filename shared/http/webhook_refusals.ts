/** What a refused webhook leaves behind: at times an event, so that forgeries are noticed. */
import { type Database, databaseAt } from "../postgres/database.ts";
import { noteRefusedWebhook } from "../tracking/webhook_events.ts";
import type { Settings } from "./settings.ts";
import { refusalOf } from "./webhook.ts";

/** Least time between two events for the same reason that one isolate asks the database for. */
const PAUSE_MS = 60_000;

/** Longest time that the answer waits for its event: a refusal is not to be a way to keep us busy. */
const PATIENCE_MS = 2_000;

/** Longest text of the request that an event repeats. */
const MAX_TEXT = 255;

/** When this isolate last noted each reason. */
const noted = new WeakMap<Database, Map<string, number>>();

export interface RefusedRequest {
  request: Request;
  requestId: string;
  settings: Settings;
  /** Who it is where the signature was right; undefined where nobody knows. */
  actor: string | undefined;
  log: (message: string, details: Record<string, unknown>) => void;
}

/**
 * Leaves an event where the error is a webhook's refusal, and not too many were left lately. Where nobody may
 * send webhooks there is nothing to notice. Never throws.
 */
export async function noteRefusal(error: unknown, refused: RefusedRequest): Promise<void> {
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
  const event = noteRefusedWebhook({
    request_id: requestId,
    actor,
    reason,
    details: { endpoint: endpointOf(request), webhook_id: idOf(request) },
  });
  const written = database.query(event).catch((cause) => {
    log("the event of a refused webhook could not be written", { cause: String(cause) });
  });
  await within(PATIENCE_MS, written);
}

function isTime(database: Database, reason: string): boolean {
  const times = noted.get(database) ?? new Map<string, number>();
  noted.set(database, times);
  const last = times.get(reason);
  const now = performance.now();
  if (last !== undefined && now - last < PAUSE_MS) return false;
  times.set(reason, now);
  return true;
}

/** The first part of the path is the function's name, as the platform hands requests over. */
const endpointOf = ({ url }: Request) => new URL(url).pathname.split("/")[1].slice(0, MAX_TEXT);

const idOf = ({ headers }: Request) =>
  (headers.get("webhook-id") ?? "").replace(/[^!-~]/g, "").slice(0, MAX_TEXT);

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
