/** Who is told of changes, and how: `RENAME_NOTIFY_URL` and the settings that go with it. */
import type { Webhook } from "standardwebhooks";
import { isAddress, isLocalName, isPrivateAddress } from "../notifications/addresses.ts";
import { readWebhookSecrets, type WebhookSecrets } from "./webhook_secrets.ts";

export interface NotifySettings {
  /** `RENAME_NOTIFY_URL`: those that can be used. */
  urls: URL[];
  /** `RENAME_NOTIFY_SECRET`: each makes a signature. Without any, nothing is sent. */
  signers: Webhook[];
  /** `RENAME_NOTIFY_ALLOW_PRIVATE`: whether http and addresses that are not public are allowed. Default: no. */
  allowPrivate: boolean;
  /** Longest time of one delivery, in milliseconds: 10,000. */
  timeoutMs: number;
  /** What is wrong with the settings, a sentence each; no URL and no secret is quoted. */
  errors: string[];
}

const TIMEOUT_MS = 10_000;

/**
 * Reads the settings; null where nobody is to be told.
 *
 * @param inbound The secrets that open the endpoints: whoever is told must not have one of them.
 */
export function readNotifySettings(
  { urls = "", secrets, allowPrivate }: {
    urls: string | undefined;
    secrets: string | undefined;
    allowPrivate: string | undefined;
  },
  inbound: WebhookSecrets,
): NotifySettings | null {
  const entries = urls.split(/[\s,]+/).filter((entry) => entry !== "");
  if (entries.length === 0) return null;
  const allowed = allowPrivate?.toLowerCase() === "true";
  const errors: string[] = [];
  if (allowPrivate !== undefined && !["true", "false"].includes(allowPrivate.toLowerCase())) {
    errors.push("RENAME_NOTIFY_ALLOW_PRIVATE is neither true nor false, and counts as false.");
  }
  const read = entries.map((entry, index) => {
    const url = URL.canParse(entry) ? new URL(entry) : null;
    const fault = faultOf(url, allowed);
    if (fault !== null) errors.push(`RENAME_NOTIFY_URL, entry ${index + 1}: ${fault}`);
    return fault === null ? url! : [];
  }).flat();
  // Named twice is told once.
  const byText = new Map(read.map((url) => [url.href, url]));
  return {
    urls: [...byText.values()],
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
  const opens = new Set(inbound.secrets.map(({ webhook }) => trace(webhook)));
  const signers = secrets.map(({ webhook }) => webhook);
  const own = signers.filter((signer) => !opens.has(trace(signer)));
  if (own.length < signers.length) {
    errors.push(
      "RENAME_NOTIFY_SECRET: an entry is also in RENAME_WEBHOOK_SECRET, and is not used: whoever " +
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

/** The same for the same secret. */
const trace = (webhook: Webhook) => webhook.sign("trace", new Date(0), "");
