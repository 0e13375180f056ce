/**
 * One connection to the server, from its login to its end. It is never reopened implicitly: a client that reconnects
 * by itself would continue a transaction's statements outside of the transaction.
 */
import type { Duplex } from "node:stream";
import postgres from "postgres";
import { isCancelled, isConnectionLost } from "../database_errors.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "./database_url.ts";
import { type Encryption, encryptionsOf, firstAccepted } from "./encryption.ts";
import { openSocket } from "./server_socket.ts";
import { sleep } from "../limits.ts";
import { PING } from "../transaction.ts";

/** A row as the simple protocol gives it: numbers, booleans and JSON parsed, the rest as text. */
export type Row = Record<string, unknown>;

/** Longest time of a login, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** How long `end` waits for a running statement, in seconds. */
const END_TIMEOUT_S = 5;

/** How often a connection is pinged before it is given up. */
const PING_TRIES = 5;

export class Connection {
  readonly #client: postgres.Sql;
  #opening = false;
  #socket: Duplex | undefined;
  #brokenOff = false;
  #closed = false;

  private constructor(to: DatabaseUrl, encryption: Encryption) {
    this.#client = postgres({
      host: [to.address],
      port: [to.port],
      path: to.path,
      user: to.user,
      password: to.password,
      database: to.database,
      // The socket is encrypted already.
      ssl: false,
      max: 1,
      prepare: false,
      // No queries for types, no timers: nothing of its own may come between our messages.
      fetch_types: false,
      idle_timeout: 0,
      max_lifetime: null,
      connect_timeout: CONNECT_TIMEOUT_MS / 1000,
      onnotice: () => {},
      onclose: () => this.#closed = true,
      connection: {
        application_name: "table-rename",
        TimeZone: "UTC",
        ...(to.options !== undefined && { options: to.options }),
      },
      socket: () => this.#openSocket(to, encryption),
      // The declared types lack `socket`, and lists of hosts beside other options.
    } as unknown as postgres.Options<Record<string, never>>);
  }

  /**
   * Opens one socket, never a second: where a server hangs up during the login, postgres.js 3.4 connects again, sends
   * nothing, and waits.
   */
  async #openSocket(to: DatabaseUrl, encryption: Encryption): Promise<Duplex> {
    if (this.#opening) throw lost("CONNECTION_CLOSED");
    this.#opening = true;
    return await openSocket(to, encryption, (socket) => {
      this.#socket = socket;
      if (this.#brokenOff) socket.destroy();
    });
  }

  /**
   * Logs in, encrypted or not as the URL says.
   *
   * @throws {Problem} `database_unavailable` where the URL cannot be parsed or the encryption that it asks for is not
   *   available; otherwise the client's errors.
   */
  static async open(url: string): Promise<Connection> {
    const to = parseDatabaseUrl(url);
    return await firstAccepted(
      encryptionsOf(to),
      (encryption) => Connection.#logIn(new Connection(to, encryption)),
    );
  }

  static async #logIn(connection: Connection): Promise<Connection> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(lost("CONNECT_TIMEOUT")), CONNECT_TIMEOUT_MS);
    try {
      await Promise.race([connection.#ping(), late.promise]);
      return connection;
    } catch (error) {
      connection.breakOff();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether it broke or was ended. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the server still answers; an idle connection may have ended unnoticed. */
  async answers(): Promise<boolean> {
    try {
      await this.#ping();
      return true;
    } catch {
      this.#closed = true;
      return false;
    }
  }

  /** Retried, since a login's own statement timeout may be too short even for this. */
  async #ping(): Promise<void> {
    for (let tries = 1;; tries++) {
      try {
        await this.run(PING);
        return;
      } catch (error) {
        if (!isCancelled(error) || tries === PING_TRIES) throw error;
        await this.run("rollback");
      }
    }
  }

  /** Sends one message of statements, all of them in a transaction (`database.ts`); returns the rows of each. */
  async run(text: string): Promise<Row[][]> {
    if (this.#closed) throw lost("CONNECTION_CLOSED");
    try {
      return allRows(await this.#client.unsafe(text).simple());
    } catch (error) {
      if (isConnectionLost(error)) this.#closed = true;
      throw error;
    }
  }

  /** Sends one message as `run` does; its answer is promised once all of it is on its way. */
  async send(text: string): Promise<{ answer: Promise<Row[][]> }> {
    const answer = this.run(text);
    const ended = answer.then(() => {}, () => {});
    await Promise.race([ended, this.#flushed()]);
    return { answer };
  }

  /** Waits until the system has taken what was to be sent. */
  async #flushed(): Promise<void> {
    // postgres.js writes in a task of its own.
    await sleep(0);
    const socket = this.#socket;
    if (socket?.writableNeedDrain) await new Promise((resolve) => socket.once("drain", resolve));
  }

  /** Closes it at once; the last message may or may not be executed. */
  breakOff(): void {
    this.#brokenOff = true;
    this.#socket?.destroy();
  }

  /** Ends it, after at most `timeout` seconds. Default: 5. */
  async end(timeout = END_TIMEOUT_S): Promise<void> {
    this.#closed = true;
    await this.#client.end({ timeout });
  }
}

/** postgres.js gives the rows of a message with one statement, and an array of them for several. */
function allRows(result: unknown): Row[][] {
  const results = result as Row[] | Row[][];
  return Array.isArray(results[0]) ? results as Row[][] : [results as Row[]];
}

const lost = (code: string) => Object.assign(new Error("The connection is lost."), { code });
