/** Views that count their use: exactly, for everybody, without being anything else than they were. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type postgres from "postgres";
import type { Usage } from "../../../shared/contract/responses.ts";
import type { TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { ownServers } from "../../support/servers/own_servers.ts";
import { catalogState, stateDifferences } from "../../support/catalog/state.ts";

const servers = ownServers([15, 17, 18]);

const RENAME = { old_name: "experts", new_name: "expert_profiles" };
const COUNTED = { ...RENAME, count_use: true };

const TABLE = `create table experts (id int primary key, name text default 'x', owner text);
insert into experts select n, 'expert ' || n, case n % 2 when 0 then 'anon' else 'authenticated' end
from generate_series(1, 20) n;
grant select, insert, update, delete on experts to anon, authenticated`;

const run = (sql: postgres.Sql, text: string) => sql.unsafe(text).simple();

async function usageOf(functions: Functions, table = "experts"): Promise<Usage> {
  const { migrations } = await functions.list({ table, status: "active", include: "usage" });
  return migrations[0].usage!;
}

/** What list-migrations reports of reads, once the sessions' counts have come to the server. */
async function readsOf(
  db: TestDatabase,
  functions: Functions,
  sql = db.sql,
): Promise<number | null> {
  await run(sql, "select pg_stat_force_next_flush()");
  return (await usageOf(functions)).reads;
}

const scanCounters = (db: TestDatabase) =>
  db.sql`select relname from pg_class where relnamespace = 'table_rename'::regnamespace
    and relname like 'tick%'`;

/** Statements through a name, and how often each looks. */
const STATEMENTS: Record<string, [count: number, sql: (name: string) => string]> = {
  "SELECT": [1, (t) => `select * from ${t} where id = 2`],
  "SELECT of nothing": [1, (t) => `select * from ${t} where id = 0`],
  "a self-join": [2, (t) => `select count(*) from ${t} a join ${t} b on a.id = b.id`],
  "UPDATE": [1, (t) => `update ${t} set name = default where id = 2`],
  "DELETE": [1, (t) => `delete from ${t} where id = 20`],
  "INSERT": [0, (t) => `insert into ${t} (id) values (21)`],
  "upsert": [
    0,
    (t) => `insert into ${t} (id) values (21) on conflict (id) do update set name = excluded.name`,
  ],
  "a cursor": [1, (t) => `begin; declare c cursor for select * from ${t}; fetch c; commit`],
  "FOR UPDATE": [1, (t) => `select * from ${t} order by id limit 1 for update skip locked`],
  "read only": [1, (t) => `begin read only; select * from ${t}; commit`],
  "rolled back": [1, (t) => `begin; delete from ${t}; rollback`],
  "in a function": [1, (t) => `do $$ begin perform 1 from ${t}; end $$`],
};

servers.test("every read, update and delete through the view is counted, without any statistics of statements", async ({ db }) => {
  await run(db.admin, "drop extension pg_stat_statements");
  await using functions = functionsFor(db.url);
  const sql = db.connect({ max: 1 });
  await run(sql, TABLE);
  await functions.rename(COUNTED);
  const first = await usageOf(functions);
  assertEquals([first.state, first.reads, first.calls], ["unknown", 0, null]);
  assertEquals(first.reasons.map(({ code }) => code), ["no_statistics", "inserts_not_counted"]);
  for (const [name, [, text]] of Object.entries(STATEMENTS)) {
    await run(sql, text("expert_profiles"));
    assertEquals(await readsOf(db, functions, sql), 0, `${name} through the table`);
    if (name === "INSERT") await run(sql, "delete from expert_profiles where id = 21");
  }
  await run(sql, "delete from expert_profiles where id > 20");
  let expected = 0;
  for (const [name, [count, text]] of Object.entries(STATEMENTS)) {
    await run(sql, text("experts"));
    expected += count;
    const reads = await readsOf(db, functions, sql);
    assertEquals(reads, expected, name);
  }
  const prepared = () => sql.unsafe("select * from experts where id = $1", [3], { prepare: true });
  for (let n = 0; n < 8; n++) await prepared();
  assertEquals(await readsOf(db, functions, sql), expected + 8);
  const usage = await usageOf(functions);
  assertEquals([usage.state, usage.reasons[0].code], ["used", "calls_seen"]);
  await db
    .sql`update table_rename.sys_table_migration_usage set last_used_at = last_used_at - interval '2 days'`;
  assertEquals((await usageOf(functions)).state, "unknown");
});

