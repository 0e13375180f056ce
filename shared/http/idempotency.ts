/** The key by which a repeated request is recognized: `Idempotency-Key`, or a webhook's id. */
import { Problem } from "../contract/problems.ts";
import type { Caller } from "./authenticate.ts";
import { sha256 } from "./sha256.ts";

/** What an operation needs to know to do a request's work only once. */
export interface Idempotency {
  /** The caller and its key: two callers that use the same key do not get each other's answers. */
  key: string;
  /** SHA-256 of the body, whatever the order of its fields. */
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
 * @param changes Whether the endpoint changes something; only then a key has a meaning.
 * @param body The body as it was sent, without defaults: those can differ in the version that answers a second attempt.
 * @throws {Problem} `invalid_request`.
 */
export async function idempotencyOf(
  { headers }: Request,
  { identity, webhook }: Caller,
  { changes, body, days }: { changes: boolean; body: unknown; days: number },
): Promise<Idempotency | null> {
  const given = headers.get(HEADER);
  if (given !== null) {
    const leaveOut = "Leave the header out.";
    if (!changes) throw invalidKey("has no meaning where nothing is changed", leaveOut);
    if (webhook !== null) throw invalidKey("is not signed; a webhook's id is its key", leaveOut);
    if (!VALID_KEY.test(given)) {
      throw invalidKey(
        "is not 1 to 255 visible ASCII characters",
        "Send a value of your own for each piece of work, such as a UUID, and the same one when you repeat it.",
      );
    }
  }
  const key = webhook?.id ?? given;
  if (key === null) return null;
  return {
    key: `${identity} ${key}`,
    bodyHash: `sha256:${await sha256(canonicalJson(body))}`,
    webhookSentAt: webhook?.sentAt ?? null,
    days,
  };
}

/** JSON with the fields of its objects in order. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(
    value,
    (_, part) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );

const invalidKey = (message: string, hint: string) =>
  new Problem("invalid_request", `The header ${HEADER} ${message}.`, {
    hint,
    fields: { issues: [{ path: HEADER, message }] },
  });
