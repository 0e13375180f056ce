/**
 * Signed webhooks (Standard Webhooks 1.0.0). The signature covers id, time and body as they were sent, so the body is
 * read, within its limit, before the sender is known.
 */
import { Problem } from "../../contract/problems.ts";
import { decodeExactly, readBytes } from "../input.ts";
import type { WebhookSecrets } from "./webhook_secrets.ts";

/** Why a webhook was refused: the field `reason` of the problem, and of the event. */
type WebhookRefusal =
  /** This endpoint or this project takes no webhooks. */
  | "not_accepted"
  /** Some of the three headers are missing or not valid. */
  | "malformed"
  /** Signed too long ago, or in the future. */
  | "stale"
  | "wrong_signature"
  /** The signature is right, but it was delivered before: to another endpoint, or to this one. */
  | "replayed";

/** A webhook with a valid signature. */
export interface Webhook {
  sender: string;
  /** `webhook-id`, the same at every attempt to deliver it. */
  id: string;
  /** `webhook-timestamp`: when this attempt was made, in seconds since 1970. */
  sentAt: number;
  /** The body as it was signed. */
  body: Uint8Array;
}

/** How far a webhook's time may be from ours, in either direction, in seconds; also the library's own limit. */
const TOLERANCE_S = 5 * 60;

const ID = "webhook-id";
const TIMESTAMP = "webhook-timestamp";
const SIGNATURE = "webhook-signature";

/**
 * Visible characters except the full stop, which separates id, time and body in the signed text: with one in the id,
 * the same text could be divided differently and have the same signature.
 */
const VALID_ID = /^[!-\-/-~]{1,255}$/;

/** Seconds without sign, fraction or leading zeros, so that there is one way to write each time. */
const VALID_TIMESTAMP = /^[1-9][0-9]{0,11}$/;

/** Whether the request is meant as a webhook: it has at least one of the headers. */
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
  const text = signedText(body);
  // All are tried, so that the time it takes does not reveal the signer.
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

export const webhookRefused = (
  reason: WebhookRefusal,
  message: string,
  { hint }: { hint: string },
): Problem => new Problem("unauthorized", message, { hint, fields: { reason } });

/** Why a webhook was refused; undefined where the error is about something else. */
export const refusalOf = (error: unknown): string | undefined =>
  error instanceof Problem && error.code === "unauthorized" &&
    typeof error.fields.reason === "string"
    ? error.fields.reason
    : undefined;

/** Reads and checks the three headers. */
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

/** The body as the text that was signed. Invalid UTF-8 is refused: several bodies could have the same signature. */
function signedText(body: Uint8Array): string {
  try {
    return decodeExactly(body);
  } catch {
    throw webhookRefused("wrong_signature", "The webhook's body is not UTF-8.", {
      hint: "Send JSON in UTF-8, and sign it as it is sent.",
    });
  }
}
