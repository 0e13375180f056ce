/** Who is notified of changes, and how: `RENAME_NOTIFY_URL` and related settings. */
import type { Webhook } from "standardwebhooks";
import { isAddress, isLocalName, isPrivateAddress } from "../../notifications/addresses.ts";
import { readWebhookSecrets, type WebhookSecrets } from "./webhook_secrets.ts";

export interface NotifySettings {
  /** `RENAME_NOTIFY_URL`: those that can be used. */
  urls: URL[];
  /** `RENAME_NOTIFY_SECRET`: each makes a signature. Without any, nothing is sent. */
  signers: Webhook[];
  /** `RENAME_NOTIFY_ALLOW_PRIVATE`: whether http and private addresses are allowed. Default: no. */
  allowPrivate: boolean;
  /** Longest time of one delivery, in milliseconds: 10,000. */
  timeoutMs: number;
  /** What is wrong with the settings, a sentence each; no URL and no secret is quoted. */
  errors: string[];
}

const TIMEOUT_MS = 10_000;

/**
 * Reads the settings; null where nobody is to be notified.
 *
 * @param inbound The secrets that open the endpoints: a receiver must not know one of them.
 */
export function readNotifySettings(
  { urls = "", secrets, allowPrivate = "false" }: {
    urls: string | undefined;
    secrets: string | undefined;
    allowPrivate: string | undefined;
  },
  inbound: WebhookSecrets,
): NotifySettings | null {
  const entries = urls.split(/[\s,]+/).filter((entry) => entry !== "");
  if (entries.length === 0) return null;
  const allowed = allowPrivate.toLowerCase() === "true";
  const errors: string[] = [];
  if (!["true", "false"].includes(allowPrivate.toLowerCase())) {
    errors.push("RENAME_NOTIFY_ALLOW_PRIVATE is neither true nor false, and counts as false.");
  }
  const valid = entries.flatMap((entry, index) => {
    const url = URL.canParse(entry) ? new URL(entry) : null;
    const fault = faultOf(url, allowed);
    if (fault === null) return url!;
    errors.push(`RENAME_NOTIFY_URL, entry ${index + 1}: ${fault}`);
    return [];
  });
  return {
    // A URL that is listed twice is notified once.
    urls: [...new Map(valid.map((url) => [url.href, url])).values()],
    signers: readSigners(secrets, inbound, errors),
    allowPrivate: allowed,
    timeoutMs: TIMEOUT_MS,
    errors,
  };
}

function faultOf(url: URL | null, allowPrivate: boolean): string | null {
  if (url === null) return "it is no URL; a comma in a URL is written %2C.";
  if (url.username !== "" || url.password !== "") {
    return "it has a user or password in it; put a token into the path instead.";
  }
  if (!["https:", "http:"].includes(url.protocol)) return "it is no https URL.";
  if (allowPrivate) return null;
  const allow = "RENAME_NOTIFY_ALLOW_PRIVATE=true allows it.";
  if (url.protocol !== "https:") return `it is no https URL; ${allow}`;
  if (isAddress(url.hostname) ? isPrivateAddress(url.hostname) : isLocalName(url.hostname)) {
    return `its address is private; ${allow}`;
  }
  return null;
}

function readSigners(
  text: string | undefined,
  inbound: WebhookSecrets,
  errors: string[],
): Webhook[] {
  const { secrets, unreadable } = readWebhookSecrets(text);
  if (unreadable > 0) {
    errors.push(
      `RENAME_NOTIFY_SECRET: ${unreadable} of its entries cannot be read; each is whsec_ and at ` +
        "least 16 bytes in base64.",
    );
  }
  const inboundSignatures = new Set(inbound.secrets.map(({ webhook }) => signature(webhook)));
  const signers = secrets.map(({ webhook }) => webhook);
  const own = signers.filter((signer) => !inboundSignatures.has(signature(signer)));
  if (own.length < signers.length) {
    errors.push(
      "RENAME_NOTIFY_SECRET: an entry is also in RENAME_WEBHOOK_SECRET, and is not used: a receiver that " +
        "has it to check notifications could rename tables with it.",
    );
  }
  if (own.length === 0) {
    errors.push(
      "RENAME_NOTIFY_SECRET holds no secret to sign with: nothing is sent until it does.",
    );
  }
  return own;
}

/** Equal for equal secrets, which cannot be read out of a `Webhook`. */
const signature = (webhook: Webhook) => webhook.sign("same secret?", new Date(0), "");
