/** Who still uses an old name: every call is counted, by whom, and nothing else is. */
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import type { Usage } from "../../../shared/contract/responses.ts";
import { age } from "../../support/finalize.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { post } from "../../support/http/requests.ts";
import { ownServers } from "../../support/servers/own_servers.ts";
import { until } from "../../support/waiting.ts";
import { MEMBER_OF_PG_CRON } from "../../support/programs/pg_cron.ts";

const servers = ownServers([15, 17, 18]);

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

const TABLE = `create table experts (id int primary key, name text);
insert into experts select n, 'expert ' || n from generate_series(1, 20) n;
grant select on experts to anon, authenticated`;

/** What list-migrations says of the use of an old name. */
async function usageOf(functions: Functions, table = "experts"): Promise<Usage> {
  const { migrations } = await functions.list({ table, status: "active", include: "usage" });
  return migrations[0].usage!;
}

const run = (sql: postgres.Sql, text: string) => sql.unsafe(text).simple();

/** Ways to send one and the same query, by protocol and command. */
const PROTOCOLS: Record<string, (sql: postgres.Sql, table: string) => PromiseLike<unknown>> = {
  "simple query": (sql, table) => run(sql, `select name from ${table} where id = 3`),
  "extended query": (sql, table) => sql.unsafe(`select id from ${table} where id = $1`, [3]),
  "prepared by the client": (sql, table) =>
    sql.unsafe(`select id, name from ${table} where id = $1`, [3], { prepare: true }),
  "PREPARE and EXECUTE": (sql, table) =>
    run(
      sql,
      `prepare one as select name, id from ${table} where id = $1; execute one(3); deallocate one`,
    ),
  "a cursor": (sql, table) =>
    run(
      sql,
      `begin; declare c cursor for select * from ${table} where id < 9; fetch all from c; commit`,
    ),
  "COPY of a query": (sql, table) =>
    run(sql, `copy (select * from ${table} where id < 3) to stdout`),
  "INSERT": (sql, table) => run(sql, `insert into ${table} (id, name) values (100, 'new')`),
  "upsert": (sql, table) =>
    run(
      sql,
      `insert into ${table} (id) values (100) on conflict (id) do update set name = excluded.name`,
    ),
  "UPDATE": (sql, table) => run(sql, `update ${table} set name = 'other' where id = 100`),
  "DELETE": (sql, table) => run(sql, `delete from ${table} where id = 100`),
  "CREATE TABLE AS": (sql, table) =>
    run(sql, `create temp table copied as select * from ${table}; drop table copied`),
  "SELECT INTO": (sql, table) =>
    run(sql, `select * into temp table taken from ${table}; drop table taken`),
  "LOCK TABLE": (sql, table) => run(sql, `begin; lock table ${table} in access share mode; commit`),
  "a join": (sql, table) =>
    run(sql, `select count(*) from ${table} join pg_catalog.pg_class on relpages = ${table}.id`),
  "a subquery": (sql, table) =>
    run(sql, `select exists (select from public.${table} where id = 5)`),
  "quoted": (sql, table) => run(sql, `table public."${table}"`),
};

servers.test(
  "statements of every protocol through the old name are counted, and the same through the new name are not",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const sql = db.connect({ max: 1 });
    await run(sql, TABLE);
    // All of them ran before the rename too, and some a different number of times.
    for (const send of Object.values(PROTOCOLS)) await send(sql, "experts");
    for (const send of Object.values(PROTOCOLS).slice(0, 3)) await send(sql, "experts");
    await functions.rename(RENAME);
    assertEquals((await usageOf(functions)).calls, 0);
    for (const [name, send] of Object.entries(PROTOCOLS)) {
      await send(sql, "expert_profiles");
      const { calls, state } = await usageOf(functions);
      assertEquals([calls, state], [0, "quiet"], `${name} through the new name`);
    }
    let expected = 0;
    for (const [name, send] of Object.entries(PROTOCOLS)) {
      await send(sql, "experts");
      const { calls, state } = await usageOf(functions);
      assertEquals([calls, state], [++expected, "used"], name);
    }
    for (const [name, send] of Object.entries(PROTOCOLS)) {
      await send(sql, "expert_profiles");
      assertEquals(
        (await usageOf(functions)).calls,
        expected,
        `${name} through the new name again`,
      );
    }
  },
);

