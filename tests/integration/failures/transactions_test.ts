/** Every transaction of ours is what we say it is, whatever the login has set, and says what became of it. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { beginReading } from "../../../shared/postgres/begin.ts";
import { databaseAt } from "../../../shared/postgres/connection/database.ts";
import { MEANING, PLANNING } from "../../../shared/sql/transaction_settings.ts";
import { isCriticalSection } from "../../support/servers/broken_connections.ts";
import { startCuttingProxy } from "../../support/servers/cutting_proxy.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { needing } from "../../support/runner/not_tested.ts";
import { findPgbouncer, startPgbouncer } from "../../support/servers/pgbouncer.ts";
import { recordMessages, type SentMessage } from "../../support/recorded_messages.ts";
import { post } from "../../support/http/requests.ts";
import { testServers } from "../../support/servers/servers.ts";
import { wholeCycle } from "../../support/whole_cycle.ts";

const TABLES = `
  create schema app;
  create table app.people (id int primary key generated always as identity, name text default 'x');
  insert into app.people default values;
  create view app.names as select name from app.people;
  create materialized view app.counted as select count(*) from app.people;
  grant usage on schema app to authenticated;
  grant select on app.people to authenticated`;

const CYCLE = { schema: "app", old_name: "people", new_name: "persons" };

/** How each transaction begins: nothing but settings before the search path is ours. */
const BEGINNING =
  /^begin isolation level [a-z ]+;\nset local statement_timeout = '\d+ms';\nset local search_path = pg_catalog, pg_temp;\n/;

/** What needs no search path, since it names nothing that is looked up. */
const NAMELESS = ["begin;\ncommit", "rollback", "commit"];

/** Where the path becomes another one: for statements that are tried as clients send them, and a view's own query. */
const OTHER_PATHS = [
  /^set local search_path to default;\nrefresh materialized view "[^;]*;\nset local search_path = pg_catalog, pg_temp;/,
];

/** Messages that would run with another path than ours, or after a commit. */
function astray(sent: SentMessage[]): string[] {
  return sent.filter(({ type, text, inTransaction }) => {
    if (type !== "Q") return !["startup", "p", "X"].includes(type);
    if (NAMELESS.includes(text)) return false;
    if (
      /;\s*(commit|rollback)\s*;\s*(select|set|update|insert|delete|do|begin|commit)\b/i.test(text)
    ) {
      return true;
    }
    for (const { index } of text.matchAll(/^set (local |session )?search_path\b/gm)) {
      const here = text.slice(index);
      if (here.startsWith("set local search_path = pg_catalog, pg_temp;")) continue;
      if (!OTHER_PATHS.some((path) => path.test(here))) return true;
    }
    return inTransaction ? BEGINNING.test(text) : !BEGINNING.test(text);
  }).map(({ type, text, inTransaction }) => `${type} ${inTransaction} ${text.slice(-700)}`);
}

databaseTest(
  "no message of any endpoint runs with another search path than ours, or after a commit",
  { versions: [15, 17, 18] },
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    await using recorded = recordMessages(db.url);
    await using functions = functionsFor(recorded.url);
    await wholeCycle(functions, CYCLE);
    const statements = recorded.sent.filter(({ type }) => type === "Q");
    assertGreater(statements.length, 50);
    assert(
      statements.some(({ text }) =>
        text.endsWith(";\ncommit") && text.includes("access exclusive")
      ),
    );
    assertEquals(astray(recorded.sent), []);
    const [startup] = recorded.sent.filter(({ type }) => type === "startup");
    assert(!startup.text.includes("search_path"), "a pooler would refuse it");
  },
);

databaseTest(
  "a rename takes eight messages up to its commit, and five for what is read and recorded then",
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    await using recorded = recordMessages(db.url);
    await using functions = functionsFor(recorded.url);
    await functions.rename(CYCLE);
    const messages = recorded.sent.filter(({ type }) => type === "Q").map(({ text }) => text)
      // New connections are tried first, and now and then it is looked who is in the way.
      .filter((text) => text !== "begin;\ncommit" && !text.includes("pg_blocking_pids"));
    const last = messages.findIndex((text) =>
      text.includes("table_rename.granted_ms") && text.endsWith(";\ncommit")
    );
    assertEquals([last + 1, messages.length - last - 1], [8, 5]);
  },
);

