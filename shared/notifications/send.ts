/** One attempt to deliver a notification: a signed POST with a time limit. */
import type { Webhook } from "standardwebhooks";
import { refusalOfHost } from "./addresses.ts";

/** Marks a request as a notification. The endpoints refuse those, so that there is no endless loop. */
export const NOTIFICATION_HEADER = "x-table-rename-notification";

export interface SendOptions {
  /** Each makes a signature; there are several while one secret is replaced by the next. */
  signers: Webhook[];
  /** Whether private addresses and http are allowed. */
  allowPrivate: boolean;
  /** Longest time of one attempt, in milliseconds. */
  timeoutMs: number;
}

type Outcome =
  | { delivered: true }
  /** `final`: it is not tried again. The error quotes neither URL nor answer. */
  | { delivered: false; error: string; final: boolean };

/**
 * Sends a notification to a URL. Any 2xx means that the receiver has it. Redirects are not followed, and the
 * answer's body is not read.
 *
 * @param id `webhook-id`: the same at every attempt.
 */
export async function send(
  url: URL,
  id: string,
  body: string,
  { signers, allowPrivate, timeoutMs }: SendOptions,
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
      // Gone: the receiver wants no more notifications (Standard Webhooks 1.0.0, "Delivery headers and status").
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

/** Why a request failed. The runtime's own messages quote the URL, so they are not passed on. */
function whatFailed(error: unknown): string {
  const { message = "", cause } = error instanceof Error ? error : {};
  const text = `${message} ${cause instanceof Error ? cause.message : ""}`;
  if (/dns error|lookup address/i.test(text)) return "the name cannot be resolved";
  if (/tls|certificate|handshake/i.test(text)) return "the TLS connection failed";
  if (/\(Connect\)|connect error|refused/i.test(text)) return "the connection failed";
  return "the connection broke before an answer";
}
