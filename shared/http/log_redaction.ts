/** Keeps secrets, values of rows and control characters out of the log. */
import type { Settings } from "./settings.ts";

/** Texts shorter than this are not redacted: they would be found in anything. */
const MIN_SECRET_LENGTH = 6;

const REDACTED = "[redacted]";

type Secrets = Pick<
  Settings,
  | "databaseUrl"
  | "verifyDatabaseUrl"
  | "secretKeys"
  | "publishableKeys"
  | "serviceRoleKey"
  | "anonKey"
  | "notify"
>;

/** The line with every secret of the settings replaced. Webhook secrets are not kept as text, so they cannot leak. */
export function withoutSecrets(line: string, settings: Secrets): string {
  return secretsOf(settings).reduce((text, secret) => text.replaceAll(secret, REDACTED), line);
}

/** As they are and as JSON writes them; the longest first, since one can be part of another. */
function secretsOf(settings: Secrets): string[] {
  const { databaseUrl, verifyDatabaseUrl, secretKeys, publishableKeys, serviceRoleKey } = settings;
  const { anonKey, notify } = settings;
  const secrets = [
    ...Object.values(secretKeys),
    ...Object.values(publishableKeys),
    serviceRoleKey,
    anonKey,
    databaseUrl,
    ...passwordsOf(databaseUrl),
    verifyDatabaseUrl,
    ...passwordsOf(verifyDatabaseUrl),
    // The URL of a receiver of notifications often contains a token.
    ...notify?.urls.map(({ href }) => href) ?? [],
  ].filter((secret) => secret !== undefined && secret.length >= MIN_SECRET_LENGTH) as string[];
  const written = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return [...new Set(written)].sort((a, b) => b.length - a.length);
}

/** The URL's passwords, as written and decoded. */
function passwordsOf(url: string | undefined): string[] {
  // Found by a pattern, since a URL that cannot be parsed has a password too.
  const password = /^[^/]*\/\/[^/@]*?:(.*)@[^@]*$/.exec(url ?? "")?.[1];
  const parameter = /[?&]password=([^&]*)/.exec(url ?? "")?.[1];
  return [password, parameter].filter((text) => text !== undefined).flatMap((text) => {
    try {
      return [text, decodeURIComponent(text)];
    } catch {
      return [text];
    }
  });
}

/** Control, invisible and direction-changing characters, and line ends that JSON does not escape. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The line of JSON with its unsafe characters escaped: it means the same, and a terminal cannot act on it. */
export function withoutControls(line: string): string {
  return line.replace(
    UNSAFE,
    (character) =>
      Array.from(
        { length: character.length },
        (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
      ).join(""),
  );
}

/** Classes of SQLSTATE whose messages quote values: data exceptions, and what a project's own code raises. */
const QUOTING_CLASSES = new Set(["22", "P0"]);

/** Fields of a server's error that hold only names (PostgreSQL manual, 55.8). */
const NAMES = ["schema_name", "table_name", "column_name", "constraint_name", "routine"] as const;

/**
 * What is logged of a cause: where it happened, and its message unless that can quote data. The detail, hint,
 * context and query of a server's error can always quote data, so they are never logged.
 */
export function describeCause(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause === undefined ? undefined : String(cause);
  const { code } = cause as { code?: unknown };
  if (typeof code !== "string" || !("severity" in cause)) return cause.stack ?? cause.message;
  const fields = cause as unknown as Record<string, unknown>;
  return {
    sqlstate: code,
    message: QUOTING_CLASSES.has(code.slice(0, 2))
      ? "withheld, since it can quote data"
      : cause.message,
    ...Object.fromEntries(
      NAMES.flatMap((name) => fields[name] === undefined ? [] : [[name, fields[name]]]),
    ),
    stack: cause.stack?.split("\n").filter((line) => /^\s+at /.test(line)).join("\n"),
  };
}
