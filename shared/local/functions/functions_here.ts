/** The functions in this process, for one command: no server, and nothing is deployed. */
import { randomBytes } from "node:crypto";
import process from "node:process";
import { fetchFunctions } from "./gateway.ts";

/** Variables that would lead the functions elsewhere than to the given database. */
const ELSEWHERE = [
  "RENAME_DB_URL",
  "SUPABASE_URL",
  "SUPABASE_PUBLISHABLE_KEYS",
  "SUPABASE_SERVICE_ROLE_KEY",
  "SUPABASE_ANON_KEY",
];

/**
 * What a client needs to use the functions in this process, before the database at `databaseUrl`. Changes the
 * environment of the process, which the functions read. Requests are recorded as those of the key `local`.
 */
export function functionsHere(databaseUrl: string) {
  const key = `sb_secret_${randomBytes(24).toString("base64url")}`;
  for (const name of ELSEWHERE) delete process.env[name];
  process.env.SUPABASE_DB_URL = databaseUrl;
  process.env.SUPABASE_SECRET_KEYS = JSON.stringify({ local: key });
  // Their lines would come between those of the command, which says what went wrong.
  process.env.LOG_LEVEL ||= "silent";
  const { host, pathname } = new URL(databaseUrl);
  return {
    url: "http://127.0.0.1",
    key,
    fetch: fetchFunctions(),
    /** Names the database in messages. */
    shown: `${host}${pathname}`,
  };
}
