import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RollbackInput } from "../../../shared/contract/requests.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { catalogState, databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { changingNothing } from "../../support/renamed.ts";

/** The table refers to itself, which the Data API cannot follow under the old name. */
const acknowledge = ["ambiguous_self_reference"];

async function rename(functions: Functions, old_name: string, new_name: string): Promise<string> {
  const answer = await functions.rename({ old_name, new_name, acknowledge });
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  return answer.migrations[0].id;
}

async function rollback(functions: Functions, body: RollbackInput): Promise<string[]> {
  const answer = await functions.rollback(body);
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  return answer.migrations.map(({ id }) => id);
}

const TABLE = `create table a (
  id int primary key generated always as identity,
  parent int references a, name text default 'x', constraint positive check (id > 0));
  create index a_name on a (name);
  alter table a enable row level security;
  create policy p on a using (exists (select from a other where other.id = a.parent))`;

databaseTest("each name of a chain reads and writes the same rows", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  await rename(functions, "a", "b");
  await rename(functions, "b", "c");
  await rename(functions, "c", "d");
  for (const name of ["a", "b", "c", "d"]) {
    await db.sql`insert into ${db.sql(name)} (name) values (${name})`;
  }
  for (const name of ["a", "b", "c", "d"]) {
    const rows = await db.sql`select name from ${db.sql(name)} order by id`;
    assertEquals(rows.map((row) => row.name), ["a", "b", "c", "d"]);
  }
});

databaseTest("a chain is rolled back alone, the last rename first", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  const states = [await catalogState(db.admin)];
  const ids: string[] = [];
  for (const [from, to] of [["a", "b"], ["b", "c"], ["c", "d"]]) {
    ids.push(await rename(functions, from, to));
    states.push(await catalogState(db.admin));
  }
  for (const id of ids.toReversed()) {
    states.pop();
    await rollback(functions, { migration_id: id });
    assertEquals(stateDifferences(states.at(-1)!, await catalogState(db.admin)), []);
  }
});

databaseTest("a rollback out of order is refused, and names what comes first", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  const first = await rename(functions, "a", "b");
  const second = await rename(functions, "b", "c");
  const problem = await changingNothing(
    db,
    () => functions.refused("drifted", "rollback", { migration_id: first }),
  );
  const [difference] = problem.differences as { code: string; message: string; remedy: string }[];
  assertEquals(difference.code, "later_migration");
  assertStringIncludes(difference.message, '"public"."c"');
  assertStringIncludes(difference.message, second);
  assertStringIncludes(difference.remedy, second);
  assertStringIncludes(problem.hint!, second);
  await rollback(functions, { migration_id: second });
  await rollback(functions, { migration_id: first });
});

databaseTest("by a name that two renames share, the last one is rolled back", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  const first = await rename(functions, "a", "b");
  const second = await rename(functions, "b", "c");
  assertEquals(await rollback(functions, { table: "b" }), [second]);
  assertEquals(await rollback(functions, { table: "b" }), [first]);
});

databaseTest("a table cannot be renamed under a name that is its view now", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  const id = await rename(functions, "a", "b");
  const before = await databaseState(db.admin);
  const renamed = await functions.refused("already_renamed", "rename", {
    old_name: "a",
    new_name: "z",
  });
  assertEquals(renamed.migration_id, id);
  assertStringIncludes(renamed.detail, '"public"."b"');
  const taken = await functions.refused("name_taken", "rename", { old_name: "b", new_name: "a" });
  assertEquals(taken.migration_id, id);
  assertStringIncludes(taken.hint!, "roll");
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
});

databaseTest("a table is renamed and rolled back again and again", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  const before = await catalogState(db.admin);
  for (let round = 0; round < 5; round++) {
    const id = await rename(functions, "a", "b");
    await rollback(functions, round % 2 ? { migration_id: id } : { table: "a" });
  }
  await rename(functions, "a", "c");
  await rollback(functions, { table: "c" });
  assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  const { migrations } = await functions.list({ status: "rolled_back" });
  assertEquals(migrations.length, 6);
  assertEquals((await functions.list({ status: "active" })).migrations, []);
});

databaseTest("a rolled back rename leaves its names to other tables", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  const first = await rename(functions, "a", "b");
  await rollback(functions, { migration_id: first });
  await db.sql`create table b (other text)`;
  const taken = await functions.refused("name_taken", "rename", { old_name: "a", new_name: "b" });
  assertEquals((taken.taken_by as { kind: string }).kind, "a table");
  const other = await rename(functions, "b", "b_new");
  await functions.refused("not_active", "rollback", { migration_id: first });
  await rollback(functions, { migration_id: other });
});

databaseTest("a new table with a rolled back one's old name is independent", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLE).simple();
  await rollback(functions, { migration_id: await rename(functions, "a", "b") });
  await db.sql.unsafe("alter table a rename to kept; create table a (id int, note text)").simple();
  const second = await rename(functions, "a", "b");
  await db.sql`insert into a (id, note) values (1, 'new')`;
  assertEquals((await db.sql`select note from b`).length, 1);
  await rollback(functions, { migration_id: second });
  assertEquals((await db.sql`select note from a`).length, 1);
  assertEquals((await db.sql`select name from kept`).length, 0);
});

databaseTest("a name that an active rename holds is refused though it is free", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`${TABLE}; create table other (id int)`).simple();
  const id = await rename(functions, "a", "b");
  await db.sql.unsafe("drop view a; create table a (id int)").simple();
  const again = await functions.refused("already_renamed", "rename", {
    old_name: "a",
    new_name: "z",
  });
  assertEquals(again.migration_id, id);
  await db.sql.unsafe("alter table b rename to moved").simple();
  const held = await functions.refused("name_taken", "rename", {
    old_name: "other",
    new_name: "b",
  });
  assertEquals(held.migration_id, id);
});

databaseTest("two tables swap their names in three renames, and swap back", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe("create table x (is_x int); create table y (is_y int)").simple();
  const before = await catalogState(db.admin);
  const step = async (old_name: string, new_name: string) =>
    (await functions.rename({ old_name, new_name, compatibility_view: false })).migrations[0].id;
  const ids = [await step("x", "temporary"), await step("y", "x"), await step("temporary", "y")];
  await db.sql`insert into x (is_y) values (1)`;
  const early = await functions.refused("drifted", "rollback", { migration_id: ids[0] });
  assert(early.differences);
  for (const id of ids.toReversed()) await rollback(functions, { migration_id: id });
  assertEquals((await db.sql`select is_y from y`).length, 1);
  assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
});
