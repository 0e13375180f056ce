/** Notifications, as far as a request has to do with them: who receives them, and delivery after the answer. */
import { Problem } from "../../contract/problems.ts";
import { inBackground } from "../../notifications/background.ts";
import { NOTIFICATION_HEADER } from "../../notifications/send.ts";
import { databaseAt } from "../../postgres/connection/database.ts";
import type { Receiver } from "../../tracking/notifications.ts";
import type { Log } from "../log.ts";
import type { Settings } from "../settings.ts";
import { sha256 } from "../sha256.ts";

/** Who is notified of an operation. */
export interface Notify {
  receivers: Receiver[];
  /** What is wrong with the settings. */
  errors: string[];
}

/** The receivers by URL, computed once per isolate. */
const known = new Map<string, Promise<Receiver & { url: URL }>>();

/** Errors of the settings that this isolate has logged. */
const logged = new Set<string>();

/** Who is notified; undefined where nobody is. Errors of the settings are logged once. */
export async function notifyOf({ notify }: Settings, log: Log): Promise<Notify | undefined> {
  if (!notify) return undefined;
  const { errors } = notify;
  const text = errors.join(" ");
  if (errors.length > 0 && !logged.has(text)) {
    logged.add(text);
    log("the settings of notifications are not valid", { errors });
  }
  const receivers = (await receiversOf(notify.urls)).map(({ key, host }) => ({ key, host }));
  return { receivers, errors };
}

/** Delivers the notifications that are due, in the background, after the answer. */
export function deliverLater(settings: Settings, log: Log): void {
  const { notify, databaseUrl } = settings;
  if (!notify || databaseUrl === undefined) return;
  if (notify.urls.length === 0 || notify.signers.length === 0) return;
  const work = async () => {
    // Loaded after the answer, so that no caller waits for it.
    const { deliverDue } = await import("../../notifications/deliver.ts");
    const receivers = await receiversOf(notify.urls);
    await deliverDue(databaseAt(databaseUrl), { ...notify, receivers }, log);
  };
  inBackground(work().catch((cause) => log("notifications could not be delivered", { cause })));
}

/**
 * Refuses a notification of ours that comes back as a request, so that there is no endless loop.
 *
 * @throws {Problem} `invalid_request`.
 */
export function refuseNotification({ headers }: Request): void {
  if (!headers.has(NOTIFICATION_HEADER)) return;
  const message = "marks a notification, which is no request";
  throw new Problem("invalid_request", `The header ${NOTIFICATION_HEADER} ${message}.`, {
    hint: "RENAME_NOTIFY_URL, or a receiver that forwards requests, leads back here; change it.",
    fields: { issues: [{ path: NOTIFICATION_HEADER, message }] },
  });
}

const receiversOf = (urls: URL[]) => Promise.all(urls.map(receiverOf));

function receiverOf(url: URL): Promise<Receiver & { url: URL }> {
  let receiver = known.get(url.href);
  if (receiver === undefined) {
    receiver = sha256(url.href).then((key) => ({ key, host: url.host, url }));
    known.set(url.href, receiver);
  }
  return receiver;
}
