import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { minuteOf } from "../../../shared/findings/wording.ts";
import { RESERVED_WORDS } from "../../../shared/sql/key_words.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { post } from "../../support/http/requests.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";

databaseTest("the reserved words are those of the server", async ({ db }) => {
  const rows = await db.sql`select word from pg_get_keywords() where catcode in ('R', 'T')`;
  assertEquals(rows.map(({ word }) => word).filter((word) => !RESERVED_WORDS.has(word)), []);
});

databaseTest("a name that is not there is answered with what is there", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`
    create schema shop;
    create table experts (id int primary key);
    create table "Orders" (id int);
    create table shop.customers (id int);`).simple();
  const experts = [{ schema: "public", table: "experts" }];
  const before = await databaseState(db.admin);
  for (
    const [old_name, expected] of [
      ["public.experts", experts],
      ["Experts", experts],
      ["exprets", experts],
      ["customers", [{ schema: "shop", table: "customers" }]],
      ["orders", [{ schema: "public", table: "Orders" }]],
      ["invoices", undefined],
    ] as const
  ) {
    for (const mode of ["plan", "apply"]) {
      const body = { old_name, new_name: "people", mode };
      const problem = await functions.refused("table_not_found", "rename", body);
      assertEquals(problem.did_you_mean, expected as unknown);
      if (expected) {
        assertMatch(
          problem.hint!,
          /^(Did you mean "\w+"\."\w+"\?|The schema is not part of the name: )/,
        );
      }
    }
  }
  const analyzed = await functions.fetch("analyze", { query: "?table=exprets" });
  assertEquals((await analyzed.json()).did_you_mean, experts);
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);

  await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  for (const name of ["rollback", "finalize"]) {
    const problem = await functions.refused("migration_not_found", name, {
      table: "Expert-Profiles",
    });
    assertEquals(problem.did_you_mean, [{ schema: "public", table: "expert_profiles" }]);
  }
});

databaseTest(
  "a new name with a schema in it is refused, one that needs quotes is warned about",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe("create schema shop; create table experts (id int)").simple();
    for (const new_name of ["public.people", '"public"."people"', "Public.people"]) {
      const body = { old_name: "experts", new_name };
      const problem = await functions.refused("invalid_identifier", "rename", body);
      assertStringIncludes(problem.hint!, 'Send the name alone: "people"');
      assertEquals(problem.status, 400);
    }
    const other = await functions.refused("invalid_identifier", "rename", {
      old_name: "experts",
      new_name: "shop.experts",
    });
    assertStringIncludes(other.hint!, "leaves the table in its schema");
    for (const [new_name, plain] of [["v1.people", "v1_people"], ["User", "user_table"]]) {
      const { findings } = await functions.rename({ old_name: "experts", new_name, mode: "plan" });
      const finding = findings.find(({ code }) => code === "name_needs_quotes");
      assertEquals(finding?.severity, "warning");
      assertStringIncludes(finding!.remedy, `such as ${plain}.`);
      assertEquals(
        (await post(functions, "rename", { old_name: "experts", new_name })).status,
        200,
      );
      await functions.rollback({ table: "experts" });
    }
    const { findings } = await functions.rename({ old_name: "experts", new_name: "people" });
    assertEquals(findings.map(({ code }) => code).includes("name_needs_quotes"), false);
  },
);

databaseTest(
  "all refusals of a batch are reported at once, with the fields they are about",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
    create table experts (id int); create table taken (id int); create view aside as select 1 as id;`)
      .simple();
    const renames = [
      { old_name: "exprets", new_name: "a" },
      { old_name: "experts", new_name: "taken" },
      { old_name: "fine", new_name: "users", schema: "auth" },
      { old_name: "aside", new_name: "b" },
      { old_name: "nothing_like_it", new_name: "public.c" },
    ];
    for (const mode of ["plan", "apply", "propose"]) {
      const problem = await functions.refused("table_not_found", "rename", { renames, mode });
      const issues = problem.issues as { path: string; code: string; hint: string }[];
      assertEquals(issues.map(({ path, code }) => [path, code]), [
        ["renames.0.old_name", "table_not_found"],
        ["renames.1.new_name", "name_taken"],
        ["renames.2.schema", "protected_schema"],
        ["renames.3.old_name", "unsupported_relation"],
        ["renames.4.old_name", "table_not_found"],
        ["renames.4.new_name", "invalid_identifier"],
      ]);
      assert(issues.every(({ hint }) => hint !== ""));
      assertMatch(problem.detail, /\(and 5 more\)$/);
    }
  },
);

databaseTest("what has ended says when and by whom", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int primary key)`;
  const { batch_id, migrations: [{ id }] } = await functions.rename({
    old_name: "experts",
    new_name: "people",
  });
  const { migrations: [back] } = await functions.rollback({ migration_id: id });
  const about = {
    migration_status: "rolled_back",
    rollback_at: back.rollback_at,
    rollback_by: "key:default",
  };
  for (
    const [code, selection] of [
      ["not_active", { migration_id: id }],
      ["not_active", { batch_id }],
      ["migration_not_found", { table: "experts" }],
    ] as const
  ) {
    const problem = await functions.refused(code, "rollback", selection);
    assertStringIncludes(
      problem.detail,
      `was rolled back at ${minuteOf(back.rollback_at!)} by key:default.`,
    );
    assertEquals({ ...problem, ...about }, problem);
  }

  const proposal = await functions.rename({
    old_name: "experts",
    new_name: "people",
    mode: "propose",
  });
  const finalized = await functions.refused("migration_not_found", "finalize", { table: "people" });
  assertMatch(finalized.detail, /was proposed at .* by key:default, and is not applied\.$/);
  await functions.rollback({ batch_id: proposal.batch_id! });
  const withdrawn = await functions.refused("not_active", "rename", {
    batch_id: proposal.batch_id,
  });
  assertMatch(withdrawn.detail, /was withdrawn at .* by key:default\.$/);
});

databaseTest("a plan says what an apply of it would be refused for", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`
    create table experts (id int primary key, name text);
    create function cleared() returns void language plpgsql as 'begin truncate experts; end';`)
    .simple();
  const request = { old_name: "experts", new_name: "people" };

  const refused = async (name: string, body: Record<string, unknown>) => {
    const { body: plan } = await post(functions, name, { ...body, mode: "plan" });
    const { body: problem } = await post(functions, name, body);
    const { code, detail, hint } = problem;
    assertEquals(plan.would_be_refused, { code, detail, hint });
    return code;
  };
  assertEquals(await refused("rename", request), "breaking_findings");
  const acknowledge = ["truncate"];
  const other = { ...request, acknowledge, expected_plan_hash: `sha256:${"0".repeat(64)}` };
  assertEquals(await refused("rename", other), "plan_changed");
  const fine = await functions.rename({ ...request, acknowledge, mode: "plan" });
  assertEquals(fine.would_be_refused, undefined);

  const { batch_id } = await functions.rename({ ...request, acknowledge, mode: "propose" });
  await db.sql`alter table experts add column more int`;
  assertEquals(await refused("rename", { batch_id }), "plan_changed");
  await functions.rollback({ batch_id: batch_id! });

  await functions.rename({ ...request, acknowledge });
  assertEquals(await refused("finalize", { table: "experts" }), "old_name_in_use");
});
