/** What cannot be known about the use of an old name is never called quiet. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type postgres from "postgres";
import type { Usage } from "../../../shared/contract/responses.ts";
import type { TestDatabase } from "../../support/servers/database.ts";
import { type FragileServer, withFragileServer } from "../../support/servers/fragile_server.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { ownServers } from "../../support/servers/own_servers.ts";
import { until } from "../../support/waiting.ts";
import { slowTest } from "../../support/runner/sampled.ts";

const VERSIONS = [15, 17, 18] as const;
const servers = ownServers([...VERSIONS]);

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

const TABLE = "create table experts (id int primary key, name text)";

const run = (sql: postgres.Sql, text: string) => sql.unsafe(text).simple();

async function usageOf(functions: Functions): Promise<Usage> {
  const { migrations } = await functions.list({
    table: "experts",
    status: "active",
    include: "usage",
  });
  return migrations[0].usage!;
}

/** The state, and the codes of what stands against calling it quiet. */
async function stateOf(functions: Functions): Promise<string> {
  const { state, reasons } = await usageOf(functions);
  const codes = reasons.map(({ code }) => code).filter((code) => code !== "nested_not_counted");
  return [state, ...codes].join(" ");
}

/** Tests on a server of their own with settings that only its start can change. */
function serverTest(
  name: string,
  settings: Record<string, string>,
  body: (server: FragileServer) => Promise<void>,
): void {
  for (const version of VERSIONS) {
    slowTest(`[pg${version}] ${name}`, () => withFragileServer(version, settings, body));
  }
}

async function renamed(db: TestDatabase, functions: Functions): Promise<void> {
  await run(db.sql, TABLE);
  await run(db.sql, "select id from experts where name = ''");
  await functions.rename(RENAME);
}

servers.test(
  "after a reset of the statistics it is unknown, and quiet is counted from the reset",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await renamed(db, functions);
    assertEquals(await stateOf(functions), "quiet");
    await run(db.admin, "select extensions.pg_stat_statements_reset()");
    const [{ reset }] = await db.sql`select stats_reset as reset from pg_stat_statements_info`;
    const usage = await usageOf(functions);
    assertEquals(await stateOf(functions), "unknown statistics_reset");
    assertEquals(Date.parse(usage.quiet_since!), reset.getTime());
    // What is called since then is counted all the same, and the reset is not forgotten.
    await run(db.sql, "select id from experts where name = ''");
    assertEquals((await usageOf(functions)).calls, 1);
    assertEquals(await stateOf(functions), "used calls_seen statistics_reset");
    await db
      .sql`update table_rename.sys_table_migration_usage set last_used_at = last_used_at - interval '2 days'`;
    assertEquals(await stateOf(functions), "unknown statistics_reset");
  },
);

servers.test(
  "a reset before the first look is noticed, be it of all statements or of some",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await renamed(db, functions);
    await run(db.sql, "select id from experts where name = ''");
    await run(
      db.admin,
      `select extensions.pg_stat_statements_reset(0::oid,
         (select oid from pg_database where datname = current_database()), 0)`,
    );
    assertEquals(await stateOf(functions), "unknown statistics_removed");
    await functions.rollback({ table: "experts" });
    await functions.rename(RENAME);
    await run(db.sql, "select id from experts where name = ''");
    await run(db.admin, "select extensions.pg_stat_statements_reset()");
    assertEquals(await stateOf(functions), "unknown statistics_reset");
  },
);

servers.test("a statement that was reset by itself between two looks is missed", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await renamed(db, functions);
  await run(db.sql, "select name from experts where id = 0");
  assertEquals((await usageOf(functions)).calls, 1);
  await run(
    db.admin,
    `select extensions.pg_stat_statements_reset(0::oid, dbid, queryid) from extensions.pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())
       and query ~ '^select name from experts where id'`,
  );
  assertEquals(await stateOf(functions), "used calls_seen statistics_removed");
});

