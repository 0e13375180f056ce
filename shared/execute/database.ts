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
 * Each is a postgres.js client of one connection, used by one session at a time. Its own pool will not do:
 * a connection taken with `reserve` (3.4.9) that the server ends is given to others while it is still held,
 * so that statements of two transactions mix, and writing to it then ends the whole isolate.
 *
 * Nothing here needs a session to outlive its transaction (no named prepared statements, no session
 * settings, no LISTEN), so the connection may lead through a pooler in transaction mode.
 */
export class Database {
  readonly #url: string;
  readonly #connections = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #waiting: ((connection: Connection) => void)[] = [];

  /** @throws {Problem} `database_unavailable` where the URL cannot be read. */
  constructor(url: string) {
    this.#url = url;
    try {
      this.#idle.push(this.#add());
    } catch {
      // Without its cause, which quotes the URL and with it the password.
      throw new Problem("database_unavailable", "The database URL cannot be read.", {
        hint: "SUPABASE_DB_URL must look like postgresql://user:password@host:5432/postgres.",
      });
    }
  }

  /** Runs one message of statements outside a transaction of ours, and gives the last one's rows. */
  async query(text: string): Promise<Row[]> {
    return await this.withSession((session) => session.run(text));
  }

  /**
   * Takes a connection for as long as `work` runs; a transaction left open is rolled back. `work` must not
   * take another one: with every connection taken by such work, all would wait for ever.
   */
  async withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const connection = await this.#take();
    const session = new Session(connection);
    try {
      return await work(session);
    } finally {
      try {
        await session.rollback();
      } catch {
        // A connection that is gone has taken its transaction with it.
        connection.lost = true;
      }
      this.#giveBack(connection);
    }
  }

  /** Closes every connection, waiting at most five seconds for what runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.end(5)));
  }

  #add(): Connection {
    const connection = new Connection(this.#url);
    this.#connections.add(connection);
    return connection;
  }

  async #take(): Promise<Connection> {
    const connection = this.#idle.pop() ??
      (this.#connections.size < MAX_CONNECTIONS
        ? this.#add()
        : await new Promise<Connection>((resolve) => this.#waiting.push(resolve)));
    // One that was closed while nobody used it connects again by itself.
    connection.lost = false;
    return connection;
  }

  #giveBack(used: Connection): void {
    let connection = used;
    if (used.lost) {
      this.#connections.delete(used);
      used.end(0).catch(() => {});
      if (this.#waiting.length === 0) return;
      connection = this.#add();
    }
    connection.rest();
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else next(connection);
  }
}

/** One connection, made when it is first used. */
class Connection {
  /** Whether it went away since it was taken: then it is another one, without our transaction. */
  lost = false;
  readonly #url: string;
  #client: postgres.Sql;
  /** Whether the server has said anything on the present connection. */
  #reached = false;
  /** Whether it lay idle: then it may be gone, and what is sent first is sent again. */
  #idle = false;

  constructor(url: string) {
    this.#url = url;
    this.#client = this.#connect();
  }

  /** Sends one message; the answer is the rows of each statement. */
  async send(text: string): Promise<Row[][]> {
    if (this.lost) {
      throw Object.assign(new Error("the connection was closed"), { code: "CONNECTION_CLOSED" });
    }
    const maybeStale = this.#idle;
    this.#idle = false;
    try {
      return allRows(await this.#orTimeout(this.#client.unsafe(text).simple()));
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      this.lost = true;
      if (!maybeStale) throw error;
      this.end(0).catch(() => {});
      this.#client = this.#connect();
      this.lost = false;
      return await this.send(text);
    }
  }

  /** Says that it is out of use for now. */
  rest(): void {
    this.#idle = true;
  }

  async end(timeout: number): Promise<void> {
    await this.#client.end({ timeout });
  }

  /**
   * Gives up where no connection comes about: postgres.js (3.4.9) tries again for ever, hundreds of times a
   * second, where a server or a proxy takes connections and hangs up before the login.
   */
  async #orTimeout<T>(answer: Promise<T>): Promise<T> {
    if (this.#reached) return await answer;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      if (this.#reached) return;
      this.end(0).catch(() => {});
      reject(Object.assign(new Error("no connection in time"), { code: "CONNECT_TIMEOUT" }));
    }, CONNECT_TIMEOUT_S * 1_000);
    try {
      return await Promise.race([answer, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #connect(): postgres.Sql {
    this.#reached = false;
    const client = postgres(this.#url, {
      max: 1,
      prepare: false,
      fetch_types: false,
      connect_timeout: CONNECT_TIMEOUT_S,
      idle_timeout: IDLE_TIMEOUT_S,
      onnotice: () => {},
      onparameter: () => {
        this.#reached = true;
      },
      onclose: () => {
        if (this.#client !== client) return;
        this.lost = true;
        this.#reached = false;
      },
      connection: { application_name: "table-rename", TimeZone: "UTC" },
    });
    return client;
  }
}

/** A connection in use, spoken to in messages of whole statements (the simple query protocol). */
export class Session {
  readonly #connection: Connection;
  #open = false;

  constructor(connection: Connection) {
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
    return await this.#connection.send(text);
  }

  /** Says that the last message ended the transaction. */
  ended(): void {
    this.#open = false;
  }

  /** Rolls the transaction back, if one is open. */
  async rollback(): Promise<void> {
    if (!this.#open) return;
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
