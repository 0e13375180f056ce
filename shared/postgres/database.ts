/** The database: a few connections an isolate, and sessions that have one to themselves. */
import { millisecondsLiteral } from "../sql/quoting.ts";
import { Connection, type Row } from "./connection.ts";
import { isCancelled, isConnectionLost } from "./database_errors.ts";
import { type Limits, remainingMs } from "./limits.ts";
import { sleep } from "./retry_budget.ts";
import { beginReadWrite, wholeTransaction } from "./transaction.ts";
import { type Turn, Turns, type Wish } from "./turns.ts";

export type { Row } from "./connection.ts";

/** Time after which an idle connection is given back to the server, in milliseconds. */
const IDLE_TIMEOUT_MS = 20_000;

/**
 * A connection that lay idle for longer is asked whether it still answers, in milliseconds: before that the end of one
 * is noticed when it comes, and to ask would be half of what a single message costs.
 */
const FRESH_MS = 500;

/** An idle connection: since when, and the timer that ends it. */
interface Idle {
  since: number;
  timer: ReturnType<typeof setTimeout>;
}

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
 * A single message takes its connection from others while it runs. It waits for no lock that somebody keeps, or a
 * session that keeps it could wait for the connection; and it comes to an end.
 */
const QUERY_LOCK_TIMEOUT_MS = 1_000;
const QUERY_SILENCE_MS = 60_000;

/** Longest wait of a single message, or of what only reads, for its turn, in milliseconds. */
export const MAX_TURN_MS = 30_000;

/**
 * Time after its end at which a connection that says nothing is given up, in milliseconds: the server has its own
 * timeouts before that, so it is the network that is silent.
 */
const SILENCE_MS = 2_000;

/** How a session comes to its connection, and how long it may have it. */
export interface SessionWish extends Wish {
  lane: "change" | "read";
  limits: Limits;
}

/**
 * A pool of connections to one database.
 *
 * Nothing here needs a session to outlive its transaction (no named prepared statements, no session
 * settings, no LISTEN), so the connection may lead through a pooler in transaction mode.
 */
export class Database {
  readonly #url: string;
  readonly #turns: Turns;
  readonly #idle: Map<Connection, Idle>;
  #since: number | undefined;

  /** @param request Shares another pool's connections, for a request that began then. */
  constructor(url: string, request?: { pool: Database; since: number }) {
    this.#url = url;
    this.#turns = request ? request.pool.#turns : new Turns();
    this.#idle = request ? request.pool.#idle : new Map();
    this.#since = request?.since;
  }

  /** The same pool for one request: what an older request asks comes before what a younger one asks. */
  forRequest({ started }: Pick<Limits, "started">): Database {
    return new Database(this.#url, { pool: this, since: started });
  }

  /** From now on what the request asks comes before whatever others ask: it only has to bring itself to its end. */
  goFirst(): void {
    if (this.#since !== undefined) this.#since = 0;
  }

  /**
   * Runs statements in a transaction of their own, all in one message, and gives the last one's rows.
   *
   * @param signal Ends the wait for a connection; what runs already is not stopped.
   * @throws {NoTurn} Where no connection was free in time.
   */
  async query(text: string, signal?: AbortSignal): Promise<Row[]> {
    return await this.#withTurn({ lane: "query", waitMs: MAX_TURN_MS, signal }, async () => {
      const connection = await this.#connect();
      const silent = setTimeout(() => connection.breakOff(), QUERY_SILENCE_MS + SILENCE_MS);
      try {
        const bounded = `set local lock_timeout = ${
          millisecondsLiteral(QUERY_LOCK_TIMEOUT_MS)
        };\n${text}`;
        return await runTransaction(connection, bounded);
      } finally {
        clearTimeout(silent);
        this.#keep(connection);
      }
    });
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

  /**
   * Takes a connection for as long as `work` runs; a transaction left open is rolled back. `work` takes no other
   * session: it would wait for what it has itself.
   *
   * @throws {NoTurn} Where no connection was free in time.
   */
  async withSession<T>(
    { limits, ...wish }: SessionWish,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    return await this.#withTurn(wish, async ({ isAwaited }) => {
      const renew = (lost: Connection) => {
        void lost.end(0);
        return Connection.open(this.#url);
      };
      const session = new Session(await this.#connect(), renew, isAwaited);
      const silent = setTimeout(() => session.breakOff(), remainingMs(limits) + SILENCE_MS);
      try {
        return await work(session);
      } finally {
        await session.rollback().catch(() => {
          // A connection that is gone has taken its transaction with it.
        });
        clearTimeout(silent);
        this.#keep(session.connection);
      }
    });
  }

  /** Closes the connections that are not in use. */
  async close(): Promise<void> {
    const idle = [...this.#idle];
    this.#idle.clear();
    await Promise.all(idle.map(([connection, { timer }]) => {
      clearTimeout(timer);
      return connection.end();
    }));
  }

  async #withTurn<T>(wish: Wish, work: (turn: Turn) => Promise<T>): Promise<T> {
    const turn = await this.#turns.take({ since: this.#since, ...wish });
    try {
      return await work(turn);
    } finally {
      turn.giveBack();
    }
  }

  /** Whoever has a turn finds a connection that lies idle, or opens one: there are never more than turns. */
  async #connect(): Promise<Connection> {
    for (const [connection, { since, timer }] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(connection);
      const fresh = performance.now() - since < FRESH_MS;
      if (!connection.closed && (fresh || await connection.answers())) return connection;
      void connection.end(0);
    }
    return await Connection.open(this.#url);
  }

  #keep(connection: Connection): void {
    if (connection.closed) return void connection.end(0);
    const timer = setTimeout(() => {
      this.#idle.delete(connection);
      void connection.end();
    }, IDLE_TIMEOUT_MS);
    this.#idle.set(connection, { since: performance.now(), timer });
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
  readonly #isAwaited: () => boolean;
  #open = false;

  /**
   * @param renew Opens another connection for one that was lost while no transaction was open.
   * @param isAwaited Whether another request waits that should have the connection now.
   */
  constructor(
    connection: Connection,
    renew: (lost: Connection) => Promise<Connection>,
    isAwaited: () => boolean,
  ) {
    this.#connection = connection;
    this.#renew = renew;
    this.#isAwaited = isAwaited;
  }

  /** Whether another request waits that should have the connection now. */
  get isAwaited(): boolean {
    return this.#isAwaited();
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