servers.test(
  "what a session has prepared before the rename is counted when it runs after it",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const sql = db.connect({ max: 1 });
    await run(sql, TABLE);
    const byClient = () =>
      sql.unsafe("select name from experts where id = $1", [1], { prepare: true });
    const bySql = () => run(sql, "execute warm(1)");
    await run(sql, "prepare warm as select id from experts where id = $1");
    for (let n = 0; n < 8; n++) await Promise.all([byClient(), bySql()]);
    await functions.rename(RENAME);
    await byClient();
    assertEquals((await usageOf(functions)).calls, 1);
    await bySql();
    assertEquals((await usageOf(functions)).calls, 2);
  },
);

servers.test("calls are reported by role, with examples that show no value", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await functions.rename(RENAME);
  for (const role of ["anon", "authenticated", "authenticated"]) {
    await db.as(
      role,
      (tx) => tx.unsafe("select id from experts where name = 'secret one' /* secret two */"),
    );
  }
  await run(db.sql, "copy (select name from experts where name = 'secret three') to stdout");
  await run(
    db.connect({ max: 1 }),
    `begin; declare c cursor for select 1 from experts where name = E'secret \\' four' or id = 987654;
     fetch c; commit`,
  );
  await run(db.sql, "do $$ begin perform 1 from experts where name = 'secret five'; end $$");
  const usage = await usageOf(functions);
  assertEquals(usage.state, "used");
  assertEquals(usage.calls, 6);
  assertEquals(
    new Set(usage.roles.map(({ role, calls }) => `${role} ${calls}`)),
    new Set([
      "postgres 3",
      "authenticated 2",
      "anon 1",
    ]),
  );
  assertEquals(usage.examples.length, 5);
  assertEquals(usage.examples[0], {
    statement: "select id from experts where name = $1",
    role: "authenticated",
    calls: 2,
  });
  const shown = JSON.stringify(usage.examples);
  assertEquals(shown.match(/secret|987654/g), null, shown);
  assertStringIncludes(shown, "copy (select name from experts where name = ");
});

servers.test(
  "a function that names the old name in its text is a use, though its statements are not counted",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await run(db.sql, TABLE);
    await run(
      db.sql,
      `create function names() returns bigint language plpgsql as $$
         begin return (select count(*) from experts); end $$;
       create function says_so() returns text language plpgsql as $$
         begin /* experts */ return 'from experts'; end $$`,
    );
    await functions.rename(RENAME);
    await run(db.sql, "select names(), says_so()");
    const { state, calls, reasons } = await usageOf(functions);
    assertEquals([state, calls], ["used", 0]);
    assertEquals(reasons.map(({ code }) => code), ["named_in_routine", "nested_not_counted"]);
    assertStringIncludes(reasons[0].message, "public.names()");
    await run(
      db.sql,
      `create or replace function names() returns bigint language plpgsql as $$
         begin return (select count(*) from expert_profiles); end $$`,
    );
    assertEquals((await usageOf(functions)).state, "quiet");
  },
);

servers.test(
  "statements inside of functions are counted where the server tracks them",
  async ({ db }) => {
    await db.admin.unsafe(`alter database ${db.name} set pg_stat_statements.track = 'all'`);
    await using functions = functionsFor(db.url);
    const sql = db.connect({ max: 1 });
    await run(sql, TABLE);
    const body = (table: string) => `
      declare found int; one record;
      begin
        if exists (select from ${table} where id = 3) then found := (select count(*) from ${table}); end if;
        perform 1 from ${table};
        select id into found from ${table} limit 1;
        for one in select name from ${table} loop null; end loop;
        execute 'select 2 from ${table}';
      end`;
    const block = (table: string) => run(sql, `do $body$ ${body(table)} $body$`);
    const make = (table: string) =>
      run(
        sql,
        `create or replace procedure work() language plpgsql as $body$ ${body(table)} $body$`,
      );
    await make("experts");
    await run(sql, "call work()");
    await block("experts");
    await functions.rename(RENAME);
    await make("expert_profiles");
    await run(sql, "call work()");
    await block("expert_profiles");
    assertEquals((await usageOf(functions)).calls, 0);
    await make("experts");
    await run(sql, "call work()");
    await make("expert_profiles");
    const { calls, state } = await usageOf(functions);
    assertEquals([calls, state], [6, "used"]);
    // The block is a statement that names it, too.
    await block("experts");
    assertEquals((await usageOf(functions)).calls, 13);
  },
);

