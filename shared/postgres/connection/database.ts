/** The database: a pool of a few connections per isolate, and sessions that have a connection to themselves. */
import { Connection, type Row } from "./connection.ts";
import { ConnectionSlots, type Slot, type SlotRequest } from "./connection_slots.ts";
import { isCancelled, isConnectionLost } from "../database_errors.ts";
import { type Limits, remainingMs, sleep } from "../limits.ts";
import { beginReadWrite, setLockTimeout, wholeTransaction } from "../transaction.ts";

export type { Row } from "./connection.ts";

/** Time after which an idle connection is closed, in milliseconds. */
const IDLE_TIMEOUT_MS = 20_000;

/**
 * How long a connection may be idle and be used without a ping, in milliseconds. A ping would double the time of a
 * single message, and a connection that ends so soon is usually noticed.
 */
const FRESH_MS = 500;

/** How long, and at which intervals, work is repeated whose connection breaks, in milliseconds. */
const REACH_TIME_MS = 5_000;
const REACH_PAUSE_MS = 50;

/**
 * How often a transaction is begun, and how soon it must fail to be begun again, in milliseconds: a login can have
 * timeouts so short that they end it before our own settings apply.
 */
const BEGIN_TRIES = 5;
const SOON_MS = 1_000;

/**
 * A single message has a connection that others need. So its waits for locks are short (the lock's holder could be
 * waiting for the connection), and it ends after this time without an answer.
 */
const QUERY_LOCK_TIMEOUT_MS = 1_000;
const QUERY_TIMEOUT_MS = 60_000;

/** Longest wait of a single message, or of a session that only reads, for a connection, in milliseconds. */
export const MAX_QUEUE_MS = 30_000;

/** Time after the deadline at which a silent connection is closed, in milliseconds: the server's own timeouts are shorter, so the network is down. */
const GRACE_MS = 2_000;

/** An idle connection: since when, and the timer that ends it. */
interface Idle {
  since: number;
  timer: ReturnType<typeof setTimeout>;
}

/** How a session gets its connection, and how long it may have it. */
export interface SessionRequest extends SlotRequest {
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
  readonly #slots: ConnectionSlots;
  readonly #idle: Map<Connection, Idle>;
  #since: number | undefined;

  /** @param request Shares another pool's connections, for a request that began at `since`. */
  constructor(url: string, request?: { pool: Database; since: number }) {
    this.#url = url;
    this.#slots = request ? request.pool.#slots : new ConnectionSlots();
    this.#idle = request ? request.pool.#idle : new Map();
    this.#since = request?.since;
  }

  /** The same pool for one request; older requests get connections before younger ones. */
  forRequest({ started }: Pick<Limits, "started">): Database {
    return new Database(this.#url, { pool: this, since: started });
  }

  /** From now on this request gets connections before all others, so that it can finish. */
  goFirst(): void {
    if (this.#since !== undefined) this.#since = 0;
  }

  /**
   * Runs statements in a transaction of their own, all in one message, and returns the last one's rows.
   *
   * @param signal Ends the wait for a connection; it does not stop a message that was sent.
   * @throws {NoFreeConnection}
   */
  async query(text: string, signal?: AbortSignal): Promise<Row[]> {
    return await this.#withSlot({ lane: "query", waitMs: MAX_QUEUE_MS, signal }, async () => {
      const connection = await this.#connect();
      const timer = setTimeout(() => connection.breakOff(), QUERY_TIMEOUT_MS + GRACE_MS);
      try {
        const bounded = `${setLockTimeout(QUERY_LOCK_TIMEOUT_MS)};\n${text}`;
        return await runTransaction(connection, bounded);
      } finally {
        clearTimeout(timer);
        this.#keep(connection);
      }
    });
  }

  /** Repeats work that may be done twice, such as reading, if its connection breaks. */
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
   * Runs `work` with a connection of its own; a transaction that is left open is rolled back. `work` must not ask for
   * another session: it would wait for its own.
   *
   * @throws {NoFreeConnection}
   */
  async withSession<T>(
    { limits, ...request }: SessionRequest,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    return await this.#withSlot(request, async ({ isAwaited }) => {
      const reconnect = (lost: Connection) => {
        void lost.end(0);
        return Connection.open(this.#url);
      };
      const session = new Session(await this.#connect(), reconnect, isAwaited);
      const timer = setTimeout(() => session.breakOff(), remainingMs(limits) + GRACE_MS);
      try {
        return await work(session);
      } finally {
        await session.rollback().catch(() => {
          // If the connection is lost, so is its transaction.
        });
        clearTimeout(timer);
        this.#keep(session.connection);
      }
    });
  }

  /** Closes the idle connections. */
  async close(): Promise<void> {
    const idle = [...this.#idle];
    this.#idle.clear();
    await Promise.all(idle.map(([connection, { timer }]) => {
      clearTimeout(timer);
      return connection.end();
    }));
  }

  async #withSlot<T>(request: SlotRequest, work: (slot: Slot) => Promise<T>): Promise<T> {
    const slot = await this.#slots.acquire({ since: this.#since, ...request });
    try {
      return await work(slot);
    } finally {
      slot.release();
    }
  }

