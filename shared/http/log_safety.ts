/** Keeps out of the log what must not be in it. */
import type { Settings } from "./settings.ts";

/** Shorter texts are no secrets worth the name, and would be found in anything. */
const LEAST_LENGTH = 6;

const REDACTED = "[redacted]";

/** What of the settings must not be read by anybody; secrets of webhooks are not kept in a form to be found. */
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

/** The line with every secret of the settings taken out, should one have found its way into a message. */
export function withoutSecrets(line: string, settings: Secrets): string {
  return secretsOf(settings).reduce((text, secret) => text.replaceAll(secret, REDACTED), line);
}

/** As they are, and as JSON writes them; the longest first, since one can be part of another. */
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
    // Receivers of notifications are often known by a token in their URL.
    ...notify?.urls.map(({ href }) => href) ?? [],
  ].filter((secret) => secret !== undefined && secret.length >= LEAST_LENGTH) as string[];
  const written = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return [...new Set(written)].sort((a, b) => b.length - a.length);
}

/** The URL's password, as it stands there and as it is meant. */
function passwordsOf(url: string | undefined): string[] {
  // As postgres.js would read it; a URL that is none has its password between the same marks.
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

/** Controls, invisible and direction-changing characters, and line ends that JSON leaves as they are. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The line of JSON, the same to whoever parses it, with nothing that a terminal would act on or hide. */
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

/** Fields of a server's error that name things and quote nothing (manual, 55.8). */
const NAMES = ["schema_name", "table_name", "column_name", "constraint_name", "routine"] as const;

/**
 * What is logged of a cause: where it happened, and its message, unless that can quote somebody's data. A
 * server's detail, hint, context and query are never told, since they do.
 */
export function describeCause(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause === undefined ? undefined : String(cause);
  const { code } = cause as { code?: unknown };
  if (typeof code !== "string" || !("severity" in cause)) return cause.stack ?? cause.message;
  const named = cause as unknown as Record<string, unknown>;
  return {
    sqlstate: code,
    message: QUOTING_CLASSES.has(code.slice(0, 2))
      ? "withheld, since it can quote data"
      : cause.message,
    ...Object.fromEntries(
      NAMES.flatMap((name) => named[name] === undefined ? [] : [[name, named[name]]]),
    ),
    stack: cause.stack?.split("\n").filter((line) => /^\s+at /.test(line)).join("\n"),
  };
}