/** Settings that a login can have, each of which has bent or broken something that does not set its own. */
const HOSTILE: Record<string, string> = {
  search_path: "nowhere",
  // It holds for BEGIN and for the statement that sets another; on a busy machine 1 ms is too short for that.
  statement_timeout: "20ms",
  lock_timeout: "1ms",
  idle_session_timeout: "300ms",
  idle_in_transaction_session_timeout: "20ms",
  default_transaction_isolation: "serializable",
  default_transaction_deferrable: "on",
  exit_on_error: "on",
  extra_float_digits: "-15",
  DateStyle: "SQL, DMY",
  IntervalStyle: "sql_standard",
  TimeZone: "Asia/Kolkata",
  bytea_output: "escape",
  xmlbinary: "hex",
  xmloption: "document",
  array_nulls: "off",
  transform_null_equals: "on",
  standard_conforming_strings: "off",
  backslash_quote: "off",
  quote_all_identifiers: "on",
  client_min_messages: "debug5",
  client_encoding: "SQL_ASCII",
  row_security: "off",
  check_function_bodies: "off",
  "plpgsql.extra_errors": "all",
  "plpgsql.extra_warnings": "all",
  jit: "on",
  jit_above_cost: "0",
  plan_cache_mode: "force_custom_plan",
  work_mem: "64kB",
  join_collapse_limit: "20",
  from_collapse_limit: "20",
  geqo_threshold: "2",
  enable_hashjoin: "off",
  enable_nestloop: "off",
  enable_indexscan: "off",
  enable_bitmapscan: "off",
  enable_seqscan: "off",
  enable_sort: "off",
  random_page_cost: "10000",
  stats_fetch_consistency: "none",
  max_parallel_workers_per_gather: "8",
};

const hostile = async (db: TestDatabase) => {
  for (const [name, value] of Object.entries(HOSTILE)) {
    await db.admin.unsafe(`alter role postgres in database ${db.name} set ${name} = '${value}'`);
  }
};

/** What is the same for everybody: the plan, but for what is different each time. */
const planOf = ({ plan_hash, findings, statements }: {
  plan_hash: string;
  findings: unknown[];
  statements: unknown[];
}) => ({ plan_hash, findings, statements });

databaseTest(
  "whatever a login has set, everything is read, recorded and done as without it",
  { versions: [15, 17, 18] },
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    const [{ oid }] = await db.admin`select 'app.people'::regclass::oid::int8::text as oid`;
    const plan = { ...CYCLE, mode: "plan" as const };
    const plain = functionsFor(db.url);
    const expected = planOf(await plain.rename(plan));
    await plain[Symbol.asyncDispose]();
    await hostile(db);
    await using functions = functionsFor(db.url);
    assertEquals(planOf(await functions.rename(plan)), expected);
    const { migrations: [{ id }], verification } = await functions.rename(CYCLE);
    assert(verification?.passed);
    const [row] = await db.admin`
      select table_oid::text, plan_hash from public.sys_table_migrations where id = ${id}`;
    assertEquals({ ...row }, { table_oid: oid, plan_hash: expected.plan_hash });
    // Longer than the login lets a session lie idle.
    await new Promise((resolve) => setTimeout(resolve, 700));
    const { migrations: [{ drift }] } = await functions.list({ include: "usage,drift" });
    assertEquals(drift, []);
    assert((await functions.verify({ migration_id: id })).passed);
    await functions.rollback({ migration_id: id });
    await wholeCycle(functions, CYCLE);
  },
);

databaseTest(
  "every setting that a transaction depends on is set in it, and nowhere else",
  async ({ db }) => {
    await hostile(db);
    const database = databaseAt(db.url);
    // How long locks are waited for is another for each.
    const { lock_timeout: _, ...meaning } = MEANING;
    const wanted = { ...meaning, ...PLANNING, search_path: "pg_catalog, pg_temp" };
    const query = `select s.name, s.setting, pg_catalog.current_setting(s.name) as shown
    from pg_catalog.pg_settings s
    where s.name in (${Object.keys(wanted).map((name) => `'${name}'`).join(", ")})`;
    const limits = {
      deadline: performance.now() + 60_000,
      signal: new AbortController().signal,
      started: performance.now(),
    };
    for (
      const rows of [
        await database.query(query),
        await database.withSession({ lane: "read", limits, waitMs: 5_000 }, async (session) => {
          await session.begin(beginReading(limits));
          return await session.run(query);
        }),
      ]
    ) {
      const shown = new Map(
        rows.map(({ name, shown }) => [String(name), String(shown).replaceAll('"', "")]),
      );
      // Shown in the server's units.
      const differing = Object.entries(wanted).filter(([name, value]) =>
        // How long a lock is waited for depends on who waits.
        name !== "lock_timeout" && shown.has(name) &&
        shown.get(name)!.replace("1min", "60s") !== value
      );
      assertEquals(differing.map(([name]) => `${name}: ${shown.get(name)}`), []);
      assertGreater(shown.size, 45);
      assertNotEquals(shown.get("lock_timeout"), "1ms");
      assertNotEquals(shown.get("lock_timeout"), "0");
    }
    // A pooler gives the session to others.
    const session = db.connect({
      max: 1,
      fetch_types: false,
      connection: { statement_timeout: 10_000 },
    });
    assertEquals((await session`show search_path`)[0].search_path, "nowhere");
    await database.close();
  },
);

