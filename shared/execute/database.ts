/** The database: a few connections an isolate, and sessions that have one to themselves. */
import { Connection, type Row } from "./connection.ts";
import { isCancelled, isConnectionLost } from "./database_errors.ts";
import { sleep } from "./patience.ts";
import { beginReadWrite, wholeTransaction } from "./transaction.ts";

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

/**
 * How often a transaction is begun, and how soon it must fail to be begun again, in milliseconds: a login can have
 * timeouts that are over before our own hold.
 */
const BEGIN_TRIES = 5;
const SOON_MS = 1_000;

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

  /** Runs statements in a transaction of their own, all in one message, and gives the last one's rows. */
  async query(text: string): Promise<Row[]> {
    const connection = await this.#take(false);
    try {
      return await runTransaction(connection, text);
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
    const session = new Session(await this.#take(true), (lost) => {
      void lost.end(0);
      return Connection.open(this.#url);
    });
    try {
      return await work(session);
    } finally {
      await session.rollback().catch(() => {
        // A connection that is gone has taken its transaction with it.
      });
      this.#giveBack(session.connection, true);
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

/** Runs one transaction in one message; where a login's own timeout is too short for that, in two. */
async function runTransaction(connection: Connection, text: string): Promise<Row[]> {
  for (let tries = 1;; tries++) {
    const started = performance.now();
    try {
      if (tries === 1) return lastRows(await connection.run(wholeTransaction(text)));
      // The server reads a message to its end before our timeout holds; this one is short.
      await connection.run(beginReadWrite());
      return lastRows(await connection.run(`${text};\ncommit`));
    } catch (error) {
      if (connection.closed) throw error;
      await connection.run("rollback");
      if (tries === BEGIN_TRIES || !endedTooSoon(error, started)) throw error;
    }
  }
}

/** The rows of the last statement that gives rows, be they none; COMMIT does not. */
const lastRows = (results: Row[][]): Row[] => results.at(-1) ?? [];

/** Whether a timeout that is not ours has ended the statement, the transaction or the session. */
const endedTooSoon = (error: unknown, started: number, soonMs = SOON_MS): boolean =>
  (isCancelled(error) || isConnectionLost(error)) && performance.now() - started < soonMs;

/**
 * A connection for one piece of work, spoken to in messages of whole statements (the simple query protocol). All
 * of them run in a transaction that `begin` or `runWhole` has set up.
 */
export class Session {
  #connection: Connection;
  readonly #renew: (lost: Connection) => Promise<Connection>;
  #open = false;

  /** @param renew Opens another connection for one that was lost while no transaction was open. */
  constructor(connection: Connection, renew: (lost: Connection) => Promise<Connection>) {
    this.#connection = connection;
    this.#renew = renew;
  }

  get connection(): Connection {
    return this.#connection;
  }

  /**
   * Sends BEGIN and what goes with it in one message; the last statement's rows are the answer. The message
   * changes nothing, so it is sent again where a login's own timeouts have ended the statement or the session.
   */
  async begin(text: string): Promise<Row[]> {
    return lastRows(await this.#first(text, SOON_MS));
  }

  /** Sends one message; the answer is the rows of its last statement. */
  async run(text: string): Promise<Row[]> {
    return lastRows(await this.runAll(text));
  }

  /** Sends one message; the answer is the rows of each statement. */
  async runAll(text: string): Promise<Row[][]> {
    if (!this.#open) throw new Error("a statement was to run outside of a transaction");
    return await this.#send(text);
  }

  /**
   * Sends a transaction from BEGIN to its end in one message; where that fails, it is still open. It must do no harm
   * when it is sent twice.
   *
   * @param timeoutMs What the message allows its statements: what is cancelled before was not cancelled by it.
   */
  async runWhole(text: string, timeoutMs = SOON_MS): Promise<Row[][]> {
    const results = await this.#first(text, Math.min(timeoutMs, SOON_MS));
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
    if (!this.#open) return;
    this.#open = false;
    if (!this.#connection.closed) await this.#send("rollback");
  }

  /** A transaction is about to begin: a connection that ended while none was open is replaced. */
  async #ready(): Promise<void> {
    if (!this.#open && this.#connection.closed) {
      this.#connection = await this.#renew(this.#connection);
    }
    this.#open = true;
  }

  /** Sends the first message of a transaction, again where something has ended it sooner than `soonMs`. */
  async #first(text: string, soonMs: number): Promise<Row[][]> {
    for (let tries = 1;; tries++) {
      const started = performance.now();
      await this.#ready();
      try {
        return await this.#send(text);
      } catch (error) {
        if (tries === BEGIN_TRIES || !endedTooSoon(error, started, soonMs)) throw error;
        await this.rollback();
      }
    }
  }

  #send(text: string): Promise<Row[][]> {
    return this.#connection.run(text);
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