servers.test("a cron job that names the old name is a use", async ({ db }) => {
  await using functions = functionsFor(db.url);
  // What pg_cron makes, as far as it is read.
  await db.admin.unsafe(`
    create schema cron;
    create table cron.job (jobid bigint, jobname text, command text, database text, username text);
    insert into cron.job values
      (1, 'clean up', 'delete from public.experts where name is null', current_database(), 'postgres'),
      (2, 'elsewhere', 'delete from public.experts', 'other', 'postgres'),
      (3, 'renamed', 'delete from expert_profiles -- experts', current_database(), 'postgres');
    grant usage on schema cron to postgres;
    grant select on cron.job to postgres;
    ${MEMBER_OF_PG_CRON}`).simple();
  await run(db.sql, TABLE);
  await functions.rename(RENAME);
  const { state, reasons, quiet_since } = await usageOf(functions);
  assertEquals([state, quiet_since], ["used", null]);
  assertEquals(reasons.map(({ code }) => code), ["named_in_cron_job", "nested_not_counted"]);
  assertStringIncludes(reasons[0].message, "clean up");
});

servers.test("a session that is at work on the view at this moment is a use", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await functions.rename(RENAME);
  assertEquals((await usageOf(functions)).state, "quiet");
  const sql = db.connect({ max: 1 });
  await run(sql, "begin; select from experts where id = 0");
  const busy = await usageOf(functions);
  assertEquals(busy.state, "used");
  assertEquals(busy.reasons.filter(({ code }) => code === "running_now").length, 1);
  assertStringIncludes(JSON.stringify(busy.reasons), "role postgres");
  await run(sql, "rollback; begin; select from expert_profiles");
  const { reasons } = await usageOf(functions);
  assertEquals(reasons.filter(({ code }) => code === "running_now"), []);
});

servers.test("another table of the same name is another table", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await run(db.sql, "create schema app; create table app.experts (id int primary key, name text)");
  await functions.rename(RENAME);
  await run(db.sql, "select * from app.experts where id = 1");
  await run(db.sql, "create temp table t (experts int); select experts from t as experts");
  await run(db.sql, "with experts as (select 1) select * from experts");
  await run(db.sql, "select 'experts' from expert_profiles -- from experts");
  const { state, calls, reasons } = await usageOf(functions);
  assertEquals(calls, 0);
  // Since 18 a statement is counted by the names in it, without their schemas.
  assertEquals(state, db.version < 18 ? "quiet" : "unknown", JSON.stringify(reasons));
  if (db.version < 18) {
    await run(db.sql, "set search_path = app; select id from experts where name = 'x'");
    const { state, calls } = await usageOf(functions);
    assertEquals([state, calls], ["unknown", 0]);
  }
});

servers.test(
  "an unqualified name that only one schema has is that table, whatever the search path",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await run(db.sql, "create schema app; create table app.experts (id int primary key)");
    await functions.rename({ schema: "app", ...RENAME });
    const sql = db.connect({ max: 1 });
    await run(sql, "set search_path = app");
    await run(sql, "select id from experts");
    const { state, calls } = await usageOf(functions);
    assertEquals([state, calls], ["used", 1]);
  },
);