for (const server of testServers()) {
  Deno.test({
    ...needing(
      `[pg${server.version}] through a pooler in transaction mode no other client's session is changed`,
      findPgbouncer() === undefined && "pgbouncer is not installed",
    ),
    fn: async () => {
      const { createTestDatabase } = await import("../../support/servers/database.ts");
      const db = await createTestDatabase(server);
      const pooler = await startPgbouncer(server);
      try {
        await db.sql.unsafe(TABLES).simple();
        await db.admin.unsafe(
          `alter role postgres in database ${db.name} set search_path = app, public`,
        );
        await using functions = functionsFor(pooler.through(db.url));
        await wholeCycle(functions, CYCLE);
        const clients = Array.from({ length: 6 }, () => pooler.through(db.url));
        for (const url of clients) {
          const [row] = await databaseless(url);
          assertEquals(row, { search_path: "app, public", jit: row.jit, statement_timeout: "0" });
        }
      } finally {
        await pooler.stop();
        await db.close();
      }
    },
  });
}

/** The settings that a client of the pooler finds. */
async function databaseless(url: string) {
  const { default: postgres } = await import("postgres");
  const sql = postgres(url, { max: 1, prepare: false, fetch_types: false });
  const rows = await sql`select current_setting('search_path') as search_path,
    current_setting('jit') as jit, current_setting('statement_timeout') as statement_timeout`;
  await sql.end();
  return rows.map((row) => ({ ...row })) as Record<string, string>[];
}

// After the commit --------------------------------------------------------------------------------------------

databaseTest(
  "what fails after the commit is never reported as if nothing had been changed",
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    const proxy = startCuttingProxy(Number(new URL(db.url).port));
    try {
      await using functions = functionsFor(proxy.through(db.url));
      let committed = false;
      proxy.judge = (message) => {
        if (isCriticalSection(message)) committed = true;
        // The rename's own answer comes through; whatever is asked after that does not.
        return committed && message.from === "client" && message.type === "Q" &&
            !isCriticalSection(message)
          ? "cut"
          : "forward";
      };
      const { status, body } = await post(functions, "rename", CYCLE);
      assertEquals([status, body.code], [503, "database_unavailable"], JSON.stringify(body));
      assertStringIncludes(body.detail, "The change was made");
      assert(!/nothing was changed/i.test(JSON.stringify(body)));
      const events = await db.admin`select outcome from table_rename.sys_table_migration_events`;
      assertEquals(events.map(({ outcome }) => outcome), ["succeeded"]);
    } finally {
      await proxy[Symbol.asyncDispose]();
    }
  },
);

databaseTest(
  "an error of COMMIT itself is reported as what it is, and an error after it is not taken for a failure",
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    await db.admin.unsafe(`
      create function fails() returns trigger language plpgsql as
        $$ begin raise exception using errcode = 'P0001', message = 'not on Fridays'; end $$;
      create constraint trigger fails after insert on table_rename.sys_table_migration_events
        deferrable initially deferred for each row when (new.outcome = 'succeeded')
        execute function fails()`).simple();
    await using functions = functionsFor(db.url);
    const refused = await post(functions, "rename", CYCLE);
    assertEquals([refused.status, refused.body.code], [403, "forbidden"]);
    assertMatch(refused.body.detail, /not on Fridays/);
    await db.admin`drop trigger fails on table_rename.sys_table_migration_events`;
    assertEquals((await db.admin`select to_regclass('app.persons') as found`)[0].found, null);
    await functions.rename(CYCLE);
  },
);
