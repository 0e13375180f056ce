/**
 * The API keys of the local stack, in the environment that the platform gives to functions:
 * `SUPABASE_SECRET_KEYS` and `SUPABASE_PUBLISHABLE_KEYS`, JSON objects of key names and keys.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";

interface ApiKeys {
  /** Allows everything, like a service role key. */
  secret: string;
  /** For browsers and apps; undefined if only secret keys were given. */
  publishable?: string;
}

interface Environment {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

const PROCESS_ENVIRONMENT: Environment = {
  get: (name) => process.env[name],
  set: (name, value) => void (process.env[name] = value),
};

const VARIABLES = {
  secret: "SUPABASE_SECRET_KEYS",
  publishable: "SUPABASE_PUBLISHABLE_KEYS",
} as const;

/**
 * The keys of the environment. If it has no secret key: those of `keys.json` in the folder `dir`, which is made if it
 * does not exist, and which only its owner can read; they are also set in the environment.
 *
 * @throws {Error} the variable or the file does not hold what it should
 */
export async function provideKeys(
  dir: string,
  env: Environment = PROCESS_ENVIRONMENT,
): Promise<ApiKeys> {
  const given = env.get(VARIABLES.secret);
  if (given) {
    const publishable = env.get(VARIABLES.publishable);
    return {
      secret: firstKey(given, VARIABLES.secret),
      ...(publishable && { publishable: firstKey(publishable, VARIABLES.publishable) }),
    };
  }
  const keys = await keptKeys(dir);
  env.set(VARIABLES.secret, JSON.stringify({ default: keys.secret }));
  env.set(VARIABLES.publishable, JSON.stringify({ default: keys.publishable }));
  return keys;
}

async function keptKeys(dir: string): Promise<Required<ApiKeys>> {
  const path = join(dir, "keys.json");
  const text = await readFile(path, "utf8").catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text !== undefined) return readKept(text, path);
  const keys = { secret: makeKey("sb_secret_"), publishable: makeKey("sb_publishable_") };
  await mkdir(dir, { recursive: true });
  // Written under another name first, so that the file is never incomplete.
  const partial = `${path}.${process.pid}`;
  await writeFile(partial, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  await rename(partial, path);
  return keys;
}

function readKept(text: string, path: string): Required<ApiKeys> {
  const { secret, publishable } = parseObject(text, path);
  if (typeof secret !== "string" || typeof publishable !== "string") {
    throw new Error(`${path} does not hold the local keys; delete it to have new ones made`);
  }
  return { secret, publishable };
}

/** The key named `default`, or else the first. */
function firstKey(json: string, variable: string): string {
  const keys = parseObject(json, variable);
  const key = keys.default ?? Object.values(keys)[0];
  if (typeof key !== "string" || key === "") {
    throw new Error(`${variable} names no key; it should look like {"default":"sb_secret_…"}`);
  }
  return key;
}

/** The message does not quote the text, since it contains keys. */
function parseObject(json: string, where: string): Record<string, unknown> {
  try {
    const value = JSON.parse(json);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Reported below.
  }
  throw new Error(`${where} is not a JSON object`);
}

/** Like the platform's keys: 22 random characters, and 8 more in the place of its checksum. */
function makeKey(prefix: string): string {
  const random = (bytes: number) => randomBytes(bytes).toString("base64url");
  return `${prefix}${random(16)}_${random(6)}`;
}