servers.test(
  "where the server counts by alias, it is unknown through which name a query with one went",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await run(db.sql, TABLE);
    await functions.rename(RENAME);
    await run(db.sql, "select e.id from expert_profiles e where e.id = 1");
    const { calls, state, reasons } = await usageOf(functions);
    assertEquals([calls, state], [0, "unknown"]);
    assert(reasons.some(({ code }) => code === "unclear_statements"));
    await run(db.sql, "select e.id from experts as e where e.name = ''");
    assertEquals((await usageOf(functions)).state, "unknown");
    await run(db.sql, "select id from experts where name = ''");
    assertEquals((await usageOf(functions)).state, "used");
  },
  { versions: [18] },
);

servers.test("aliases change nothing where the server counts by table", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await run(db.sql, "select e.id from experts e where e.id = 1");
  await functions.rename(RENAME);
  await run(db.sql, "select e.id from expert_profiles e where e.id = 1");
  assertEquals((await usageOf(functions)).state, "quiet");
  await run(db.sql, "select e.id from experts e where e.id = 1");
  const { calls, state } = await usageOf(functions);
  assertEquals([calls, state], [1, "used"]);
}, { versions: [15, 17] });

servers.test("nothing that we do ourselves is a use", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await run(
    db.sql,
    `alter table experts enable row level security, alter column name set default 'x';
     comment on table experts is 'experts'; create index on experts (name)`,
  );
  await functions.rename(RENAME);
  await functions.rollback({ table: "experts" });
  const { migrations: [{ id }] } = await functions.rename(RENAME);
  await run(db.sql, "alter table expert_profiles add column more text");
  await functions.list({ include: "drift" });
  await functions.refresh({ migration_id: id });
  await functions.rename({ old_name: "expert_profiles", new_name: "people" });
  await functions.refused("already_renamed", "rename", RENAME);
  await functions.rollback({ table: "people" });
  const { state, calls, examples } = await usageOf(functions);
  assertEquals([state, calls], ["quiet", 0], JSON.stringify(examples));
});

servers.test("verifying the old name is not counted as use of it, in whatever depth use is counted", async ({ db }) => {
  await db.admin.unsafe(`alter database ${db.name} set pg_stat_statements.track = 'all'`);
  await using functions = functionsFor(db.url);
  await run(
    db.sql,
    `create table teams (id int primary key); ${TABLE}; alter table experts add team int references teams`,
  );
  const { migrations: [{ id }] } = await functions.rename(RENAME);
  const { checks } = await functions.verify({ migration_id: id });
  assert(checks.filter(({ passed }) => passed).length > 3);
  const { state, calls, examples } = await usageOf(functions);
  assertEquals([state, calls], ["quiet", 0], JSON.stringify(examples));
  await run(db.connect({ max: 1 }), "select id from experts");
  assertEquals((await usageOf(functions)).calls, 1);
});

servers.test(
  "calls through the table while the rename waits for its locks are not calls through the view",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const [sql, reader] = [db.connect({ max: 1 }), db.connect({ max: 1 })];
    await run(sql, TABLE);
    const query = () => run(sql, "select id from experts where id = 4");
    await query();
    await run(reader, "begin; select from experts where false");
    const renamed = functions.rename({ ...RENAME, lock_timeout_ms: 20, max_wait_ms: 20_000 });
    await until("the rename waits", async () => {
      const [{ waits }] = await db.sql`
        select count(*) > 0 as waits from pg_locks
        where relation = 'experts'::regclass and mode = 'ShareUpdateExclusiveLock' and granted`;
      return waits;
    });
    for (let n = 0; n < 50; n++) await query();
    await run(reader, "rollback");
    await renamed;
    assertEquals((await usageOf(functions)).calls, 0);
    await query();
    assertEquals((await usageOf(functions)).calls, 1);
  },
);

servers.test("each look reports what is new, however many look at once", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await functions.rename(RENAME);
  const sql = db.connect({ max: 1 });
  for (let round = 1; round <= 4; round++) {
    for (let n = 0; n < 5; n++) await run(sql, "select from experts");
    const looks = await Promise.all(Array.from({ length: 4 }, () => usageOf(functions)));
    assertEquals(looks.map(({ calls }) => calls), [5, 5, 5, 5].map((calls) => calls * round));
  }
  const { last_used_at, last_sampled_at, since, quiet_since } = await usageOf(functions);
  assertGreater(Date.parse(last_sampled_at!), Date.parse(last_used_at!));
  assertGreater(Date.parse(last_used_at!), Date.parse(since!));
  assertEquals(quiet_since, last_used_at);
});

