/** The whole local stack: an embedded Supabase-like database, or an existing one, and the functions. */
import { join } from "node:path";
import postgres from "postgres";
import { startGateway } from "./gateway.ts";
import { provideKeys } from "./keys.ts";
import { migrate } from "./migrate.ts";
import { findFreePort, PortInUseError, requireFreePort } from "./port.ts";
import { type PostgresServer, startPostgres } from "./postgres/server.ts";
import type { StackSettings } from "./settings.ts";
import { createSupabaseRoles, isSupabaseLike, makeSupabaseLike } from "./supabase_like.ts";

/** The embedded database's name, as on a hosted project. */
const DATABASE = "postgres";

export interface Stack {
  /** Of the gateway: `http://127.0.0.1:PORT`. */
  url: string;
  /** The database that the functions use; the embedded one with the role postgres. */
  databaseUrl: string;
  /** The embedded server; undefined if a database was given. */
  server?: PostgresServer;
  /** For calling the functions. */
  secretKey: string;
  publishableKey?: string;
  /** Stops the gateway, then the embedded database. */
  stop(): Promise<void>;
}

/**
 * Starts the stack. Sets SUPABASE_DB_URL, SUPABASE_URL and the key variables in the environment of
 * this process, which the functions read.
 *
 * @param notice called with what was repaired or is missing, one sentence each
 * @throws {Error} why it does not start and what to do about it; nothing is left running
 */
export async function startStack(
  settings: StackSettings,
  notice: (message: string) => void = () => {},
): Promise<Stack> {
  const port = settings.port || findFreePort();
  await explainPort("PORT", () => requireFreePort(port));
  const keys = await provideKeys(settings.dir);
  const server = settings.databaseUrl ? undefined : await startDatabase(settings, notice);
  try {
    const databaseUrl = settings.databaseUrl ?? server!.url("postgres", DATABASE);
    if (server) await prepareDatabase(server, databaseUrl);
    else await checkDatabase(databaseUrl, notice);
    Deno.env.set("SUPABASE_DB_URL", databaseUrl);
    // It is for another database, which must not be changed from here.
    if (server) Deno.env.delete("RENAME_DB_URL");
    if (!Deno.env.get("SUPABASE_URL")) Deno.env.set("SUPABASE_URL", `http://127.0.0.1:${port}`);
    const gateway = await explainPort("PORT", () => startGateway({ port }));
    return {
      url: gateway.url,
      databaseUrl,
      ...(server && { server }),
      secretKey: keys.secret,
      ...(keys.publishable && { publishableKey: keys.publishable }),
      async stop() {
        await gateway.stop().finally(() => server?.stop());
      },
    };
  } catch (error) {
    await server?.stop();
    throw error;
  }
}

function startDatabase(
  settings: StackSettings,
  notice: (message: string) => void,
): Promise<PostgresServer> {
  const version = settings.postgresVersion;
  return explainPort("PG_PORT", () =>
    startPostgres({
      version,
      port: settings.postgresPort,
      dir: join(settings.dir, `postgres-${version}`),
      notice,
    }));
}

async function prepareDatabase(server: PostgresServer, databaseUrl: string): Promise<void> {
  await createSupabaseRoles(server);
  if (!(await isSupabaseLike(server, DATABASE))) await makeSupabaseLike(server, DATABASE);
  await migrate(databaseUrl);
}

/** The given database is not changed: its owner decides when it is migrated. */
async function checkDatabase(url: string, notice: (message: string) => void): Promise<void> {
  const sql = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} });
  try {
    const [{ migrated }] =
      await sql`SELECT to_regclass('public.sys_table_migrations') IS NOT NULL AS migrated`;
    if (!migrated) notice("the database has no tracking tables yet: run npm run migrate");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the database SUPABASE_DB_URL cannot be used: ${reason}`, { cause });
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Runs `start`; if the port is in use, the error names the variable for another one. */
async function explainPort<T>(variable: string, start: () => T | Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof PortInUseError)) throw error;
    throw new Error(`${error.message}; choose another with ${variable}=…`, { cause: error });
  }
}
