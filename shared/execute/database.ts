/** The database: one small pool an isolate, and sessions taken from it. */
import postgres from "postgres";
import { Problem } from "../contract/problems.ts";
import { isConnectionLost } from "./database_errors.ts";

/** A row as the simple protocol gives it: numbers, booleans and JSON parsed, the rest as text. */
export type Row = Record<string, unknown>;

/** Most connections one isolate keeps: one works, one looks at who blocks, one for what comes beside. */
const MAX_CONNECTIONS = 3;

/** Seconds to wait for a connection. */
const CONNECT_TIMEOUT_S = 10;

/** Seconds after which an idle connection is given back to the server. */
const IDLE_TIMEOUT_S = 20;

/**
 * A pool of connections to one database.
 *
 * postgres.js 3.4 must fetch types here: without that, `reserve` never resolves on a new connection.
 * Nothing here needs a session to outlive its transaction (no named prepared statements, no session
 * settings, no LISTEN), so the connection may lead through a pooler in transaction mode.
 */
export class Database {
  readonly #pool: postgres.Sql;

  /** @throws {Problem} `database_unavailable` where the URL cannot be read. */
  constructor(url: string) {
    try {
      this.#pool = postgres(url, {
        max: MAX_CONNECTIONS,
        prepare: false,
        connect_timeout: CONNECT_TIMEOUT_S,
        idle_timeout: IDLE_TIMEOUT_S,
        onnotice: () => {},
        connection: { application_name: "table-rename", TimeZone: "UTC" },
      });
    } catch (cause) {
      throw new Problem("database_unavailable", "The database URL cannot be read.", {
        hint: "SUPABASE_DB_URL must look like postgresql://user:password@host:5432/postgres.",
        cause,
      });
    }
  }

  /** Runs one message of statements outside a transaction of ours, and gives the last one's rows. */
  async query(text: string): Promise<Row[]> {
    return allRows(await this.#pool.unsafe(text).simple()).at(-1) ?? [];
  }

  /** Takes a connection for as long as `work` runs; a transaction left open is rolled back. */
  async withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const connection = await this.#pool.reserve();
    const session = new Session(connection);
    try {
      return await work(session);
    } finally {
      await session.rollback().catch(() => {
        // A connection that is gone has taken its transaction with it.
      });
      // postgres.js takes a broken connection back by itself, and must not be given it again.
      if (!session.lost) connection.release();
    }
  }

  /** Closes every connection, waiting at most five seconds for what runs. */
  async close(): Promise<void> {
    await this.#pool.end({ timeout: 5 });
  }
}

/** One connection, spoken to in messages of whole statements (the simple query protocol). */
export class Session {
  readonly #connection: postgres.ReservedSql;
  #open = false;
  #lost = false;

  constructor(connection: postgres.ReservedSql) {
    this.#connection = connection;
  }

  /** Sends BEGIN and what goes with it in one message; the last statement's rows are the answer. */
  async begin(text: string): Promise<Row[]> {
    this.#open = true;
    return await this.run(text);
  }

  /** Sends one message; the answer is the rows of its last statement. */
  async run(text: string): Promise<Row[]> {
    return (await this.runAll(text)).at(-1) ?? [];
  }

  /** Sends one message; the answer is the rows of each statement. */
  async runAll(text: string): Promise<Row[][]> {
    try {
      return allRows(await this.#connection.unsafe(text).simple());
    } catch (error) {
      if (isConnectionLost(error)) this.#lost = true;
      throw error;
    }
  }

  /** Whether the connection broke. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Says that the last message ended the transaction. */
  ended(): void {
    this.#open = false;
  }

  /** Rolls the transaction back, if one is open. */
  async rollback(): Promise<void> {
    if (!this.#open || this.#lost) return;
    this.#open = false;
    await this.run("rollback");
  }
}

/** postgres.js gives the rows of a message with one statement, and an array of them for several. */
function allRows(result: unknown): Row[][] {
  const results = result as Row[] | Row[][];
  return Array.isArray(results[0]) ? results as Row[][] : [results as Row[]];
}

const databases = new Map<string, Database>();

/** The pool for a URL, made once an isolate. */
export function databaseAt(url: string): Database {
  let database = databases.get(url);
  if (database === undefined) {
    database = new Database(url);
    databases.set(url, database);
  }
  return database;
}

/** Closes the pool that `databaseAt` made for a URL. */
export async function forgetDatabase(url: string): Promise<void> {
  const database = databases.get(url);
  databases.delete(url);
  await database?.close();
}
