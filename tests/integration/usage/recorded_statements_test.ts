/** What pg_stat_statements has recorded: which of it is read, and what comes of it after a rename. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import { recordedStatements } from "../../../shared/catalog/texts/texts.ts";
import type { Finding } from "../../../shared/contract/responses.ts";
import type { TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { ownServers } from "../../support/servers/own_servers.ts";

const servers = ownServers([15, 17], { "pg_stat_statements.max": "10000" });

const RENAME = { old_name: "logs", new_name: "log_entries" };

const TABLE = `create table logs (a int primary key, b int);
  create table parts (day date) partition by range (day)`;

const recorded = (findings: Finding[]) =>
  findings.filter(({ object }) => object.startsWith("statement "));

/** What a statement comes to: its SQLSTATE, or "done". */
async function outcome(sql: postgres.Sql, statement: string): Promise<string> {
  try {
    await sql.unsafe(statement);
    return "done";
  } catch (error) {
    if (error instanceof postgres.PostgresError) return error.code;
    throw error;
  }
}

/** Definitions that can be run again and again, with the finding and what becomes of each after the rename. */
const REPEATED: [statement: string, found: string, then: string][] = [
  ["create index if not exists logs_b on logs (b)", "ddl_on_old_name breaking", "42809"],
  ["alter table logs add column if not exists c int", "ddl_on_old_name breaking", "42809"],
  ["do $$ begin if false then null; end if; truncate logs; end $$", "truncate breaking", "42809"],
  ["do $x$ begin execute 'truncate ' || 'logs'; end $x$", "truncate breaking", "42809"],
  ["reindex table logs", "ddl_on_old_name breaking", "42809"],
  ["cluster logs using logs_pkey", "ddl_on_old_name breaking", "42809"],
  ["comment on table logs is 'kept'", "ddl_on_old_name breaking", "42809"],
  ["alter table logs alter column b set default 7", "ddl_on_view_only warning", "done"],
  ["grant select on logs to anon", "privileges_on_old_name warning", "done"],
];

servers.test(
  "definitions and DO blocks that ran more than once have the findings that come true",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLE).simple();
    const served = "do $$ begin delete from logs where a < 0; end $$";
    for (const [statement] of [...REPEATED, [served]]) {
      for (let n = 0; n < 3; n++) assertEquals(await outcome(db.sql, statement), "done", statement);
    }
    // A migration has run these.
    await db.sql.unsafe("create index once on logs (b)");
    await db.sql.unsafe("do $$ begin truncate logs cascade; end $$");

    const codes = [...new Set(REPEATED.map(([, found]) => found))]
      .filter((found) => found.endsWith(" breaking")).map((found) => found.split(" ")[0]);
    await functions.refused("breaking_findings", "rename", RENAME);
    const { findings } = await functions.rename({ ...RENAME, acknowledge: codes });
    const found = recorded(findings);
    assertEquals(
      found.map(({ code, severity }) => `${code} ${severity}`).sort(),
      REPEATED.map(([, found]) => found).sort(),
    );
    for (const { message } of found) assertStringIncludes(message, "run 3 times as postgres,");
    for (const [statement, , then] of REPEATED) {
      assertEquals(await outcome(db.sql, statement), then, statement);
    }
    assertEquals(await outcome(db.sql, served), "done");
  },
);

servers.test("maintenance in a DO block, as of queues, is seen before it fails", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const maintenance = (day: string) =>
    `do $$ declare day text := '${day}'; begin
       if to_regclass('stats_' || replace(day, '-', '_')) is null then
         execute format('create table %I (check (day = %L)) inherits (logs)', 'stats_' || replace(day, '-', '_'), day);
       end if;
     end $$`;
  await db.sql.unsafe("create table logs (day date, n int)");
  for (let n = 0; n < 2; n++) await db.sql.unsafe(maintenance("2026-11-28"));
  await functions.refused("breaking_findings", "rename", RENAME);
  await functions.rename({ ...RENAME, acknowledge: ["ddl_on_old_name"] });
  assertEquals(await outcome(db.sql, maintenance("2026-11-28")), "done");
  assertEquals(await outcome(db.sql, maintenance("2026-11-29")), "42809");
});

servers.test("what renames send again and again is not counted as use of the table", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  await db.sql.unsafe(`grant select on logs to anon; comment on table logs is 'x';
    create function f() returns text language plpgsql as 'declare l logs; begin return l; end'`)
    .simple();
  for (let n = 0; n < 3; n++) {
    const { findings, migrations } = await functions.rename({ ...RENAME, rename_indexes: true });
    assertEquals(recorded(findings), []);
    await functions.refresh({ migration_id: migrations[0].id });
    await functions.rollback({ table: "logs" });
    const swapped = await functions.rename({ old_name: "logs", new_name: "elsewhere" });
    assertEquals(recorded(swapped.findings), []);
    await functions.rollback({ table: "logs" });
  }
  const [{ marked }] = await db
    .admin`select count(*)::int as marked from extensions.pg_stat_statements
    where query like '%/* table-rename */%' and calls > 1`;
  assert(marked > 0, "no statement of ours was recorded");
});

/** A query that the server counts apart from those of other numbers. */
const query = (n: number) =>
  `select ${
    Array.from({ length: 11 }, (_, bit) => (n >> bit) % 2 === 0 ? "min(a)" : "max(b)").join(", ")
  } from logs`;

async function calledOften(db: TestDatabase, queries: string[]): Promise<void> {
  await db.sql.unsafe(queries.join(";")).simple();
  await db.sql.unsafe(queries.join(";")).simple();
}

servers.test(
  "a rare statement that matters is seen behind a thousand frequent ones",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLE).simple();
    const frequent = Array.from({ length: 1_050 }, (_, n) => query(n));
    await calledOften(db, [...frequent, ...frequent.map((one) => `${one} group by b`)]);
    await db.sql.unsafe("truncate logs");
    const found = (await functions.rename({ ...RENAME, mode: "plan" })).findings;
    assertEquals(found.map(({ code }) => code), ["truncate"]);
    const [{ groups }] = await db.admin`select count(*)::int as groups
      from extensions.pg_stat_statements where query like '%group by b%'`;
    assert(groups > 1_000, String(groups));
  },
);

servers.test(
  "where there are too many the rarest are read, and both numbers are reported",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLE).simple();
    await calledOften(db, Array.from({ length: 1_100 }, (_, n) => `${query(n)} group by b`));
    await calledOften(db, Array.from({ length: 1_100 }, (_, n) => `${query(n)} group by b, a`));
    await db.sql.unsafe("truncate logs");
    const { findings } = await functions.rename({ ...RENAME, mode: "plan" });
    assertEquals(findings.map(({ code }) => code), ["truncate", "statements_not_read"]);
    assertStringIncludes(findings[1].message, "Only 2000 of 2201 recorded statements were read");

    // Characters are limited, too; what is cut is not read to its end.
    const limited = async (limits: Parameters<typeof recordedStatements>[2]) =>
      (await db.sql.unsafe(recordedStatements(["logs"], "extensions", limits)))
        .map(({ text }) => text as { text: string; among: number; cut: boolean });
    const few = await limited({ statements: 10, characters: 1_000, each: 100 });
    assertEquals(few.length, 10);
    assertEquals(few[0].text, "truncate logs");
    assertEquals(few.map(({ cut }) => cut), [false, ...Array(9).fill(true)]);
    assert(few.every(({ among, text }) => among === 2_201 && text.length <= 100));
    assertEquals((await limited({ statements: 10, characters: 250, each: 100 })).length, 3);
  },
);
