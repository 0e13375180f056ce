/**
 * One connection to the server, from its log-in to its end. It never comes back under our hands: a client
 * that quietly connects again would go on with a transaction's statements outside of the transaction.
 */
import postgres from "postgres";
import { Problem } from "../contract/problems.ts";
import { isConnectionLost } from "./database_errors.ts";

/** A row as the simple protocol gives it: numbers, booleans and JSON parsed, the rest as text. */
export type Row = Record<string, unknown>;

/** Longest time until the server lets us in, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** How long an end waits for what runs, in seconds. */
const END_TIMEOUT_S = 5;

export class Connection {
  readonly #client: postgres.Sql;
  #closed = false;

  private constructor(url: string) {
    try {
      this.#client = postgres(url, {
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
      });
    } catch {
      // Without its cause, which quotes the URL and with it the password.
      throw new Problem("database_unavailable", "The database URL cannot be read.", {
        hint: "SUPABASE_DB_URL must look like postgresql://user:password@host:5432/postgres.",
      });
    }
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
      // A server that hangs up during the log-in is called again until the time is up.
      await Promise.race([connection.run("select 1"), late.promise]);
      return connection;
    } catch (error) {
      void connection.end(0);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether it broke or was ended. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Sends one message of statements; the answer is the rows of each. */
  async run(text: string): Promise<Row[][]> {
    if (this.#closed) throw lost("CONNECTION_CLOSED");
    try {
      return allRows(await this.#client.unsafe(text).simple());
    } catch (error) {
      if (isConnectionLost(error)) this.#closed = true;
      throw error;
    }
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