servers.test("a month without calls is a month of quiet", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await functions.rename(RENAME);
  await run(db.sql, "select from experts");
  assertEquals((await usageOf(functions)).state, "used");
  await age(db, 31);
  const later = await usageOf(functions);
  assertEquals([later.state, later.calls], ["quiet", 1]);
  assertEquals(later.quiet_since, later.last_used_at);
  const days = (Date.now() - Date.parse(later.quiet_since!)) / 86_400_000;
  assert(days > 30.9 && days < 31.1, String(days));
  await run(db.sql, "select from experts");
  const again = await usageOf(functions);
  assertEquals([again.state, again.calls], ["used", 2]);
});

servers.test(
  "while the old name is called the rename is not ended, and the refusal says who calls",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await run(db.sql, TABLE);
    await functions.rename(RENAME);
    await db.as("anon", (tx) => tx.unsafe("select name from experts where name = 'secret'"));
    const plan = await functions.finalize({ table: "experts", mode: "plan" });
    assertEquals(plan.migrations[0].usage!.state, "used");
    assertEquals(plan.migrations[0].usage!.roles, [{ role: "anon", calls: 1 }]);
    const problem = await functions.refused("old_name_in_use", "finalize", { table: "experts" });
    const [{ object, message }, ...more] = problem.evidence as {
      object: string;
      message: string;
    }[];
    assertEquals([object, more.length], ['"public"."experts"', 0]);
    assertStringIncludes(message, "anon (1)");
    assertStringIncludes(message, "select name from experts where name = $1");
    assertEquals(JSON.stringify(problem).includes("secret"), false);
    await run(db.sql, "select from experts");
    // A day later nobody has called any more.
    await age(db, 1);
    await functions.refused("old_name_in_use", "finalize", { table: "experts" });
    await age(db, 1);
    const { migrations } = await functions.finalize({ table: "experts" });
    assertEquals(migrations[0].status, "finalized");
  },
);

servers.test("days of quiet are a condition for the end of a rename", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await functions.rename(RENAME);
  const week = { table: "experts", quiet_for_days: 7 };
  const refused = async () => {
    const problem = await functions.refused("old_name_in_use", "finalize", week);
    return (problem.evidence as { message: string }[])[0].message;
  };
  assertStringIncludes(await refused(), "not been quiet for 7 days");
  const plan = await functions.finalize({ ...week, mode: "plan" });
  assertEquals(plan.migrations[0].usage!.state, "quiet");
  const verdict = async (query = {}) => {
    const { migrations: [one] } = await functions.list({ include: "usage,drift", ...query });
    return one.ready_to_finalize!;
  };
  const early = await verdict();
  assertEquals([early, early.ready], [plan.migrations[0].ready_to_finalize!, false]);
  assertEquals(Date.parse(early.earliest!), Date.parse(plan.findings[0].earliest!));
  assertEquals((await verdict({ quiet_for_days: 0 })).ready, true);
  assertEquals(plan.findings.map(({ code }) => code), ["not_quiet_long_enough"]);
  await age(db, 6);
  assertStringIncludes(await refused(), "not been quiet for 7 days");
  await run(db.sql, "select from experts");
  await age(db, 2);
  assertStringIncludes(await refused(), "Calls through the old name");
  await age(db, 6);
  assertStringIncludes(await refused(), "not been quiet for 7 days");
  // What was lost is lost; but the days since then count.
  await run(db.admin, "select extensions.pg_stat_statements_reset()");
  assertStringIncludes(await refused(), "not been quiet for 7 days");
  assertEquals((await usageOf(functions)).state, "unknown");
  await age(db, 8);
  const ready = await verdict();
  assertEquals([ready.ready, ready.reasons.map(({ code }) => code)], [true, ["quiet"]]);
  await functions.finalize(week);
  // It is a week unless the caller says otherwise.
  await functions.rename({ old_name: "expert_profiles", new_name: "people" });
  const { status, body } = await post(functions, "finalize", { table: "expert_profiles" });
  assertEquals([status, body.code], [409, "old_name_in_use"]);
  assertStringIncludes(body.detail, "Too early");
  assert(!/still/.test(JSON.stringify([body.detail, body.findings, body.evidence])));
  const days = (Date.parse(body.earliest) - Date.now()) / 86_400_000;
  assert(days > 6.9 && days < 7.1, body.earliest);
  assertStringIncludes(body.detail, body.earliest);
  assertStringIncludes(body.hint, '"quiet_for_days": 0');
});

