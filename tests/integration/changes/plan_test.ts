import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import { assertStringIncludes } from "@std/assert";
import type { Finding } from "../../../shared/contract/responses.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { withoutRecorded } from "../../support/findings.ts";
import { functionsFor } from "../../support/http/functions.ts";
import {
  createEverythingSchema,
  EVERYTHING_ACKNOWLEDGED,
} from "../../support/catalog/everything_schema.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { createStripeSchema, STRIPE_SCHEMA } from "../../support/corpus/stripe_schema.ts";
import { changingNothing } from "../../support/renamed.ts";

const ITEMS = {
  schema: "app",
  old_name: "items",
  new_name: "things",
  acknowledge: EVERYTHING_ACKNOWLEDGED,
};

databaseTest("a plan changes nothing, and is what an apply runs", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await createEverythingSchema(db);
  const plan = await changingNothing(db, () => functions.rename({ ...ITEMS, mode: "plan" }));
  assertEquals((await db.sql`select from table_rename.sys_table_migration_events`).length, 0);
  assertEquals(plan.mode, "plan");
  assertEquals(
    [plan.batch_id, plan.lock, plan.verification, plan.migrations],
    [null, null, null, []],
  );
  assert(plan.statements.every(({ sql, purpose }) => sql.length > 5 && purpose.length > 5));
  const again = await functions.rename({ ...ITEMS, mode: "plan" });
  const lasting = withoutRecorded(plan.findings);
  assertEquals({ ...again, findings: withoutRecorded(again.findings) }, {
    ...plan,
    findings: lasting,
  });

  const applied = await functions.rename({ ...ITEMS, expected_plan_hash: plan.plan_hash });
  assertEquals(applied.statements, plan.statements);
  assertEquals(withoutRecorded(applied.findings), lasting);
  assertEquals(applied.plan_hash, plan.plan_hash);
  assertEquals(applied.migrations[0].plan_hash, plan.plan_hash);
});

databaseTest("a plan names breaking findings without refusing", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await createEverythingSchema(db);
  const plan = await functions.rename({ ...ITEMS, acknowledge: [], mode: "plan" });
  const breaking = plan.findings.filter(({ severity }) => severity === "breaking");
  assertEquals(breaking.map(({ code }) => code).sort(), EVERYTHING_ACKNOWLEDGED.toSorted());
  const problem = await changingNothing(db, () =>
    functions.refused("breaking_findings", "rename", {
      ...ITEMS,
      acknowledge: EVERYTHING_ACKNOWLEDGED.slice(1),
    }));
  assertStringIncludes(problem.detail, EVERYTHING_ACKNOWLEDGED[0]);
  assertStringIncludes(problem.hint!, `"acknowledge": ["${EVERYTHING_ACKNOWLEDGED[0]}"]`);
  assertEquals(withoutRecorded(problem.findings as Finding[]), withoutRecorded(plan.findings));
});

databaseTest("the statements of a plan are what is run, by hand too", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await createEverythingSchema(db);
  const { statements } = await functions.rename({ ...ITEMS, mode: "plan" });
  await db.sql.begin((tx) =>
    tx.unsafe([
      "set local search_path = pg_catalog, pg_temp",
      ...statements.map(({ sql }) => sql),
    ].join(";\n")).simple()
  );
  const [row] = await db.sql`select relkind from pg_class where oid = 'app.items'::regclass`;
  assertEquals(row.relkind, "v");
});

for (
  const [what, sql] of [
    ["a grant", "grant insert on experts to anon"],
    ["a column", "alter table experts add column bio text"],
    ["a default", "alter table experts alter column name set default 'y'"],
    ["a comment", "comment on table experts is 'people'"],
    [
      "row-level security over column grants",
      `revoke select on experts from anon;
      grant select (id) on experts to anon`,
    ],
    [
      "the table itself",
      "drop table experts; create table experts (id int primary key, name text)",
    ],
  ]
) {
  databaseTest(`a plan made before ${what} changed is refused`, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`create table experts (id int primary key, name text);
      revoke all on experts from anon`).simple();
    const body = { old_name: "experts", new_name: "expert_profiles" };
    const plan = await functions.rename({ ...body, mode: "plan" });
    await db.sql.unsafe(sql).simple();
    const before = await databaseState(db.admin);
    const problem = await functions.refused("plan_changed", "rename", {
      ...body,
      expected_plan_hash: plan.plan_hash,
    });
    assertEquals(problem.status, 409);
    assertEquals(problem.expected_plan_hash, plan.plan_hash);
    assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
    const now = await functions.rename({ ...body, mode: "plan" });
    assertEquals(problem.plan_hash, now.plan_hash);
    assertNotEquals(now.plan_hash, plan.plan_hash);
    await functions.rename({ ...body, expected_plan_hash: now.plan_hash });
  });
}

