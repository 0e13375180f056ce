/** The database: a few connections an isolate, and sessions that have one to themselves. */
import { millisecondsLiteral } from "../plan/quoting.ts";
import { Connection, type Row } from "./connection.ts";
import { isConnectionLost } from "./database_errors.ts";
import { type Limits, remainingMs } from "./limits.ts";
import { sleep } from "./patience.ts";
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

/** With it only the server's own functions, operators and types are found without a schema. */
const SAFE_PATH = "set local search_path = pg_catalog, pg_temp";

/**
 * A single message takes its connection from others while it runs. It waits for no lock that somebody keeps, or a
 * session that keeps it could wait for the connection; and it comes to an end.
 */
const QUERY_LOCK_TIMEOUT_MS = 1_000;
const QUERY_TIMEOUT_MS = 30_000;

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
  readonly #since: number | undefined;

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

  /**
   * Runs one message of statements outside a transaction of ours, and gives the last one's rows. Its operators
   * are looked up where ours are, not in schemas of the project: a message of several statements is a transaction
   * of its own (PostgreSQL manual, 55.2.2.1), and one that it begins itself goes on in that.
   *
   * @param signal Ends the wait for a connection; what runs already is not stopped.
   * @throws {NoTurn} Where no connection was free in time.
   */
  async query(text: string, signal?: AbortSignal): Promise<Row[]> {
    const wish: Wish = { lane: "query", waitMs: MAX_TURN_MS, signal };
    return await this.#withConnection(wish, QUERY_TIMEOUT_MS, async (connection) => {
      const message = [
        SAFE_PATH,
        `set local lock_timeout = ${millisecondsLiteral(QUERY_LOCK_TIMEOUT_MS)}`,
        `set local statement_timeout = ${millisecondsLiteral(QUERY_TIMEOUT_MS)}`,
        text,
      ].join(";\n");
      return (await connection.run(message)).at(-1) ?? [];
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
    return await this.#withConnection(wish, () => remainingMs(limits), async (connection, turn) => {
      const session = new Session(connection, turn.isAwaited);
      try {
        return await work(session);
      } finally {
        await session.rollback().catch(() => {
          // A connection that is gone has taken its transaction with it.
        });
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

  async #withConnection<T>(
    wish: Wish,
    timeout: number | (() => number),
    work: (connection: Connection, turn: Turn) => Promise<T>,
  ): Promise<T> {
    const turn = await this.#turns.take({ since: this.#since, ...wish });
    try {
      const connection = await this.#connect();
      const ms = typeof timeout === "number" ? timeout : timeout();
      const silent = setTimeout(() => connection.breakOff(), ms + SILENCE_MS);
      try {
        return await work(connection, turn);
      } finally {
        clearTimeout(silent);
        this.#keep(connection);
      }
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

/** One connection, spoken to in messages of whole statements (the simple query protocol). */
export class Session {
  readonly #connection: Connection;
  readonly #isAwaited: () => boolean;
  #open = false;

  constructor(connection: Connection, isAwaited: () => boolean) {
    this.#connection = connection;
    this.#isAwaited = isAwaited;
  }

  /** Whether another request waits that should have the connection now. */
  get isAwaited(): boolean {
    return this.#isAwaited();
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