  /** An idle connection, or a new one. The caller has a slot, so there are never more connections than slots. */
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

/** Runs one transaction in one message; in two, if a login's own timeout is too short for that. */
async function runTransaction(connection: Connection, text: string): Promise<Row[]> {
  for (let tries = 1;; tries++) {
    const started = performance.now();
    try {
      if (tries === 1) return lastRows(await connection.run(wholeTransaction(text)));
      // The server parses a message completely before our timeout applies; this one is short.
      await connection.run(beginReadWrite());
      return lastRows(await connection.run(`${text};\ncommit`));
    } catch (error) {
      if (connection.closed) throw error;
      await connection.run("rollback");
      if (tries === BEGIN_TRIES || !endedTooSoon(error, started)) throw error;
    }
  }
}

/** The rows of the last statement that can have rows; COMMIT cannot. */
const lastRows = (results: Row[][]): Row[] => results.at(-1) ?? [];

/** Whether a timeout that is not ours has ended the statement, the transaction or the session. */
const endedTooSoon = (error: unknown, started: number, soonMs = SOON_MS): boolean =>
  (isCancelled(error) || isConnectionLost(error)) && performance.now() - started < soonMs;

/**
 * A connection for one piece of work. Messages are whole statements (the simple query protocol), and all of them run in
 * a transaction that `begin` or `runWhole` has set up.
 */
export class Session {
  #connection: Connection;
  readonly #reconnect: (lost: Connection) => Promise<Connection>;
  readonly #isAwaited: () => boolean;
  #open = false;

  /**
   * @param reconnect Replaces a connection that was lost while no transaction was open.
   * @param isAwaited Whether a waiting request should have the connection now.
   */
  constructor(
    connection: Connection,
    reconnect: (lost: Connection) => Promise<Connection>,
    isAwaited: () => boolean,
  ) {
    this.#connection = connection;
    this.#reconnect = reconnect;
    this.#isAwaited = isAwaited;
  }

  /** Whether a waiting request should have the connection now. */
  get isAwaited(): boolean {
    return this.#isAwaited();
  }

  get connection(): Connection {
    return this.#connection;
  }

  /**
   * Sends BEGIN and the statements that belong to it in one message, and returns the last one's rows. They change
   * nothing, so they are sent again if a login's own timeouts end the statement or the session.
   */
  async begin(text: string): Promise<Row[]> {
    return lastRows(await this.#sendFirst(text, SOON_MS));
  }

  /** Sends one message, and returns the rows of its last statement. */
  async run(text: string): Promise<Row[]> {
    return lastRows(await this.runAll(text));
  }

  /** Sends one message, and returns the rows of each statement. */
  async runAll(text: string): Promise<Row[][]> {
    this.#requireOpen();
    return await this.#connection.run(text);
  }

  /** Sends one message; the rows of each statement are promised once all of it is on its way. */
  async send(text: string): Promise<{ answer: Promise<Row[][]> }> {
    this.#requireOpen();
    return await this.#connection.send(text);
  }

  #requireOpen(): void {
    if (!this.#open) throw new Error("a statement was to run outside of a transaction");
  }

  /**
   * Sends a transaction from BEGIN to its end in one message, which may be executed twice; if it fails, the
   * transaction is still open.
   *
   * @param timeoutMs The statement timeout that the message sets: a statement that is cancelled earlier was not
   *   cancelled by it.
   */
  async runWhole(text: string, timeoutMs = SOON_MS): Promise<Row[][]> {
    const results = await this.#sendFirst(text, Math.min(timeoutMs, SOON_MS));
    this.#open = false;
    return results;
  }

  /** Closes the connection at once; the last message fails. */
  breakOff(): void {
    this.#connection.breakOff();
  }

  /** To be called when the last message has ended the transaction. */
  ended(): void {
    this.#open = false;
  }

  /** Rolls the transaction back, if one is open. */
  async rollback(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    if (!this.#connection.closed) await this.#connection.run("rollback");
  }

  /** Sends the first message of a transaction; again, if something has ended it sooner than `soonMs`. */
  async #sendFirst(text: string, soonMs: number): Promise<Row[][]> {
    for (let tries = 1;; tries++) {
      const started = performance.now();
      if (!this.#open && this.#connection.closed) {
        this.#connection = await this.#reconnect(this.#connection);
      }
      this.#open = true;
      try {
        return await this.#connection.run(text);
      } catch (error) {
        if (tries === BEGIN_TRIES || !endedTooSoon(error, started, soonMs)) throw error;
        await this.rollback();
      }
    }
  }
}

const databases = new Map<string, Database>();

/** The pool for a URL, made once per isolate. */
export function databaseAt(url: string): Database {
  let database = databases.get(url);
  if (database === undefined) {
    database = new Database(url);
    databases.set(url, database);
  }
  return database;
}

/** Closes and forgets the pool that `databaseAt` made for a URL. */
export async function forgetDatabase(url: string): Promise<void> {
  const database = databases.get(url);
  databases.delete(url);
  await database?.close();
}