databaseTest("a plan waits for nobody, whatever locks are held", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key, name text default 'x')`;
  const client = db.connect({ max: 1 });
  await client.begin(async (tx) => {
    for (const mode of ["row exclusive", "share update exclusive", "share row exclusive"]) {
      await tx.unsafe(`lock table experts in ${mode} mode`);
      const start = performance.now();
      const plan = await functions.rename({
        old_name: "experts",
        new_name: "expert_profiles",
        mode: "plan",
      });
      assert(plan.statements.length > 0);
      assertLess(performance.now() - start, 3_000);
    }
  });
});

databaseTest("a plan leaves no lock behind for others to wait on", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  await functions.rename({ old_name: "experts", new_name: "expert_profiles", mode: "plan" });
  const held = await db.admin`select from pg_locks where relation = 'experts'::regclass`;
  assertEquals(held.length, 0);
  await db.sql.begin(async (tx) => {
    await tx`set local lock_timeout = '50ms'`;
    await tx`lock table experts in access exclusive mode nowait`;
  });
});

databaseTest("a hundred tables are renamed all or none", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const names = Array.from({ length: 100 }, (_, n) => `t${n}`);
  await db.sql.unsafe(
    names.map((name) => `create table ${name} (id int primary key, n text default 'x')`).join(";"),
  ).simple();
  const renames = names.map((old_name) => ({ old_name, new_name: `app_${old_name}` }));
  const before = await databaseState(db.admin);
  for (
    const [sql, undo, code, named] of [
      [
        "alter table t57 rename to gone",
        "alter table gone rename to t57",
        "table_not_found",
        "t57",
      ],
      ["create table app_t42 ()", "drop table app_t42", "name_taken", "app_t42"],
      ["create type app_t3 as enum ()", "drop type app_t3", "name_taken", "app_t3"],
      [
        "alter publication supabase_realtime add table t99",
        "alter publication supabase_realtime drop table t99",
        "breaking_findings",
        "t99",
      ],
      [
        "alter table t8 rename to real; create view t8 as select * from real",
        "drop view t8; alter table real rename to t8",
        "unsupported_relation",
        "t8",
      ],
    ]
  ) {
    await db.sql.unsafe(sql).simple();
    const problem = await functions.refused(code, "rename", { renames });
    assertStringIncludes(problem.detail, `"${named}"`);
    await db.sql.unsafe(undo).simple();
    assertEquals(stateDifferences(before, await databaseState(db.admin)), [], code);
  }
  const plan = await functions.rename({ renames, mode: "plan" });
  const answer = await functions.rename({ renames, expected_plan_hash: plan.plan_hash });
  assert(answer.verification?.passed);
  assertEquals(answer.migrations.map(({ old_name }) => old_name), names);
  const back = await functions.rollback({ batch_id: answer.batch_id! });
  assert(back.verification?.passed);
  assertEquals(back.migrations.length, 100);
});

databaseTest("a batch's plan is the same whatever happened elsewhere", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const tables = await createStripeSchema(db.sql);
  const body = {
    renames: tables.map((old_name) => ({
      schema: STRIPE_SCHEMA,
      old_name,
      new_name: `x_${old_name}`,
    })),
    mode: "plan" as const,
  };
  const first = await functions.rename(body);
  await db.sql.unsafe(`create table elsewhere (id int); analyze;
    insert into stripe.products (id) values ('p')`).simple();
  assertEquals((await functions.rename(body)).plan_hash, first.plan_hash);
});
