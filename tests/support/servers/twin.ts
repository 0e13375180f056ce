/**
 * Twins: the same tables in two schemas, of which one is renamed. The same SQL, which names no schema, is run
 * in both; what comes back, what fails and how, and what is in the tables must be the same.
 */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import type { TestDatabase } from "./database.ts";
import type { Functions } from "../http/functions.ts";

/** What one statement did: its command, rows and their number, or how it failed. */
export type Outcome =
  | { command: string; count: number | null; rows: Record<string, unknown>[] }
  | { error: string; constraint: string | undefined };

const SCHEMAS = ["original", "renamed"] as const;

export interface Twins {
  /** A session for each twin, open since before the rename, with only its schema in the search path. */
  sessions: { original: postgres.Sql; renamed: postgres.Sql };
  /** Renames a table of the twin `renamed`. */
  rename(oldName: string, newName: string): Promise<void>;
  /** Takes back what `rename` did last. */
  rollback(): Promise<void>;
  /** Runs one statement, or a message of several, in both twins, and gives what the last one did in each. */
  outcomes(statement: string): Promise<{ original: Outcome; renamed: Outcome }>;
  /** Runs each in both twins, fails the test unless the outcomes are equal, and gives them. */
  same(...statements: string[]): Promise<Outcome[]>;
  /** As `same`; fails the test too unless each statement succeeds. */
  succeed(...statements: string[]): Promise<Outcome[]>;
  /** As `same`; fails the test too unless the statement fails with this SQLSTATE. */
  fail(sqlState: string, statement: string): Promise<void>;
}

/** Makes the twins with `ddl`, run once in each schema. */
export async function makeTwins(
  db: TestDatabase,
  functions: Functions,
  ddl: string,
): Promise<Twins> {
  const session = (schema: string) =>
    db.connect({
      max: 1,
      connection: { search_path: schema },
      // Dates and the like as the text that the server sends.
      fetch_types: false,
    });
  const sessions = { original: session("original"), renamed: session("renamed") };
  for (const schema of SCHEMAS) {
    await db.sql.unsafe(`create schema ${schema}; set search_path = ${schema}; ${ddl};
      set search_path = public`).simple();
  }
  let lastBatch = "";
  const twins: Twins = {
    sessions,
    async rename(oldName, newName) {
      const answer = await functions.rename({
        schema: "renamed",
        old_name: oldName,
        new_name: newName,
        // What the Data API embeds by functions is not what the twins compare.
        acknowledge: ["computed_relationships"],
      });
      assertEquals(answer.verification?.passed, true, JSON.stringify(answer.verification));
      lastBatch = answer.batch_id!;
    },
    async rollback() {
      const answer = await functions.rollback({ batch_id: lastBatch });
      assertEquals(answer.verification?.passed, true, JSON.stringify(answer.verification));
    },
    async outcomes(statement) {
      const [original, renamed] = await Promise.all([
        outcome(sessions.original, statement),
        outcome(sessions.renamed, statement),
      ]);
      return { original, renamed };
    },
    async same(...statements) {
      const outcomes = [];
      for (const statement of statements) {
        const { original, renamed } = await twins.outcomes(statement);
        assertEquals(renamed, original, statement);
        outcomes.push(original);
      }
      return outcomes;
    },
    async succeed(...statements) {
      const outcomes = await twins.same(...statements);
      outcomes.forEach((one, n) => {
        if ("error" in one) assertEquals(one, { success: true } as unknown, statements[n]);
      });
      return outcomes;
    },
    async fail(sqlState, statement) {
      const [found] = await twins.same(statement);
      assertEquals("error" in found ? found.error : found, sqlState, statement);
    },
  };
  return twins;
}

async function outcome(sql: postgres.Sql, statement: string): Promise<Outcome> {
  try {
    const result = await sql.unsafe(statement).simple();
    // Several statements give a list of results, which has no command of its own.
    const last = (result.command === undefined ? result.at(-1) : result) as postgres.RowList<
      postgres.Row[]
    >;
    const { command, count } = last;
    return { command, count, rows: [...last].map((row) => ({ ...row })) };
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    // A transaction that a message of several statements began is open still.
    await sql.unsafe("rollback").simple();
    return { error: error.code, constraint: error.constraint_name };
  }
}
