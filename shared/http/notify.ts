/** Notifications at the edge of a request: who is to be told of its changes, and the delivery after its answer. */
import { Problem } from "../contract/problems.ts";
import { databaseAt } from "../postgres/database.ts";
import { inBackground } from "../notifications/background.ts";
import { deliverDue } from "../notifications/deliver.ts";
import { NOTIFICATION_HEADER } from "../notifications/send.ts";
import type { Receiver } from "../tracking/notifications.ts";
import type { Settings } from "./settings.ts";

/** Who is told of what an operation does. */
export interface Notify {
  receivers: Receiver[];
  /** What is wrong with the settings. */
  errors: string[];
}

type Log = (message: string, details: Record<string, unknown>) => void;

/** The receivers of URLs, made once an isolate. */
const known = new Map<string, Promise<Receiver & { url: URL }>>();

/** What this isolate has said about its settings. */
const said = new Set<string>();

/** Who is told; undefined where nobody is. What is wrong with the settings is logged once. */
export async function notifyOf({ notify }: Settings, log: Log): Promise<Notify | undefined> {
  if (!notify) return undefined;
  const { errors } = notify;
  const text = errors.join(" ");
  if (errors.length > 0 && !said.has(text)) {
    said.add(text);
    log("the settings of notifications are not right", { errors });
  }
  const receivers = (await receiversOf(notify.urls)).map(({ key, host }) => ({ key, host }));
  return { receivers, errors };
}

/** Delivers what is due after the answer, in the background. */
export function deliverLater(settings: Settings, log: Log): void {
  const { notify, databaseUrl } = settings;
  if (!notify || databaseUrl === undefined) return;
  if (notify.urls.length === 0 || notify.signers.length === 0) return;
  const work = async () => {
    const receivers = await receiversOf(notify.urls);
    await deliverDue(databaseAt(databaseUrl), { ...notify, receivers }, log);
  };
  inBackground(work());
}

/**
 * Refuses a notification of ours that comes back, so that it goes round in no circle.
 *
 * @throws {Problem} `invalid_request`.
 */
export function refuseNotification({ headers }: Request): void {
  if (!headers.has(NOTIFICATION_HEADER)) return;
  const message = "marks a notification, which is no request";
  throw new Problem("invalid_request", `The header ${NOTIFICATION_HEADER} ${message}.`, {
    hint: "RENAME_NOTIFY_URL, or a receiver that passes requests on, leads back here; change it.",
    fields: { issues: [{ path: NOTIFICATION_HEADER, message }] },
  });
}

const receiversOf = (urls: URL[]) => Promise.all(urls.map(receiverOf));

function receiverOf(url: URL): Promise<Receiver & { url: URL }> {
  let receiver = known.get(url.href);
  if (receiver === undefined) {
    receiver = keyOf(url.href).then((key) => ({ key, host: url.host, url }));
    known.set(url.href, receiver);
  }
  return receiver;
}

async function keyOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
