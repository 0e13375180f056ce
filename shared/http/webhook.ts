/**
 * Signed webhooks (Standard Webhooks 1.0.0): the signature is over id, time and body as they were sent, so the
 * body is read, within its limit, before anything of it is believed.
 */
import { Problem } from "../contract/problems.ts";
import { readBytes } from "./body.ts";
import type { WebhookSecrets } from "./webhook_secrets.ts";

/** Why a webhook was refused: the field `reason` of the problem, and of the event. */
export type WebhookRefusal =
  /** This endpoint or this project takes no webhooks. */
  | "not_accepted"
  /** Some of the three headers are missing, or hold what they cannot. */
  | "malformed"
  /** Signed too long ago, or in the future. */
  | "stale"
  | "wrong_signature"
  /** Signed rightly, and delivered before: to another endpoint, or as it is. */
  | "replayed";

/** A webhook that was signed by one of those who may. */
export interface Webhook {
  sender: string;
  /** `webhook-id`, the same at every attempt to deliver it. */
  id: string;
  /** `webhook-timestamp`: when this attempt was made, in seconds since 1970. */
  sentAt: number;
  /** The body as it was signed. */
  body: Uint8Array;
}

/** How far a webhook's time may be from ours, in either direction, in seconds; the library's own limit, too. */
export const TOLERANCE_S = 5 * 60;

const ID = "webhook-id";
const TIMESTAMP = "webhook-timestamp";
const SIGNATURE = "webhook-signature";

/**
 * Visible characters but the full stop, which stands between id, time and body where they are signed: with one
 * in the id, another division of the same text would have the same signature.
 */
const VALID_ID = /^[!-\-/-~]{1,255}$/;

/** Seconds without sign, fraction or leading zeros, so that there is one way to write each time. */
const VALID_TIMESTAMP = /^[1-9][0-9]{0,11}$/;

/** Whether somebody means to send a webhook, however badly. */
export const isWebhook = ({ headers }: Request): boolean =>
  [ID, TIMESTAMP, SIGNATURE].some((name) => headers.has(name));

/**
 * Checks who sent a webhook.
 *
 * @throws {Problem} `unauthorized` with `reason`; `body_too_large`.
 */
export async function verifyWebhook(
  request: Request,
  { secrets }: WebhookSecrets,
): Promise<Webhook> {
  if (secrets.length === 0) {
    throw webhookRefused("not_accepted", "This project takes no webhooks.", {
      hint: "Set RENAME_WEBHOOK_SECRET to the secret that the sender signs with.",
    });
  }
  const { id, sentAt, headers } = readHeaders(request);
  const body = await readBytes(request);
  const text = exactText(body);
  // All are tried: how long it takes does not tell whose the signature is.
  const signers = secrets.filter(({ webhook }) => {
    try {
      webhook.verify(text, headers, { jsonParse: false });
      return true;
    } catch {
      return false;
    }
  });
  if (signers.length === 0) {
    throw webhookRefused("wrong_signature", "No signature of the webhook is right.", {
      hint:
        "Sign webhook-id, webhook-timestamp and the body exactly as they are sent, with a secret " +
        "that RENAME_WEBHOOK_SECRET holds.",
    });
  }
  return { sender: signers[0].sender, id, sentAt, body };
}

/** A refusal of a webhook. */
export const webhookRefused = (
  reason: WebhookRefusal,
  message: string,
  { hint }: { hint: string },
): Problem => new Problem("unauthorized", message, { hint, fields: { reason } });

/** Why a webhook was refused, or undefined where the error is about something else. */
export const refusalOf = (error: unknown): string | undefined =>
  error instanceof Problem && error.code === "unauthorized" &&
    typeof error.fields.reason === "string"
    ? error.fields.reason
    : undefined;

/** The three headers, each of the one form that it has; what is wrong with them is said before any work. */
function readHeaders({ headers }: Request) {
  const given = Object.fromEntries(
    [ID, TIMESTAMP, SIGNATURE].map((name) => [name, headers.get(name) ?? ""]),
  );
  const malformed = (name: string, message: string) =>
    webhookRefused("malformed", `The header ${name} ${message}.`, {
      hint: `A webhook has the headers ${ID}, ${TIMESTAMP} and ${SIGNATURE}, each once.`,
    });
  for (const [name, value] of Object.entries(given)) {
    if (value === "") throw malformed(name, "is missing");
  }
  const { [ID]: id, [TIMESTAMP]: timestamp } = given;
  if (!VALID_ID.test(id)) {
    throw malformed(ID, "is not 1 to 255 visible characters without a full stop");
  }
  if (!VALID_TIMESTAMP.test(timestamp)) {
    throw malformed(TIMESTAMP, "is not a time in seconds since 1970");
  }
  const sentAt = Number(timestamp);
  const age = Math.floor(Date.now() / 1000) - sentAt;
  if (Math.abs(age) > TOLERANCE_S) {
    throw webhookRefused(
      "stale",
      `The webhook says it was sent ${Math.abs(age)} s ${age > 0 ? "ago" : "from now"}.`,
      { hint: `Sign each attempt anew, by a clock that is right to ${TOLERANCE_S} s.` },
    );
  }
  return { id, sentAt, headers: given };
}

/** The body as the text that was signed; bytes that no text has could be signed as several bodies. */
function exactText(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw webhookRefused("wrong_signature", "The webhook's body is not UTF-8.", {
      hint: "Send JSON in UTF-8, and sign it as it is sent.",
    });
  }
}
