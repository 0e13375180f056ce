/** One attempt to deliver a notification: a signed POST that ends within its time, whatever the other side does. */
import type { Webhook } from "standardwebhooks";
import { refusalOfHost } from "./addresses.ts";

/** Marks a request as a notification; the endpoints refuse it, so that none goes round in a circle. */
export const NOTIFICATION_HEADER = "x-table-rename-notification";

export interface Sending {
  /** Each makes a signature; several while one secret is replaced by the next. */
  signers: Webhook[];
  /** Whether addresses that are not public, and http, are allowed. */
  allowPrivate: boolean;
  /** Longest time of one attempt, in milliseconds. */
  timeoutMs: number;
}

export type Outcome =
  | { delivered: true }
  /** `final`: trying again would not help. The error quotes neither URL nor answer. */
  | { delivered: false; error: string; final: boolean };

/**
 * Sends a notification to a URL. Any 2xx means that the receiver has it; a redirect is not followed, and what
 * the answer says is not read.
 *
 * @param id `webhook-id`: the same at every attempt.
 * @param body What is signed and sent.
 */
export async function send(
  url: URL,
  id: string,
  body: string,
  { signers, allowPrivate, timeoutMs }: Sending,
): Promise<Outcome> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const refusal = allowPrivate ? null : await refusalOfHost(url.hostname, abort.signal);
    if (refusal !== null) return failed(refusal);
    const now = new Date();
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "table-rename-notifications/1",
        [NOTIFICATION_HEADER]: "1",
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
        "webhook-signature": signers.map((signer) => signer.sign(id, now, body)).join(" "),
      },
      body,
      redirect: "manual",
      signal: abort.signal,
    });
    const { status, type } = response;
    await response.body?.cancel();
    if (status >= 200 && status < 300) return { delivered: true };
    const redirects = type === "opaqueredirect" || (status >= 300 && status < 400);
    return failed(
      redirects ? `answered ${status}, a redirect, which is not followed` : `answered ${status}`,
      // Gone: the receiver wants no more of it (Standard Webhooks 1.0.0, "Delivery headers and status").
      status === 410,
    );
  } catch (error) {
    return failed(
      abort.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : whatFailed(error),
    );
  } finally {
    clearTimeout(timer);
  }
}

const failed = (error: string, final = false): Outcome => ({ delivered: false, error, final });

/** What went wrong on the way. The runtime's own words quote the URL, so they are not passed on. */
function whatFailed(error: unknown): string {
  const { message = "", cause } = error instanceof Error ? error : {};
  const text = `${message} ${cause instanceof Error ? cause.message : ""}`;
  if (/dns error|lookup address/i.test(text)) return "the name cannot be resolved";
  if (/tls|certificate|handshake/i.test(text)) return "the TLS connection failed";
  if (/\(Connect\)|connect error|refused/i.test(text)) return "the connection failed";
  return "the connection broke before an answer";
}
