/** Webhooks as a sender makes them, signed by hand (Standard Webhooks 1.0.0, signature scheme). */

/** 24 bytes each, in base64. */
export const SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const OTHER_SECRET = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

export interface Delivery {
  secret?: string;
  id?: string;
  /** Seconds since 1970. Default: now. */
  timestamp?: number | string;
  body?: string | Uint8Array;
}

export const nowInSeconds = () => Math.floor(Date.now() / 1000);

/** The base64 signature of a message. */
export async function signature(
  { secret = SECRET, id = "msg_1", timestamp = nowInSeconds(), body = "" }: Delivery,
): Promise<string> {
  const key = await crypto.subtle.importKey(
    "raw",
    Uint8Array.from(atob(secret), (c) => c.charCodeAt(0)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const tail = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const signed = new Uint8Array(head.length + tail.length);
  signed.set(head);
  signed.set(tail, head.length);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, signed));
  return btoa(String.fromCharCode(...mac));
}

/** The headers of a message, rightly signed. */
export async function signedHeaders(delivery: Delivery = {}): Promise<Record<string, string>> {
  const { id = "msg_1", timestamp = nowInSeconds() } = delivery;
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${await signature({ ...delivery, timestamp })}`,
  };
}

/** A request with a message, rightly signed, but for the headers that `changed` replaces. */
export async function signedRequest(
  delivery: Delivery = {},
  changed: Record<string, string> = {},
): Promise<Request> {
  return new Request("http://localhost/rename", {
    method: "POST",
    headers: { ...await signedHeaders(delivery), ...changed },
    body: delivery.body as BodyInit | undefined,
  });
}

/** Runs `work` while the clock of this process stands at this time; nothing else may run meanwhile. */
export async function atTime<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
  const { now } = Date;
  Date.now = () => milliseconds;
  try {
    return await work();
  } finally {
    Date.now = now;
  }
}
