/** Which project the commands talk to, and with which key. */
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "./exit_codes.ts";
import type { Terminal } from "./terminal.ts";

const LOCAL_URL = "http://127.0.0.1:54321";

export const CONNECTION_HELP = `Environment:
  SUPABASE_URL         the project (${LOCAL_URL}, the local stack)
  SUPABASE_SECRET_KEY  its secret key (of a local project, the key that npm run serve keeps);
                       or else SUPABASE_SECRET_KEYS ({"default":"…"}), or the legacy
                       SUPABASE_SERVICE_ROLE_KEY
  LOCAL_DIR            where the local stack keeps its key (.local)
  NO_COLOR             print no colours`;

/**
 * The project and its key. The local stack's key is never sent to another machine.
 *
 * @throws {UsageError} There is no key, or a variable or file is not valid.
 */
export async function readConnection(env: Terminal["env"]): Promise<{ url: string; key: string }> {
  const url = projectUrl(env("SUPABASE_URL")?.trim() || LOCAL_URL);
  const key = keyFromEnvironment(env);
  if (key !== undefined) return { url, key };
  if (!isLocal(url)) {
    throw new UsageError(`SUPABASE_SECRET_KEY is not set: there is no key for ${url}`);
  }
  return { url, key: await keptKey(resolve(env("LOCAL_DIR") || defaultDir())) };
}

/** The message repeats nothing that could be a password. */
function projectUrl(text: string): string {
  if (/^postgres(ql)?:/i.test(text)) {
    throw new UsageError(
      "SUPABASE_URL is the URL of a database; it should be the project's, such as https://abcd.supabase.co. " +
        "The URL of the database goes into SUPABASE_DB_URL",
    );
  }
  if (URL.canParse(text) && new URL(text).password !== "") {
    throw new UsageError(
      "SUPABASE_URL has a password in it; it should be like https://abcd.supabase.co",
    );
  }
  return text;
}

function keyFromEnvironment(env: Terminal["env"]): string | undefined {
  const text = (name: string) => env(name)?.trim() || undefined;
  return text("SUPABASE_SECRET_KEY") ?? firstKey(text("SUPABASE_SECRET_KEYS")) ??
    text("SUPABASE_SERVICE_ROLE_KEY");
}

/** The key named `default`, or else the first. The message never shows the variable, which may hold a key. */
function firstKey(json: string | undefined): string | undefined {
  if (json === undefined) return undefined;
  const keys = parseObject(json);
  const key = keys && (keys.default ?? Object.values(keys)[0]);
  if (typeof key === "string" && key !== "") return key;
  throw new UsageError(
    'SUPABASE_SECRET_KEYS has no key; it should be like {"default":"sb_secret_…"}',
  );
}

async function keptKey(dir: string): Promise<string> {
  const path = join(dir, "keys.json");
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "does not exist" : "cannot be read";
    throw new UsageError(
      `no key: set SUPABASE_URL and SUPABASE_SECRET_KEY, or start the local stack with npm run serve ` +
        `(${path}, where it keeps its key, ${why})`,
      { cause },
    );
  }
  const key = parseObject(text)?.secret;
  if (typeof key === "string" && key !== "") return key;
  throw new UsageError(`${path} has no secret key; delete it and start the local stack again`);
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the URL is of this machine. */
export function isLocal(url: string): boolean {
  if (!URL.canParse(url)) return false;
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

function defaultDir(): string {
  return join(fileURLToPath(new URL("../../", import.meta.url)), ".local");
}
