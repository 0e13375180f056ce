/** SQL that find-uses has changed does on the renamed table what it did before, without any view. */
import { assertEquals, assertGreater } from "@std/assert";
import fc from "fast-check";
import type postgres from "postgres";
import { edited } from "../../../shared/source/edits.ts";
import { usesIn } from "../../../shared/source/find_uses.ts";
import { WantedNames } from "../../../shared/source/uses.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { statements } from "../../support/generated/generated_statements.ts";

/** Another seed and number of statements: `SOURCE_SEED=7 SOURCE_RUNS=20000`. */
const SEED = Number(Deno.env.get("SOURCE_SEED") ?? 2026);
const RUNS = Number(Deno.env.get("SOURCE_RUNS") ?? 1_000);

const TABLES = `
  create table entries (id int primary key, name text default 'n', number int generated always as identity);
  create table others (id int primary key, name text default 'n', number int generated always as identity);
  insert into entries (id, name) values (1, 'one'), (2, 'two');
  insert into others (id, name) values (1, 'one'), (5, 'five')`;

/** A rollback does not take back what a sequence gave. */
const RESTART = "select setval('entries_number_seq', 100), setval('others_number_seq', 100)";

/** The rows of a statement in any order, or its error; it is taken back. */
async function outcome(sql: postgres.Sql, statement: string): Promise<string[] | string> {
  try {
    const results = await sql.unsafe(`begin; ${RESTART}; ${statement}; rollback`).simple();
    const rows = [...results as unknown as object[][]][2] ?? [];
    return [...rows].map((row) => JSON.stringify(row)).sort();
  } catch (error) {
    await sql.unsafe("rollback").simple();
    return String(error);
  }
}

/** Differs between two runs: places of rows, numbers of transactions, and rows of which LIMIT takes any. */
const VARIES = /\b(?:ctid|xmin|xmax|cmin|cmax|tableoid|now|limit|fetch|explain|row_number)\b/i;

databaseTest("arbitrary statements do the same after they were changed", async ({ db }) => {
  await db.sql.unsafe(TABLES).simple();
  const sql = db.connect({ max: 1, fetch_types: false });
  const before = new Map<string, string[]>();
  for (const statement of new Set(fc.sample(statements, { numRuns: RUNS, seed: SEED }))) {
    const rows = await outcome(sql, statement);
    if (typeof rows !== "string") before.set(statement, rows);
  }
  await db.sql.unsafe("alter table entries rename to journal").simple();
  const rename = { schema: "public", from: "entries", to: "journal" };
  const wanted = new WantedNames([rename]);
  let changed = 0;
  for (const [statement, rows] of before) {
    const uses = usesIn({ path: "a.sql", text: statement }, { wanted, parser: null });
    if (uses.length === 0 || uses.some(({ replacement }) => replacement === null)) continue;
    const after = edited(statement, uses);
    const now = await outcome(sql, after);
    if (typeof now === "string" || !VARIES.test(statement)) {
      assertEquals(now, rows, `seed ${SEED}: ${statement}\nwas changed to ${after}`);
    }
    changed++;
  }
  assertGreater(changed, RUNS / 8);
});
