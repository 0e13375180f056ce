/**
 * One connection to the server, from its log-in to its end. It never comes back under our hands: a client
 * that quietly connects again would go on with a transaction's statements outside of the transaction.
 */
import type { Duplex } from "node:stream";
import postgres from "postgres";
import { isCancelled, isConnectionLost } from "./database_errors.ts";
import { type DatabaseUrl, parseDatabaseUrl } from "./database_url.ts";
import { type Encryption, encryptionsOf, inTurn } from "./encryption.ts";
import { openSocket } from "./server_socket.ts";
import { PING } from "./transaction.ts";

/** A row as the simple protocol gives it: numbers, booleans and JSON parsed, the rest as text. */
export type Row = Record<string, unknown>;

/** Longest time until the server lets us in, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** How long an end waits for what runs, in seconds. */
const END_TIMEOUT_S = 5;

/** How often a new connection is asked for an answer before it is given up. */
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
      // The socket sees to it.
      ssl: false,
      max: 1,
      prepare: false,
      // Neither types nor timers of its own: what it did between our messages could break in unnoticed.
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
      // The types know no lists of hosts beside other options, nor the socket.
    } as unknown as postgres.Options<Record<string, never>>);
  }

  /**
   * One socket and no second: where a server hangs up during the log-in, postgres.js 3.4 connects again,
   * sends nothing there, and waits.
   */
  async #openSocket(to: DatabaseUrl, encryption: Encryption): Promise<Duplex> {
    if (this.#opening) throw lost("CONNECTION_CLOSED");
    this.#opening = true;
    const socket = await openSocket(to, encryption, (socket) => {
      this.#socket = socket;
      if (this.#brokenOff) socket.destroy();
    });
    return socket;
  }

  /**
   * Logs in, as the URL says with or without encryption, or with either.
   *
   * @throws {Problem} `database_unavailable` where the URL cannot be read or the encryption that it asks for
   *   cannot be had; otherwise the client's errors.
   */
  static async open(url: string): Promise<Connection> {
    const to = parseDatabaseUrl(url);
    return await inTurn(
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

  /** Whether the server still answers; a connection that lay idle may have been ended without our notice. */
  async answers(): Promise<boolean> {
    try {
      await this.#ping();
      return true;
    } catch {
      this.#closed = true;
      return false;
    }
  }

  /** Asks for nothing but an answer; a login's own statement timeout may be too short even for that. */
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

  /**
   * Sends one message of statements; the answer is the rows of each. Whoever sends one sees to the transaction
   * it runs in (`database.ts`): nothing is sent outside of one.
   */
  async run(text: string): Promise<Row[][]> {
    if (this.#closed) throw lost("CONNECTION_CLOSED");
    try {
      return allRows(await this.#client.unsafe(text).simple());
    } catch (error) {
      if (isConnectionLost(error)) this.#closed = true;
      throw error;
    }
  }

  /** Gives it up as it stands; what was sent last may or may not have happened. */
  breakOff(): void {
    this.#brokenOff = true;
    this.#socket?.destroy();
  }

  /** Ends it, at most after `timeout` seconds. */
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
