/** The database: a few connections an isolate, and sessions that have one to themselves. */
import { Connection, type Row } from "./connection.ts";
import { isConnectionLost } from "./database_errors.ts";
import { sleep } from "./patience.ts";

export type { Row } from "./connection.ts";

/** Most connections one isolate keeps. */
const MAX_CONNECTIONS = 4;

/** Most of them that are sessions: what sessions ask beside their work must never wait for a session. */
const MAX_SESSIONS = MAX_CONNECTIONS - 1;

/** Time after which an idle connection is given back to the server, in milliseconds. */
const IDLE_TIMEOUT_MS = 20_000;

/** How long a database that hangs up is called again, and the pause before each call, in milliseconds. */
const REACH_TIME_MS = 5_000;
const REACH_PAUSE_MS = 50;

/** With it only the server's own functions, operators and types are found without a schema. */
const SAFE_PATH = "set local search_path = pg_catalog, pg_temp";

/**
 * A pool of connections to one database.
 *
 * Nothing here needs a session to outlive its transaction (no named prepared statements, no session
 * settings, no LISTEN), so the connection may lead through a pooler in transaction mode.
 */
export class Database {
  readonly #url: string;
  readonly #idle = new Map<Connection, ReturnType<typeof setTimeout>>();
  readonly #waiting: { forSession: boolean; wake: () => void }[] = [];
  #connections = 0;
  #sessions = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Runs one message of statements outside a transaction of ours, and gives the last one's rows. Its operators
   * are looked up where ours are, not in schemas of the project: a message of several statements is a transaction
   * of its own (PostgreSQL manual, 55.2.2.1), and one that it begins itself goes on in that.
   */
  async query(text: string): Promise<Row[]> {
    const connection = await this.#take(false);
    try {
      return (await connection.run(`${SAFE_PATH};\n${text}`)).at(-1) ?? [];
    } finally {
      this.#giveBack(connection, false);
    }
  }

  /** Does what can be done twice, such as reading, again on another connection where one breaks. */
  async whileReachable<T>(work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const over = performance.now() - started > REACH_TIME_MS;
        if (over || !isConnectionLost(error)) throw error;
      }
      await sleep(REACH_PAUSE_MS);
    }
  }

  /** Takes a connection for as long as `work` runs; a transaction left open is rolled back. */
  async withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const connection = await this.#take(true);
    const session = new Session(connection);
    try {
      return await work(session);
    } finally {
      await session.rollback().catch(() => {
        // A connection that is gone has taken its transaction with it.
      });
      this.#giveBack(connection, true);
    }
  }

  /** Closes the connections that are not in use. */
  async close(): Promise<void> {
    const idle = [...this.#idle];
    this.#idle.clear();
    this.#connections -= idle.length;
    await Promise.all(idle.map(([connection, timer]) => {
      clearTimeout(timer);
      return connection.end();
    }));
  }

  async #take(forSession: boolean): Promise<Connection> {
    for (;;) {
      if (!forSession || this.#sessions < MAX_SESSIONS) {
        const connection = await this.#takeNow(forSession);
        if (connection !== null) return connection;
      }
      await new Promise<void>((wake) => this.#waiting.push({ forSession, wake }));
    }
  }

  async #takeNow(forSession: boolean): Promise<Connection | null> {
    for (const [connection, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(connection);
      if (forSession) this.#sessions++;
      if (!connection.closed && await connection.answers()) return connection;
      if (forSession) this.#sessions--;
      this.#connections--;
      void connection.end(0);
    }
    if (this.#connections >= MAX_CONNECTIONS) return null;
    this.#connections++;
    if (forSession) this.#sessions++;
    try {
      return await Connection.open(this.#url);
    } catch (error) {
      this.#connections--;
      if (forSession) this.#sessions--;
      this.#wakeOne();
      throw error;
    }
  }

  #giveBack(connection: Connection, ofSession: boolean): void {
    if (ofSession) this.#sessions--;
    if (connection.closed) {
      this.#connections--;
      void connection.end(0);
    } else {
      const timer = setTimeout(() => {
        this.#idle.delete(connection);
        this.#connections--;
        void connection.end();
      }, IDLE_TIMEOUT_MS);
      this.#idle.set(connection, timer);
    }
    this.#wakeOne();
  }

  /** The one who has waited longest and may go on. */
  #wakeOne(): void {
    const index = this.#waiting.findIndex(({ forSession }) =>
      !forSession || this.#sessions < MAX_SESSIONS
    );
    if (index >= 0) this.#waiting.splice(index, 1)[0].wake();
  }
}

/** One connection, spoken to in messages of whole statements (the simple query protocol). */
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
    return await this.#connection.run(text);
  }

  /** Sends a transaction from BEGIN to its end in one message; where that fails, it is still open. */
  async runWhole(text: string): Promise<Row[][]> {
    this.#open = true;
    const results = await this.runAll(text);
    this.#open = false;
    return results;
  }

  /** Gives the connection up; what was sent last fails, as if it had broken. */
  breakOff(): void {
    this.#connection.breakOff();
  }

  /** Says that the last message ended the transaction. */
  ended(): void {
    this.#open = false;
  }

  /** Rolls the transaction back, if one is open. */
  async rollback(): Promise<void> {
    if (!this.#open || this.#connection.closed) return;
    this.#open = false;
    await this.run("rollback");
  }
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