servers.test("without the extension it is unknown, and the rename works", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.admin, "drop extension pg_stat_statements");
  await renamed(db, functions);
  const usage = await usageOf(functions);
  assertEquals([usage.state, usage.calls, usage.quiet_since], ["unknown", null, null]);
  assertEquals(usage.reasons.map(({ code }) => code), ["no_statistics"]);
  // What is found all the same is reported.
  const sql = db.connect({ max: 1 });
  await run(sql, "begin; select from experts");
  assertEquals(await stateOf(functions), "used running_now no_statistics");
  await run(sql, "rollback");
  // Made later, it counts from then on.
  await run(db.admin, "create extension pg_stat_statements schema extensions");
  await run(db.sql, "select id from experts where name = ''");
  assertEquals(await stateOf(functions), "unknown no_snapshot");
  await run(db.sql, "select id, name from experts where name = ''");
  assertEquals(await stateOf(functions), "used calls_seen no_snapshot");
  assertEquals((await usageOf(functions)).calls, 1);
});

servers.test("an old release of the extension, or one out of reach, is reported", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(
    db.admin,
    "drop extension pg_stat_statements; create extension pg_stat_statements schema extensions version '1.8'",
  );
  await renamed(db, functions);
  assertEquals(await stateOf(functions), "unknown statistics_outdated");
  await run(
    db.admin,
    `alter extension pg_stat_statements update;
     revoke all on function extensions.pg_stat_statements(boolean) from public`,
  );
  assertEquals(await stateOf(functions), "unknown no_privilege");
  await functions.rollback({ table: "experts" });
  await functions.rename(RENAME);
  await run(
    db.admin,
    "grant execute on function extensions.pg_stat_statements(boolean) to public",
  );
  assertEquals(await stateOf(functions), "unknown no_snapshot");
});

servers.test("where statements of other roles are hidden it is unknown", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.admin, `revoke pg_monitor, pg_read_all_data from postgres`);
  try {
    await run(db.sql, TABLE);
    await run(db.sql, "grant select on experts to anon");
    await db.as("anon", (tx) => tx.unsafe("select name from experts"));
    await functions.rename(RENAME);
    assertEquals(await stateOf(functions), "unknown no_privilege no_snapshot");
    await run(db.sql, "select from experts where id = 7");
  } finally {
    await run(db.admin, "grant pg_monitor, pg_read_all_data to postgres");
  }
  // What anon called before the rename is not taken for a call of after it.
  assertEquals(await stateOf(functions), "unknown no_snapshot");
  await db.as("anon", (tx) => tx.unsafe("select id from experts"));
  const usage = await usageOf(functions);
  assertEquals(usage.roles, [{ role: "anon", calls: 1 }]);
});

servers.test("what is not counted makes it unknown, and stays so afterwards", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await renamed(db, functions);
  for (
    const setting of [
      "pg_stat_statements.track = 'none'",
      "pg_stat_statements.track_utility = off",
      "compute_query_id = off",
    ]
  ) {
    const name = setting.split(" ")[0];
    await run(db.admin, `alter role anon set ${setting}`);
    const usage = await usageOf(functions);
    assertEquals([usage.state, usage.quiet_since], ["unknown", null], setting);
    const [off] = usage.reasons.filter(({ code }) => code === "tracking_off");
    assert(off.message.includes(name) && off.message.includes("role anon"), off.message);
    await run(db.admin, `alter role anon reset ${name}`);
    await run(db.admin, `alter database ${db.name} set ${setting}`);
    await using others = functionsFor(`${db.url}?`);
    assert((await stateOf(others)).startsWith("unknown tracking_off"), setting);
    await run(db.admin, `alter database ${db.name} reset ${name}`);
  }
  const [before, usage] = [Date.now(), await usageOf(functions)];
  assertEquals(await stateOf(functions), "unknown was_not_counted");
  // Quiet begins with the last look that saw it off.
  assertLess(before - Date.parse(usage.quiet_since!), 60_000);
});

