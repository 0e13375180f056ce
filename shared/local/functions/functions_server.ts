/** The functions on this machine, before a database that runs already. */
import process from "node:process";
import postgres from "postgres";
import { startGateway } from "./gateway.ts";
import { reachedAt } from "./http_server.ts";
import { provideKeys } from "../keys.ts";
import { findFreePort, PortInUseError, requireFreePort } from "../port.ts";

export interface FunctionsServer {
  /** Of the gateway: `http://127.0.0.1:PORT`. */
  url: string;
  /** For calling the functions. */
  secretKey: string;
  publishableKey?: string;
  stop(): Promise<void>;
}

interface FunctionsSettings {
  /** 0: a free one. */
  port: number;
  /** Where the keys are kept. */
  dir: string;
  /** How another port is chosen, for messages. Default: `PORT`. */
  portOption?: string;
  /** The address to listen on. Default: 127.0.0.1. */
  hostname?: string;
  /** Makes what answers outside of the functions' paths. Default: a list of the functions. */
  page?: MakePage;
}

/** Makes the handler of a page that calls the functions. */
export type MakePage = (
  functions: { url: string; port: number; secretKey: string },
) => (request: Request) => Promise<Response>;

/**
 * Serves the functions. Sets SUPABASE_DB_URL, SUPABASE_URL and the key variables in the environment of this process,
 * which the functions read.
 *
 * @param prepare Makes the database ready, and gives its URL. It is called once the port is known to be free.
 * @throws {Error} why it does not start and what to do about it; nothing is left running
 */
export async function serveFunctions(
  { port: wanted, dir, portOption = "PORT", hostname = "127.0.0.1", page }: FunctionsSettings,
  prepare: () => Promise<string>,
): Promise<FunctionsServer> {
  const port = wanted || await findFreePort();
  await explainPort(portOption, () => requireFreePort(port));
  const keys = await provideKeys(dir);
  process.env.SUPABASE_DB_URL = await prepare();
  // The page sends the key there.
  const url = reachedAt({ hostname, port });
  process.env.SUPABASE_URL ||= url;
  const served = page?.({ url, port, secretKey: keys.secret });
  const gateway = await explainPort(
    portOption,
    () => startGateway({ port, hostname, ...(served && { page: served }) }),
  );
  return {
    url: gateway.url,
    secretKey: keys.secret,
    ...(keys.publishable && { publishableKey: keys.publishable }),
    stop: () => gateway.stop(),
  };
}

/**
 * Looks at the given database, which is not changed: its owner decides when it is migrated.
 *
 * @param name What the database was given as, for the message.
 * @returns Whether it has the tracking tables.
 * @throws {Error} It cannot be used.
 */
export async function hasTrackingTables(url: string, name: string): Promise<boolean> {
  let sql: postgres.Sql | undefined;
  try {
    sql = postgres(url, { max: 1, connect_timeout: 10, onnotice: () => {} });
    const [{ migrated }] =
      await sql`SELECT to_regclass('public.sys_table_migrations') IS NOT NULL AS migrated`;
    return migrated;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the database ${name} cannot be used: ${reason}`, { cause });
  } finally {
    await sql?.end({ timeout: 1 });
  }
}

/** Runs `start`; if the port is in use, the error says how to choose another one. */
export async function explainPort<T>(option: string, start: () => T | Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof PortInUseError)) throw error;
    throw new Error(`${error.message}; choose another with ${option}=…`, { cause: error });
  }
}