servers.test("roles see through a view that counts what they saw, and no more", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(
    db.sql,
    `${TABLE}; alter table experts enable row level security;
     create policy own on experts using (owner = current_user) with check (owner = current_user)`,
  );
  const seen = (role: string) =>
    db.as(role, async (tx) => [
      (await tx`select id from experts order by id`).map(({ id }) => id),
      (await tx`update experts set name = default returning id`).length,
      (await tx`insert into experts (id, owner) values (30, current_user) returning name`)[0].name,
      (await tx`insert into experts (id, owner) values (30, current_user)
        on conflict (id) do update set name = 'again' returning name`)[0].name,
      (await tx`delete from experts returning id`).length,
    ]);
  const before = [await seen("anon"), await seen("authenticated")];
  const { verification } = await functions.rename(COUNTED);
  assert(verification!.passed, JSON.stringify(verification));
  assertEquals([await seen("anon"), await seen("authenticated")], before);
  for (const role of ["anon", "authenticated"]) {
    for (const change of ["insert into %s default values", "delete from %s", "truncate %s"]) {
      const [{ relname }] = await scanCounters(db);
      const statement = change.replace("%s", `table_rename."${relname}"`);
      const code = await db.as(role, (tx) => tx.unsafe(statement)).then(
        () => "done",
        (error) => error.code,
      );
      assertEquals(code, "42501", `${role}: ${statement}`);
    }
    const made = await db.as(role, (tx) => tx.unsafe("create table table_rename.mine ()"))
      .then(() => "done", (error) => error.code);
    assertEquals(made, "42501");
  }
  // Whatever somebody with the right to does to it, the view shows what its table has.
  const [{ relname }] = await scanCounters(db);
  await run(db.sql, `insert into table_rename."${relname}" default values`);
  await run(db.sql, `insert into table_rename."${relname}" default values`);
  assertEquals([await seen("anon"), await seen("authenticated")], before);
});

servers.test("the count goes with the view, at rollback and finalize", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  const before = await catalogState(db.admin);
  await functions.rename(COUNTED);
  assertEquals((await scanCounters(db)).length, 1);
  const back = await functions.rollback({ table: "experts" });
  assert(back.verification!.passed);
  assertEquals((await scanCounters(db)).length, 0);
  assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  await functions.rename(COUNTED);
  await run(db.sql, "create view names with (security_invoker = true) as select name from experts");
  await functions.finalize({ table: "experts", acknowledge: ["old_name_in_use"] });
  assertEquals((await scanCounters(db)).length, 0);
  assertEquals((await db.sql`select * from names`).length, 20);
});

servers.test("a table that is renamed on has a count for each old name", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const sql = db.connect({ max: 1 });
  await run(sql, TABLE);
  await functions.rename(COUNTED);
  await functions.rename({ old_name: "expert_profiles", new_name: "people", count_use: true });
  assertEquals((await scanCounters(db)).length, 2);
  await run(sql, "select from experts");
  await run(sql, "select from expert_profiles; select from expert_profiles; select from people");
  assertEquals(await readsOf(db, functions, sql), 1);
  const { migrations } = await functions.list({ include: "usage,drift" });
  assertEquals(
    migrations.map(({ old_name, usage }) => [old_name, usage!.reads]),
    [["expert_profiles", 2], ["experts", 1]],
  );
  assertEquals(migrations.map(({ drift }) => drift), [[], []]);
  await functions.rollback({ table: "people" });
  assertEquals((await scanCounters(db)).length, 1);
});

servers.test("a refresh keeps the count, in place or anew", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const sql = db.connect({ max: 1 });
  await run(sql, TABLE);
  const { migrations: [{ id }] } = await functions.rename(COUNTED);
  await run(sql, "select from experts");
  assertEquals(await readsOf(db, functions, sql), 1);
  await run(sql, "alter table expert_profiles add column more text");
  await functions.refresh({ migration_id: id });
  await run(sql, "select more from experts");
  assertEquals(await readsOf(db, functions, sql), 2);
  await functions.refresh({ migration_id: id, without_columns: ["name"] });
  await run(sql, "select id from experts");
  assertEquals(await readsOf(db, functions, sql), 3);
  assertEquals((await scanCounters(db)).length, 1);
  const { migrations: [{ drift }] } = await functions.list({ include: "drift" });
  assertEquals(drift, []);
});