servers.test("what cannot be known is not quiet for any number of days", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  await functions.rename(RENAME);
  await age(db, 100);
  await run(db.admin, "drop extension pg_stat_statements");
  const week = { table: "experts", quiet_for_days: 7 };
  const problem = await functions.refused("old_name_in_use", "finalize", week);
  assertStringIncludes(JSON.stringify(problem.evidence), "cannot be known");
  const inUse = { ...week, acknowledge: ["old_name_in_use"] };
  await functions.refused("old_name_in_use", "finalize", inUse);
  const acknowledge = ["not_quiet_long_enough"];
  const { migrations } = await functions.finalize({ ...week, acknowledge });
  assertEquals(migrations[0].status, "finalized");
});

servers.test(
  "usage is reported where it is asked for, of active renames that have a view",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await run(db.sql, `${TABLE}; create table a (id int); create table b (id int)`);
    await functions.rename(RENAME);
    await functions.rename({ old_name: "a", new_name: "a2", compatibility_view: false });
    await functions.rename({ old_name: "b", new_name: "b2" });
    await functions.rollback({ table: "b" });
    const { migrations } = await functions.list({ include: "drift,usage" });
    assertEquals(
      migrations.map(({ old_name, usage }) => [old_name, usage?.state]),
      [["b", undefined], ["a", undefined], ["experts", "quiet"]],
    );
    assertEquals(migrations.map(({ drift }) => drift), [[], [], []]);
    const without = await functions.list();
    assert(without.migrations.every((migration) => !("usage" in migration)));
    const { length } = await db.sql`select from table_rename.sys_table_migration_usage`;
    assertEquals(length, 2);
    await db.sql`delete from sys_table_migrations`;
    assertEquals((await db.sql`select from table_rename.sys_table_migration_usage`).length, 0);
  },
);

servers.test("a batch is looked at as a whole, each name for itself", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const names = Array.from({ length: 30 }, (_, n) => `t_${n}`);
  const odd = `it's "odd" ÄÖ \\ ${"x".repeat(30)}`;
  const plain = "日本";
  for (const name of [...names, odd, plain]) await db.sql`create table ${db.sql(name)} (id int)`;
  const renames = [...names, odd, plain].map((old_name, n) => ({ old_name, new_name: `new_${n}` }));
  await functions.rename({ renames });
  for (const name of ["t_3", "t_3", "t_17", odd, plain]) {
    await run(db.sql, `select from "${name.replaceAll('"', '""')}"`);
  }
  const { migrations } = await functions.list({ include: "usage", limit: 50 });
  const used = new Map(
    migrations.filter(({ usage }) => usage!.state === "used")
      .map(({ old_name, usage }) => [old_name, usage!.calls]),
  );
  assertEquals(
    used,
    new Map([["t_3", 2], ["t_17", 1], [odd, 1], [plain, 1]].toReversed() as [string, number][]),
  );
  assertEquals(migrations.filter(({ usage }) => usage!.state === "quiet").length, 28);
});

servers.test("a rename that is refused leaves nothing about usage", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  const reader = db.connect({ max: 1 });
  await run(reader, "begin; select from experts");
  await functions.refused("lock_not_acquired", "rename", { ...RENAME, max_wait_ms: 50 });
  await run(reader, "rollback");
  assertEquals((await db.sql`select from table_rename.sys_table_migration_usage`).length, 0);
});
