/** The key by which a request that comes again is known: `Idempotency-Key`, or a webhook's id. */
import { Problem } from "../contract/problems.ts";
import type { Caller } from "./authenticate.ts";

/** What an operation needs to know to do a request's work once. */
export interface Idempotency {
  /** The caller and its key: two callers that think of the same key do not get each other's answers. */
  key: string;
  /** SHA-256 of the body in one form, whatever the order of its fields. */
  bodyHash: string;
  /** For a webhook when it was sent, in seconds since 1970; null for other callers. */
  webhookSentAt: number | null;
  /** How long the answer is kept, in days. */
  days: number;
}

const HEADER = "idempotency-key";

/** Visible ASCII characters: what HTTP carries unchanged. */
const VALID_KEY = /^[!-~]{1,255}$/;

/**
 * Reads the key of a request; null where it has none.
 *
 * @param changes Whether the endpoint changes something, so that a key has a meaning.
 * @param body The body as JSON. It is the one that was sent, not the request with its defaults: those may
 *   be others in the version that answers a second attempt.
 * @throws {Problem} `invalid_request`.
 */
export async function idempotencyOf(
  { headers }: Request,
  { identity, webhook }: Caller,
  { changes, body, days }: { changes: boolean; body: unknown; days: number },
): Promise<Idempotency | null> {
  const given = headers.get(HEADER);
  if (given !== null && !changes) throw refused("has no meaning where nothing is changed");
  if (given !== null && webhook !== null) throw refused("is not signed; a webhook's id is its key");
  if (given !== null && !VALID_KEY.test(given)) {
    throw refused("is not 1 to 255 visible ASCII characters");
  }
  const key = webhook?.id ?? given;
  if (key === null) return null;
  return {
    key: `${identity} ${key}`,
    bodyHash: await hashOf(body),
    webhookSentAt: webhook?.sentAt ?? null,
    days,
  };
}

/** SHA-256 of a JSON value with the fields of its objects in order. */
async function hashOf(value: unknown): Promise<string> {
  const text = JSON.stringify(
    value,
    (_, part) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return `sha256:${hex.join("")}`;
}

const refused = (message: string) =>
  new Problem("invalid_request", `The header ${HEADER} ${message}.`, {
    hint: message.startsWith("is not 1 to")
      ? "Send a value of your own for each piece of work, such as a UUID, and the same one when you repeat it."
      : "Leave the header out.",
    fields: { issues: [{ path: HEADER, message }] },
  });