servers.test("verifying a view that counts is not counted as use of it", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const sql = db.connect({ max: 1 });
  await run(sql, TABLE);
  const { migrations: [{ id }] } = await functions.rename(COUNTED);
  await run(sql, "select from experts");
  assertEquals(await readsOf(db, functions, sql), 1);
  const answer = await functions.verify({ migration_id: id });
  assert(answer.passed, JSON.stringify(answer, null, 1));
  assertEquals(await readsOf(db, functions, sql), 1);
  assertStringIncludes(JSON.stringify(answer), "counts its use");
  await run(sql, "select from experts");
  assertEquals(await readsOf(db, functions, sql), 2);
});

servers.test("where aliases hide the name, the view's own count shows the use", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const sql = db.connect({ max: 1 });
  await run(sql, TABLE);
  await functions.rename(COUNTED);
  await run(sql, "select e.id from expert_profiles e; update expert_profiles e set name = 'y'");
  const quiet = await usageOf(functions);
  assertEquals([quiet.state, quiet.reads], ["quiet", 0], JSON.stringify(quiet.reasons));
  await run(sql, "insert into expert_profiles as e (id) values (40)");
  assertEquals((await usageOf(functions)).state, "unknown");
  await run(sql, "select e.id from experts e");
  assertEquals(await readsOf(db, functions, sql), 1);
  assertEquals((await usageOf(functions)).state, "used");
}, { versions: [18] });

servers.test("scans that are reset are counted on from nothing", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const sql = db.connect({ max: 1 });
  await run(sql, TABLE);
  await functions.rename(COUNTED);
  for (let n = 0; n < 3; n++) await run(sql, "select from experts");
  assertEquals(await readsOf(db, functions, sql), 3);
  await run(db.admin, "select pg_stat_reset()");
  assertEquals(await readsOf(db, functions, sql), 3);
  for (let n = 0; n < 4; n++) await run(sql, "select from experts");
  assertEquals(await readsOf(db, functions, sql), 7);
});

servers.test("a plan says what it makes, and applies as it was planned or proposed", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await run(db.sql, TABLE);
  const plan = await functions.rename({ ...COUNTED, mode: "plan" });
  assertEquals((await scanCounters(db)).length, 0);
  assert(plan.statements.some(({ sql }) => sql.startsWith('create table "table_rename"')));
  const other = await functions.rename({ ...RENAME, mode: "plan" });
  assert(other.plan_hash !== plan.plan_hash);
  const { batch_id } = await functions.rename({ ...COUNTED, mode: "propose" });
  assertEquals((await scanCounters(db)).length, 0);
  const done = await functions.rename({ batch_id: batch_id! });
  assertEquals(done.plan_hash, plan.plan_hash);
  assertEquals((await scanCounters(db)).length, 1);
  const [{ relname }] = await scanCounters(db);
  const body = { schema: "table_rename", old_name: relname, new_name: "x" };
  await functions.refused("protected_schema", "rename", body);
  await functions.rollback({ table: "experts" });
  // One that somebody left over is in nobody's way.
  await run(db.sql, `create table table_rename."${relname}" (x int)`);
  await functions.rename({ ...COUNTED, expected_plan_hash: plan.plan_hash });
  assertEquals((await scanCounters(db)).length, 1);
});

servers.test("a batch is counted name by name", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const names = Array.from({ length: 25 }, (_, n) => `t_${n}`);
  const sql = db.connect({ max: 1 });
  for (const name of names) await run(sql, `create table ${name} (id int)`);
  const renames = names.map((old_name) => ({ old_name, new_name: `new_${old_name}` }));
  const { verification } = await functions.rename({ renames, count_use: true });
  assert(verification!.passed);
  await run(sql, "select from t_3; select from t_3; delete from t_7");
  await run(sql, "select pg_stat_force_next_flush()");
  const { migrations } = await functions.list({ include: "usage" });
  const counted = migrations.filter(({ usage }) => usage!.reads! > 0)
    .map(({ old_name, usage }) => [old_name, usage!.reads]);
  assertEquals(new Map(counted as [string, number][]), new Map([["t_7", 1], ["t_3", 2]]));
  await functions.rollback({ batch_id: migrations[0].batch_id });
  assertEquals((await scanCounters(db)).length, 0);
});
