/** Settings from the environment, read at each request: keys can be rotated while an isolate lives. */
import { type NotifySettings, readNotifySettings } from "./webhooks/notify_settings.ts";
import { readWebhookSecrets, type WebhookSecrets } from "./webhooks/webhook_secrets.ts";

/** The log levels, in their order. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** The least level that is logged; `silent`: nothing is. */
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface Settings {
  /**
   * `RENAME_DB_URL`, the login that supabase/roles/table_renamer.sql makes, or any other that may rename. Default:
   * `SUPABASE_DB_URL`, the direct connection that the platform sets, as `postgres`.
   */
  databaseUrl: string | undefined;
  /**
   * `RENAME_VERIFY_DB_URL`, the login that supabase/roles/table_verifier.sql makes. Verify runs its tests in sessions
   * of this login, so that other people's code does not run with our rights. Default: none; then verify only runs
   * code that belongs to roles that have our rights anyway.
   */
  verifyDatabaseUrl?: string;
  /** `SUPABASE_URL`: the project whose Data API verify calls; nothing else needs it. */
  projectUrl?: string;
  /** `SUPABASE_SECRET_KEYS`: name → key. */
  secretKeys: Record<string, string>;
  /** `SUPABASE_PUBLISHABLE_KEYS`: name → key. */
  publishableKeys: Record<string, string>;
  /** The legacy `SUPABASE_SERVICE_ROLE_KEY`. */
  serviceRoleKey: string | undefined;
  /** The legacy `SUPABASE_ANON_KEY`. */
  anonKey: string | undefined;
  /**
   * `RENAME_DEADLINE_MS`: when the work of one request stops cleanly. Default 140,000, below the 150 s after
   * which the platform ends a request on the free plan.
   */
  deadlineMs: number;
  /** `SUPABASE_JWKS`, with which users' tokens are checked; null where there is none. */
  jwks: { keys: JsonWebKey[] } | null;
  /** `RENAME_WEBHOOK_SECRET`: who may send signed webhooks. Default: nobody. */
  webhooks: WebhookSecrets;
  /**
   * `RENAME_IDEMPOTENCY_DAYS`: how long answers are kept for the keys of their requests, in days. Default 7;
   * at least 1, so that a webhook's id is remembered for much longer than its signature is valid.
   */
  idempotencyDays: number;
  /** `RENAME_NOTIFY_URL` and related settings: who is notified of changes. Default: nobody. */
  notify?: NotifySettings | null;
  /** `LOG_LEVEL`. Default: info. */
  logLevel?: LogLevel;
}

const DEFAULT_DEADLINE_MS = 140_000;
const DEFAULT_IDEMPOTENCY_DAYS = 7;

/** Longest time that answers can be kept, in days; a PostgreSQL interval can hold it. */
const MAX_IDEMPOTENCY_DAYS = 36_500;

/** Reads the settings that the platform gives every function. */
export function settingsFromEnv(
  get: (name: string) => string | undefined = (name) => Deno.env.get(name),
): Settings {
  const text = (name: string) => get(name)?.trim() || undefined;
  const webhooks = readWebhookSecrets(text("RENAME_WEBHOOK_SECRET"));
  const days = positive(text("RENAME_IDEMPOTENCY_DAYS")) ?? DEFAULT_IDEMPOTENCY_DAYS;
  return {
    databaseUrl: text("RENAME_DB_URL") ?? text("SUPABASE_DB_URL"),
    verifyDatabaseUrl: text("RENAME_VERIFY_DB_URL"),
    projectUrl: text("SUPABASE_URL"),
    secretKeys: keys(text("SUPABASE_SECRET_KEYS")),
    publishableKeys: keys(text("SUPABASE_PUBLISHABLE_KEYS")),
    serviceRoleKey: text("SUPABASE_SERVICE_ROLE_KEY"),
    anonKey: text("SUPABASE_ANON_KEY"),
    deadlineMs: positive(text("RENAME_DEADLINE_MS")) ?? DEFAULT_DEADLINE_MS,
    jwks: keySet(text("SUPABASE_JWKS")),
    webhooks,
    idempotencyDays: Math.min(MAX_IDEMPOTENCY_DAYS, Math.max(1, days)),
    notify: readNotifySettings({
      urls: text("RENAME_NOTIFY_URL"),
      secrets: text("RENAME_NOTIFY_SECRET"),
      allowPrivate: text("RENAME_NOTIFY_ALLOW_PRIVATE"),
    }, webhooks),
    logLevel: LOG_LEVELS.find((level) => level === text("LOG_LEVEL")?.toLowerCase()) ?? "info",
  };
}

/**
 * The project's Data API and its keys: the one named `default`, or else the first, or else the legacy one. Null
 * without a URL or a secret key.
 */
export function dataApiOf(settings: Settings) {
  const { projectUrl: url, secretKeys, publishableKeys, serviceRoleKey, anonKey } = settings;
  const one = (keys: Record<string, string>) => keys.default ?? Object.values(keys)[0];
  const secretKey = one(secretKeys) ?? serviceRoleKey;
  if (url === undefined || secretKey === undefined || !URL.canParse(url)) return null;
  return { url, secretKey, publishableKey: one(publishableKeys) ?? anonKey ?? null };
}

/** A JSON object of keys by name; entries that are not texts, or empty, are left out. */
function keys(text: string | undefined): Record<string, string> {
  try {
    const parsed: unknown = JSON.parse(text ?? "{}");
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return {};
    return Object.fromEntries(
      Object.entries(parsed).filter(([, key]) => typeof key === "string" && key !== ""),
    );
  } catch {
    return {};
  }
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

/** A key set as the platform writes it, `{ "keys": [...] }`, or the bare array. */
function keySet(text: string | undefined): Settings["jwks"] {
  try {
    const parsed = JSON.parse(text ?? "null");
    const keys = Array.isArray(parsed) ? parsed : parsed?.keys;
    return Array.isArray(keys) ? { keys } : null;
  } catch {
    return null;
  }
}
