/** The secrets that webhooks are signed with, as `RENAME_WEBHOOK_SECRET` holds them. */
import { Webhook } from "standardwebhooks";

/** The secrets of everybody who may send webhooks. */
export interface WebhookSecrets {
  /** Each with the name of its sender; a sender has several while one is replaced by the next. */
  secrets: { sender: string; webhook: Webhook }[];
  /** How many entries could not be read; they are ignored. */
  unreadable: number;
}

/** The sender's name where the setting gives none. */
const DEFAULT_SENDER = "default";

/**
 * Least length of a secret in bytes: 128 bits. Standard Webhooks 1.0.0 asks senders for 24 bytes or more, but secrets
 * made before that standard can be shorter.
 */
const MIN_SECRET_BYTES = 16;

/** Spaces and commas separate entries; the comma of `v1,whsec_…` is part of its entry. */
const SEPARATOR = /\s+|(?<!(?:^|[\s,=])v1),/;

/** An optional `sender=`, an optional `v1,` as the platform writes it before its own, the secret. */
const ENTRY = /^(?:([A-Za-z0-9_.-]{1,64})=)?(?:v1,)?whsec_([A-Za-z0-9+/]+={0,2})$/;

/**
 * Reads the setting: one or several of `whsec_…`, `v1,whsec_…` or `sender=whsec_…`, base64 of at least 16
 * bytes. Entries that cannot be read are counted, and neither kept nor shown.
 */
export function readWebhookSecrets(text = ""): WebhookSecrets {
  const entries = text.split(SEPARATOR).filter((entry) => entry !== "");
  const secrets = entries.flatMap((entry) => {
    const [matched, sender = DEFAULT_SENDER, base64] = ENTRY.exec(entry) ?? [];
    if (matched === undefined || base64.length % 4 > 0) return [];
    if (byteLength(base64) < MIN_SECRET_BYTES) return [];
    try {
      return [{ sender, webhook: new Webhook(base64) }];
    } catch {
      return [];
    }
  });
  return { secrets, unreadable: entries.length - secrets.length };
}

const byteLength = (base64: string) => Math.floor(base64.replace(/=+$/, "").length * 3 / 4);
