/**
 * One connection to the server, from its log-in to its end. It never comes back under our hands: a client
 * that quietly connects again would go on with a transaction's statements outside of the transaction.
 */
import net from "node:net";
import postgres from "postgres";
import { Problem } from "../contract/problems.ts";
import { isCancelled, isConnectionLost } from "./database_errors.ts";
import { PING } from "./transaction.ts";

/** A row as the simple protocol gives it: numbers, booleans and JSON parsed, the rest as text. */
export type Row = Record<string, unknown>;

/** Longest time until the server lets us in, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** How long an end waits for what runs, in seconds. */
const END_TIMEOUT_S = 5;

/** How often a new connection is asked for an answer before it is given up. */
const PING_TRIES = 5;

/** Where postgres.js wants to be connected to. */
interface Target {
  host: string[];
  port: number[];
  path?: string;
}

export class Connection {
  readonly #client: postgres.Sql;
  #socket: net.Socket | undefined;
  #closed = false;

  private constructor(url: string) {
    const options = {
      max: 1,
      prepare: false,
      // Neither types nor timers of its own: what it did between our messages could break in unnoticed.
      fetch_types: false,
      idle_timeout: 0,
      max_lifetime: null,
      connect_timeout: CONNECT_TIMEOUT_MS / 1000,
      onnotice: () => {},
      onclose: () => this.#closed = true,
      connection: { application_name: "table-rename", TimeZone: "UTC" },
      socket: (target: Target) => this.#openSocket(target),
    };
    try {
      this.#client = postgres(url, options);
    } catch {
      // Without its cause, which quotes the URL and with it the password.
      throw new Problem("database_unavailable", "The database URL cannot be read.", {
        hint:
          "RENAME_DB_URL, or else SUPABASE_DB_URL, must look like postgresql://user:password@host:5432/postgres.",
      });
    }
  }

  /**
   * One socket and no second: where a server hangs up during the log-in, postgres.js 3.4 connects again,
   * sends nothing there, and waits.
   */
  #openSocket({ host: [host], port: [port], path }: Target): Promise<net.Socket> {
    if (this.#socket !== undefined) return Promise.reject(lost("CONNECTION_CLOSED"));
    const socket = this.#socket = path ? net.connect(path) : net.connect(port, host);
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.removeListener("error", reject);
        // The client takes the name for TLS from here.
        resolve(Object.assign(socket, { host }));
      });
    });
  }

  /**
   * Logs in.
   *
   * @throws {Problem} `database_unavailable` where the URL cannot be read; otherwise the client's errors.
   */
  static async open(url: string): Promise<Connection> {
    const connection = new Connection(url);
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
