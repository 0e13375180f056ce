/** The whole local stack: an embedded Supabase-like database, or an existing one, and the functions. */
import { join } from "node:path";
import {
  explainPort,
  type FunctionsServer,
  hasTrackingTables,
  type MakePage,
  serveFunctions,
} from "./functions/functions_server.ts";
import { migrate } from "./migrate.ts";
import { type PostgresServer, startPostgres } from "./postgres/server.ts";
import type { StackSettings } from "./settings.ts";
import { createSupabaseRoles, isSupabaseLike, makeSupabaseLike } from "./supabase_like.ts";

/** The embedded database's name, as on a hosted project. */
const DATABASE = "postgres";

export interface Stack extends FunctionsServer {
  /** The database that the functions use; the embedded one with the role postgres. */
  databaseUrl: string;
  /** The embedded server; undefined if a database was given. */
  server?: PostgresServer;
  /** Stops the gateway, then the embedded database. */
  stop(): Promise<void>;
}

/**
 * Starts the stack. Sets SUPABASE_DB_URL, SUPABASE_URL and the key variables in the environment of
 * this process, which the functions read.
 *
 * @param notice called with what was repaired or is missing, one sentence each
 * @param page Makes what answers outside of the functions' paths. Default: a list of the functions.
 * @throws {Error} why it does not start and what to do about it; nothing is left running
 */
export async function startStack(
  settings: StackSettings,
  notice: (message: string) => void = () => {},
  page?: MakePage,
): Promise<Stack> {
  let server: PostgresServer | undefined;
  let databaseUrl = settings.databaseUrl ?? "";
  try {
    const functions = await serveFunctions({ ...settings, page }, async () => {
      if (settings.databaseUrl) {
        await checkDatabase(databaseUrl, notice);
        return databaseUrl;
      }
      server = await startDatabase(settings, notice);
      databaseUrl = server.url("postgres", DATABASE);
      await prepareDatabase(server, databaseUrl);
      // It is for another database, which must not be changed from here.
      Deno.env.delete("RENAME_DB_URL");
      return databaseUrl;
    });
    return {
      ...functions,
      databaseUrl,
      ...(server && { server }),
      stop: () => functions.stop().finally(() => server?.stop()),
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
  if (await hasTrackingTables(url, "SUPABASE_DB_URL")) return;
  notice("the database has no tracking tables yet: run npm run migrate");
}