servers.test("a look that cannot be kept is a look all the same", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await renamed(db, functions);
  await run(
    db.admin,
    `alter role postgres in database ${db.name} set default_transaction_read_only = on`,
  );
  await using replica = functionsFor(`${db.url}?`);
  const { error } = console;
  const lines: string[] = [];
  console.error = (line: string) => void lines.push(line);
  try {
    assertEquals(await stateOf(replica), "quiet");
  } finally {
    console.error = error;
  }
  assertEquals(
    (await db.sql`select from table_rename.sys_table_migration_usage where sampled_at is not null`)
      .length,
    0,
  );
});

/** Runs so many statements that nobody has run before. */
async function flood(db: TestDatabase, count: number): Promise<void> {
  const columns = (n: number) => Array.from({ length: n + 1 }, () => "1").join(", ");
  await run(db.sql, Array.from({ length: count }, (_, n) => `select ${columns(n)}`).join(";"));
}

serverTest(
  "evicted statements make it unknown",
  { "pg_stat_statements.max": "400" },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await renamed(db, functions);
    assertEquals(await stateOf(functions), "quiet");
    await flood(db, 450);
    assertEquals(await stateOf(functions), "unknown statistics_evicted");
    await run(db.sql, "select name from experts where id = 1");
    assertEquals(await stateOf(functions), "used calls_seen statistics_evicted");
    // Whether or not this call is among what is evicted, no answer says that there was none.
    await run(db.sql, "select id from experts where id = 1");
    await flood(db, 450);
    await db.sql`update table_rename.sys_table_migration_usage set last_used_at = null`;
    assert(["unknown", "used"].includes((await usageOf(functions)).state));
  },
);

serverTest(
  "evictions before the rename, and by it, are no loss",
  { "pg_stat_statements.max": "400" },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const names = Array.from({ length: 60 }, (_, n) => `t_${n}`);
    for (const name of names) await run(db.sql, `create table ${name} (id int, x text default '')`);
    await flood(db, 450);
    const evictions = async () =>
      Number((await db.sql`select dealloc from extensions.pg_stat_statements_info`)[0].dealloc);
    const before = await evictions();
    await functions.rename({
      renames: names.map((old_name) => ({ old_name, new_name: `new_${old_name}` })),
    });
    const [{ noted }] = await db.sql<{ noted: number }[]>`
      select distinct (snapshot ->> 'dealloc')::int as noted from table_rename.sys_table_migration_usage`;
    assertGreater(noted, before);
    const { migrations } = await functions.list({ include: "usage", limit: 60 });
    // What is evicted after the rename is a loss, and to look takes some room, too.
    const [{ looked }] = await db.sql<{ looked: number }[]>`
      select distinct (sample -> 'statements' ->> 'dealloc')::int as looked
      from table_rename.sys_table_migration_usage`;
    const expected = looked === noted ? "quiet" : "unknown";
    assertEquals(new Set(migrations.map(({ usage }) => usage!.state)), new Set([expected]));
    const codes = new Set(
      migrations.flatMap(({ usage }) => usage!.reasons.map(({ code }) => code)),
    );
    assert(!codes.has("statistics_removed"));
  },
);

serverTest(
  "where the library is not loaded it is unknown",
  { shared_preload_libraries: "" },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await renamed(db, functions);
    assertEquals(await stateOf(functions), "unknown no_statistics");
  },
);

serverTest("a crash of the server loses statistics, and the answer says so", {}, async ({ db }) => {
  {
    await using functions = functionsFor(db.url);
    await renamed(db, functions);
    assertEquals(await stateOf(functions), "quiet");
  }
  const generation = async () => {
    const [row] = await db.sql<{ pid: number }[]>`
      select pid from pg_stat_activity where backend_type = 'checkpointer'`;
    return row?.pid;
  };
  const [before, [{ pid }]] = [await generation(), await db.admin`select pg_backend_pid() as pid`];
  Deno.kill(pid, "SIGKILL");
  await until("the server is back", async () => {
    const now = await generation().catch(() => undefined);
    return now !== undefined && now !== before;
  });
  await using functions = functionsFor(db.url);
  assertEquals(await stateOf(functions), "unknown statistics_reset");
});
