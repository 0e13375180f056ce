/** The ways to rename tables that are measured side by side. Each does it once, and again after `putBack`. */
import { fileURLToPath } from "node:url";
import { runner as migrate } from "node-pg-migrate";
import pg from "pg";
import postgres from "postgres";
import { startFunction } from "./function_process.ts";
import { handWritten, type Pair } from "./tables.ts";

export interface Competitor extends AsyncDisposable {
  name: string;
  /** Renames; the answer is how long the locks were held as the server's clock says, if that is known. */
  rename(): Promise<number | undefined>;
  /** Gives its connections up, so that the next rename makes new ones. */
  disconnect(): Promise<void>;
}

export const OURS = "rename function";
export const ONE_MESSAGE = "hand-written SQL, one message";
export const ROUND_TRIPS = "hand-written SQL, statement by statement";
export const NODE_PG_MIGRATE = "node-pg-migrate";

export type Start = (url: string, tables: Pair[]) => Promise<Competitor>;

export const startOurs: Start = async (url, tables) => {
  const process = await startFunction(url);
  return {
    name: OURS,
    rename: async () => (await process.rename({ renames: tables })).lock?.held_ms,
    disconnect: () => process.disconnect(),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
};

const CLOCK = "select extract(epoch from clock_timestamp()) * 1000 as clock";

/** The floor: nothing between lock and COMMIT but the rename itself. */
export const startOneMessage: Start = async (url, tables) => {
  // Two looks at the clock: the lock is there once the first ALTER TABLE is done, and gone after COMMIT.
  const [begin, timeout, first, ...rest] = handWritten(tables);
  const message = [begin, timeout, first, CLOCK, ...rest, CLOCK].join(";\n");
  const connection = startConnection(url);
  await connection.run("select 1");
  return {
    name: ONE_MESSAGE,
    async rename() {
      const results = await connection.run(message) as unknown as { clock: string }[][];
      const [locked, committed] = results.flatMap((rows) => rows[0]?.clock ?? []).map(Number);
      return committed - locked;
    },
    disconnect: connection.close,
    [Symbol.asyncDispose]: connection.close,
  };
};

export const startRoundTrips: Start = async (url, tables) => {
  const statements = handWritten(tables);
  const connection = startConnection(url);
  await connection.run("select 1");
  return {
    name: ROUND_TRIPS,
    async rename() {
      for (const statement of statements) await connection.run(statement);
      return undefined;
    },
    disconnect: connection.close,
    [Symbol.asyncDispose]: connection.close,
  };
};

export const startNodePgMigrate: Start = async (url) => {
  let client: pg.Client | undefined;
  const close = async () => {
    await client?.end();
    client = undefined;
  };
  const connected = async () => {
    if (client === undefined) {
      client = new pg.Client(url);
      await client.connect();
    }
    return client;
  };
  await connected();
  return {
    name: NODE_PG_MIGRATE,
    async rename() {
      const dbClient = await connected();
      await migrate({
        dbClient,
        dir: fileURLToPath(new URL("./node_pg_migrate", import.meta.url)),
        migrationsTable: "pgmigrations",
        direction: "up",
        log: () => {},
      });
      await dbClient.query("delete from pgmigrations");
      return undefined;
    },
    disconnect: close,
    [Symbol.asyncDispose]: close,
  };
};

/** One connection, made when it is first needed. */
function startConnection(url: string) {
  let sql: postgres.Sql | undefined;
  return {
    async run(text: string) {
      sql ??= postgres(url, { max: 1, prepare: false, fetch_types: false, onnotice: () => {} });
      return await sql.unsafe(text).simple();
    },
    async close() {
      await sql?.end({ timeout: 1 });
      sql = undefined;
    },
  };
}
