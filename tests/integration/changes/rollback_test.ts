import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RollbackInput } from "../../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { MEMBER_OF_PG_CRON } from "../../support/programs/pg_cron.ts";
import {
  changingNothing,
  GUARDED_EXPERTS,
  refusedChange,
  type Renamed,
  renamedTests,
} from "../../support/renamed.ts";

const TABLES = `${GUARDED_EXPERTS}
  grant select on experts to anon;
  create table bookings (id int primary key, expert_id int references experts);
  comment on table experts is 'people';`;

const renamedTest = renamedTests(TABLES);

const refused = (
  renamed: Pick<Renamed, "db" | "functions" | "migration">,
  code: string,
  more: Partial<RollbackInput> = {},
) => refusedChange(renamed, "rollback", code, more);

interface DriftField {
  code: string;
  object: string;
  message: string;
  remedy: string;
  migration_id: string;
}

/** Refused as drifted, with exactly one difference, which names the object and a way on. */
async function drifted(renamed: Renamed, code: string, object: string): Promise<string> {
  const problem = await refused(renamed, "drifted");
  assertEquals(problem.status, 409);
  const [difference, ...others] = problem.differences as DriftField[];
  assertEquals(others, []);
  assertEquals(difference.code, code);
  assertEquals(difference.object, object);
  assertEquals(difference.migration_id, renamed.migration.id);
  assertStringIncludes(difference.message, object);
  assert(difference.remedy.length > 10);
  assertStringIncludes(problem.hint!, difference.remedy);
  return difference.message;
}

async function rolledBack(
  { functions, migration }: Renamed,
  more: Partial<RollbackInput> = {},
): Promise<OperationAnswer> {
  const answer = await functions.rollback({ migration_id: migration.id, ...more });
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  assertEquals(answer.migrations[0].status, "rolled_back");
  assert(answer.migrations[0].rollback_at !== null);
  return answer;
}

async function kindOf(db: TestDatabase, name: string): Promise<string | null> {
  const [row] = await db.sql`select relkind from pg_class
    where relname = ${name} and relnamespace = 'public'::regnamespace`;
  return row?.relkind ?? null;
}

// The record and the database disagree --------------------------------------------------------------

renamedTest(
  "a view that was made to read something else is refused as replaced",
  async (renamed) => {
    await renamed.db.sql`create or replace view experts with (security_invoker = true) as
    select id, name, team_id from (select 1 as id, 'x'::text as name, 1 as team_id) x`;
    await drifted(renamed, "view_replaced", '"public"."experts"');
  },
);

renamedTest("a view that also reads another table is refused as replaced", async (renamed) => {
  await renamed.db.sql`create or replace view experts with (security_invoker = true) as
    select e.id, e.name, e.team_id from expert_profiles e join teams t on t.id = e.team_id`;
  await drifted(renamed, "view_replaced", '"public"."experts"');
});

renamedTest("a view that was given a filter is dropped only once acknowledged", async (renamed) => {
  await renamed.db.sql`create or replace view experts with (security_invoker = true) as
    select id, name, team_id from expert_profiles where name <> 'hidden'`;
  const problem = await refused(renamed, "breaking_findings");
  const findings = problem.findings as OperationAnswer["findings"];
  assertEquals(findings.map(({ code }) => code), ["view_changed"]);
  assertStringIncludes(findings[0].message, "query");
  await rolledBack(renamed, { acknowledge: ["view_changed"] });
});

renamedTest(
  "a view whose column was swapped for another is dropped only once acknowledged",
  async (renamed) => {
    await renamed.db.sql`create or replace view experts with (security_invoker = true) as
    select team_id as id, name, id as team_id from expert_profiles`;
    await refused(renamed, "breaking_findings");
  },
);

renamedTest("a view that was replaced by the very same view is no finding", async (renamed) => {
  await renamed.db.sql`create or replace view public.experts with (security_invoker = true) as
    select id,   name, team_id from public.expert_profiles`;
  assertEquals((await rolledBack(renamed)).findings, []);
});

renamedTest("a view that was dropped and made again by others is refused", async (renamed) => {
  await renamed.db.sql.unsafe(`drop view experts;
    create view experts as select id, name from expert_profiles`).simple();
  const message = await drifted(renamed, "old_name_taken", '"public"."experts"');
  assertStringIncludes(message, "a view");
});

renamedTest("a view that is gone is refused, and acknowledged goes on", async (renamed) => {
  await renamed.db.sql`drop view experts`;
  await drifted(renamed, "view_missing", '"public"."experts"');
  const problem = await refused(renamed, "drifted", { acknowledge: ["something_else"] });
  assertStringIncludes(problem.hint!, "view_missing");
  await rolledBack(renamed, { acknowledge: ["view_missing"] });
  assertEquals(await kindOf(renamed.db, "experts"), "r");
});

renamedTest("a view that was renamed is refused with its name", async (renamed) => {
  await renamed.db.sql`alter view experts rename to experts_moved`;
  const message = await drifted(renamed, "view_renamed", '"public"."experts"');
  assertStringIncludes(message, '"experts_moved"');
  await renamed.db.sql`alter view experts_moved rename to experts`;
  await rolledBack(renamed);
});

renamedTest("a view that was moved to another schema is refused", async (renamed) => {
  await renamed.db.sql.unsafe(`create schema other; alter view experts set schema other`).simple();
  const message = await drifted(renamed, "view_renamed", '"public"."experts"');
  assertStringIncludes(message, '"other"."experts"');
});

renamedTest("a table that was renamed by hand is found by its OID and refused", async (renamed) => {
  await renamed.db.sql`alter table expert_profiles rename to specialists`;
  const message = await drifted(renamed, "table_renamed", '"public"."expert_profiles"');
  assertStringIncludes(message, '"specialists"');
  await renamed.db.sql`alter table specialists rename to expert_profiles`;
  await rolledBack(renamed);
});

renamedTest("a table that was moved to another schema is refused", async (renamed) => {
  await renamed.db.sql.unsafe(
    `create schema other; alter table expert_profiles set schema other`,
  ).simple();
  const message = await drifted(renamed, "table_renamed", '"public"."expert_profiles"');
  assertStringIncludes(message, '"other"."expert_profiles"');
});

renamedTest("another table under the new name is left alone", async (renamed) => {
  await renamed.db.sql.unsafe(`
    alter table expert_profiles rename to specialists;
    create table expert_profiles (id int)`).simple();
  await drifted(renamed, "table_renamed", '"public"."expert_profiles"');
});

renamedTest(
  "the record of a table that was dropped is closed once that is acknowledged",
  async (renamed) => {
    const { db, functions } = renamed;
    const { migrations: [{ id }] } = await functions.list();
    await db.sql`drop table expert_profiles cascade`;
    const problem = await refused(renamed, "drifted");
    assertEquals((problem.differences as DriftField[])[0].code, "table_missing");
    assertStringIncludes(problem.hint!, '"acknowledge": ["table_missing"]');
    await functions.refused("drifted", "finalize", {
      migration_id: id,
      acknowledge: ["table_missing"],
    });
    // Another table of the old name is held up by the record alone, and so is one of the new name.
    await db.sql`create table experts (mine int)`;
    await db.sql`create table others (id int)`;
    for (
      const [code, names] of [
        ["already_renamed", { old_name: "experts", new_name: "people" }],
        ["name_taken", { old_name: "others", new_name: "expert_profiles" }],
      ] as const
    ) {
      const held = await functions.refused(code, "rename", names);
      assertStringIncludes(held.detail, "is gone");
      assertStringIncludes(held.hint!, id);
      assertStringIncludes(held.hint!, "table_missing");
    }
    const body = { table: "experts", acknowledge: ["table_missing"] };
    const plan = await functions.rollback({ ...body, mode: "plan" });
    assertEquals(plan.migrations.map(({ status }) => status), ["active"]);
    const closed = await functions.rollback({ ...body, notes: "dropped by the application" });
    assertEquals(
      closed.migrations.map(({ status, notes }) => [status, notes]),
      [["rolled_back", "dropped by the application"]],
    );
    const [event] = await db.sql`
    select operation, outcome, migration_ids, details from table_rename.sys_table_migration_events
    order by id desc limit 1`;
    assertEquals({ ...event }, {
      operation: "rollback",
      outcome: "succeeded",
      migration_ids: [id],
      details: { table_missing: true },
    });
    // What has the name now is not touched, and is renamed like any other.
    assertEquals(
      (await db.sql`select attname from pg_attribute
    where attrelid = 'experts'::regclass and attnum > 0`)[0].attname,
      "mine",
    );
    const { verification } = await functions.rename({ old_name: "experts", new_name: "people" });
    assert(verification?.passed);
    // Whose table is there is not closed, whatever is acknowledged: it is rolled back.
    const back = await functions.rollback(body);
    assert(back.verification?.passed && back.statements.length > 0);
  },
);

for (
  const [what, make] of [
    ["a table", "create table experts (id int)"],
    ["a type", "create type experts as enum ('a')"],
    ["a domain", "create domain experts as text"],
    ["a sequence", "create sequence experts"],
    ["a materialized view", "create materialized view experts as select 1 as id"],
    ["an index", "create index experts on teams (name)"],
  ]
) {
  renamedTest(`${what} that took the old name is named and left alone`, async (renamed) => {
    await renamed.db.sql.unsafe(`drop view experts; ${make}`).simple();
    await drifted(renamed, "old_name_taken", '"public"."experts"');
    await refused(renamed, "drifted", { acknowledge: ["view_missing", "old_name_taken"] });
  });
}

databaseTest("every difference of a batch is named at once", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe("create table a (id int); create table b (id int); create table c (id int)")
    .simple();
  const { batch_id } = await functions.rename({
    renames: ["a", "b", "c"].map((old_name) => ({ old_name, new_name: `${old_name}_new` })),
  });
  await db.sql.unsafe("drop view a; alter table b_new rename to b_other").simple();
  const before = await databaseState(db.admin);
  const problem = await functions.refused("drifted", "rollback", {
    batch_id,
    acknowledge: ["view_missing"],
  });
  assertEquals((problem.differences as DriftField[]).map(({ code }) => code), ["table_renamed"]);
  const both = await functions.refused("drifted", "rollback", { batch_id });
  assertEquals(
    (both.differences as DriftField[]).map(({ code }) => code).sort(),
    ["table_renamed", "view_missing"],
  );
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
});

// Changes since the rename --------------------------------------------------------------------------

renamedTest(
  "what was changed on the table since is kept, listed, and verified",
  async (renamed) => {
    const { db } = renamed;
    await db.sql.unsafe(`
    alter table expert_profiles add column bio text default 'none';
    alter table expert_profiles alter column name set default 'y';
    alter table expert_profiles add constraint name_check check (name <> '');
    create index experts_by_name on expert_profiles (name);
    grant update (name) on expert_profiles to authenticated;
    grant select on expert_profiles to service_role;
    grant select on experts to service_role;
    create policy others on expert_profiles for select to anon using (true);
    comment on table expert_profiles is 'profiles';
    comment on column expert_profiles.name is 'full name';
    insert into expert_profiles (name, bio) values ('a', 'b');`).simple();
    const plan = await renamed.functions.rollback({
      migration_id: renamed.migration.id,
      mode: "plan",
    });
    const listed = plan.findings.filter(({ code }) => code === "table_changed_since");
    assertEquals(listed.map(({ severity }) => severity), ["info"]);
    for (
      const object of [
        "column bio (added)",
        "column name (changed)",
        "constraint name_check (added)",
        "index experts_by_name (added)",
        "policy others (added)",
        "comment (changed)",
        "grant to service_role by postgres (added)",
        "column name grant to authenticated by postgres (added)",
      ]
    ) assertStringIncludes(listed[0].message, object);

    const answer = await rolledBack(renamed);
    const kept = answer.verification!.checks.find(({ name }) => name.includes("kept"))!;
    const objects = kept.differences!.map(({ object }) => object);
    assert(objects.includes('"public"."experts": column bio'), objects.join());
    const [row] = await db.sql`select name, bio from experts`;
    assertEquals({ ...row }, { name: "a", bio: "b" });
    assertEquals(await kindOf(db, "experts_by_name"), "i");
  },
);

renamedTest("a column that was added, dropped or renamed is kept that way", async (renamed) => {
  await renamed.db.sql.unsafe(`
    alter table expert_profiles rename column name to full_name;
    alter table expert_profiles add column bio text`).simple();
  await rolledBack(renamed);
  const columns = await renamed.db.sql`select attname from pg_attribute
    where attrelid = 'experts'::regclass and attnum > 0 order by attnum`;
  assertEquals(columns.map(({ attname }) => attname), ["id", "full_name", "team_id", "bio"]);
});

renamedTest("a column's default that changed on both is no finding", async (renamed) => {
  await renamed.db.sql.unsafe(`
    alter table expert_profiles alter column name set default 'y';
    alter view experts alter column name set default 'y';
    comment on table expert_profiles is 'profiles';
    comment on view experts is 'profiles'`).simple();
  const answer = await rolledBack(renamed);
  assertEquals(answer.findings.map(({ severity }) => severity), ["info"]);
});

renamedTest("a grant that was changed on both names alike is no finding", async (renamed) => {
  await renamed.db.sql.unsafe(`
    revoke select on expert_profiles, experts from anon;
    grant insert on expert_profiles, experts to authenticated with grant option;
    grant select (name) on expert_profiles, experts to service_role`).simple();
  const answer = await rolledBack(renamed);
  assertEquals(answer.findings.map(({ code }) => code), ["table_changed_since"]);
});

for (
  const [what, sql, code, object] of [
    ["a grant", "grant select on experts to authenticated", "view_grants_changed", "authenticated"],
    ["a revoke", "revoke select on experts from anon", "view_grants_changed", "anon"],
    [
      "a column grant",
      "grant select (name) on experts to authenticated",
      "view_grants_changed",
      "SELECT (name) to authenticated",
    ],
    ["a comment", "comment on view experts is 'other'", "view_changed", "comment"],
    ["a column's comment", "comment on column experts.name is 'other'", "view_changed", "name"],
    ["a default", "alter view experts alter column name set default 'z'", "view_changed", "name"],
    ["an owner", "alter view experts owner to authenticated", "view_changed", "owner"],
    ["an option", "alter view experts set (security_barrier = true)", "view_changed", "options"],
  ] as const
) {
  renamedTest(`${what} on the view alone stops a rollback unless acknowledged`, async (renamed) => {
    await renamed.db.sql.unsafe(`grant create on schema public to authenticated; ${sql}`).simple();
    const problem = await refused(renamed, "breaking_findings");
    const found = (problem.findings as OperationAnswer["findings"])
      .filter(({ severity }) => severity === "breaking");
    assert(found.some((finding) => finding.code === code), JSON.stringify(found, null, 2));
    assertStringIncludes(found.map(({ message }) => message).join(), object);
    assert(found.every(({ remedy }) => remedy.includes('"expert_profiles"')));
    await rolledBack(renamed, { acknowledge: found.map((finding) => finding.code) });
  });
}

renamedTest("what is built on the table under its new name follows", async (renamed) => {
  const { db } = renamed;
  await db.sql.unsafe(`
    create view on_table as select name from expert_profiles;
    create function title(expert_profiles) returns text language sql as 'select $1.name';
    create policy on_it on teams using (exists (
      select from expert_profiles where team_id = teams.id));
    create trigger t before update on expert_profiles for each row
      execute function suppress_redundant_updates_trigger()`).simple();
  await rolledBack(renamed);
  await db.sql`insert into experts (name) values ('a')`;
  assertEquals((await db.sql`select title(e) from experts e`)[0].title, "a");
  assertEquals((await db.sql`select * from on_table`).length, 1);
});

// Neighbours ----------------------------------------------------------------------------------------

databaseTest("one of several neighbours of one batch can be rolled back alone", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`${TABLES}
    create policy with_neighbours on teams using (exists (
      select from experts join bookings on bookings.expert_id = experts.id
      where experts.team_id = teams.id));
    create view seen as select 1`).simple();
  const names = ["teams", "experts", "bookings"];
  const { migrations } = await functions.rename({
    renames: names.map((old_name) => ({ old_name, new_name: `New ${old_name}` })),
  });
  for (const { id, old_name } of migrations) {
    const answer = await functions.rollback({ migration_id: id });
    assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
    assertEquals(answer.migrations.length, 1);
    assertEquals(await kindOf(db, old_name), "r");
  }
});

databaseTest("neighbours renamed one after the other roll back in any order", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLES).simple();
  const ids: string[] = [];
  for (const old_name of ["experts", "teams", "bookings"]) {
    const { migrations } = await functions.rename({ old_name, new_name: `${old_name}_v2` });
    ids.push(migrations[0].id);
  }
  for (const migration_id of ids) {
    const answer = await functions.rollback({ migration_id });
    assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  }
});

databaseTest("a neighbour that was renamed only afterwards is no difference", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLES).simple();
  const first = await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  await functions.rename({ old_name: "teams", new_name: "groups" });
  const answer = await functions.rollback({ migration_id: first.migrations[0].id });
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
});

databaseTest("a neighbour that was rolled back first is no difference", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLES).simple();
  const teams = await functions.rename({ old_name: "teams", new_name: "groups" });
  const experts = await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  await functions.rollback({ migration_id: teams.migrations[0].id });
  const answer = await functions.rollback({ migration_id: experts.migrations[0].id });
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
});

// Selection -----------------------------------------------------------------------------------------

for (
  const [what, selection] of [
    ["its old name", { table: "experts" }],
    ["its new name", { table: "expert_profiles" }],
    ["schema and name", { schema: "public", table: "experts" }],
  ] as const
) {
  renamedTest(`a rename is found by ${what}`, async ({ functions, db, migration }) => {
    const answer = await functions.rollback(selection);
    assertEquals(answer.migrations[0].id, migration.id);
    assertEquals(await kindOf(db, "experts"), "r");
  });
}

databaseTest("a batch is found by its id, and rolled back as a whole", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLES).simple();
  const { batch_id } = await functions.rename({
    renames: ["teams", "experts"].map((old_name) => ({ old_name, new_name: `new_${old_name}` })),
  });
  await functions.rename({ old_name: "bookings", new_name: "new_bookings" });
  const answer = await functions.rollback({ batch_id: batch_id! });
  assert(answer.verification?.passed);
  assertEquals(answer.migrations.map(({ old_name }) => old_name).sort(), ["experts", "teams"]);
  assertEquals(await kindOf(db, "bookings"), "v");
});

databaseTest("what is left of a batch is rolled back", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLES).simple();
  const { batch_id } = await functions.rename({
    renames: ["teams", "experts"].map((old_name) => ({ old_name, new_name: `new_${old_name}` })),
  });
  await functions.rollback({ table: "teams" });
  const answer = await functions.rollback({ batch_id: batch_id! });
  assertEquals(answer.migrations.map(({ old_name }) => old_name), ["experts"]);
  assert(answer.verification?.passed);
});

renamedTest("the same names in another schema are another table's", async ({ functions, db }) => {
  await db.sql.unsafe("create schema other; create table other.experts (id int)").simple();
  const other = await functions.rename({
    schema: "other",
    old_name: "experts",
    new_name: "expert_profiles",
  });
  const answer = await functions.rollback({ schema: "other", table: "experts" });
  assertEquals(answer.migrations.map(({ id }) => id), [other.migrations[0].id]);
  assertEquals(await kindOf(db, "experts"), "v");
});

renamedTest("an unknown migration, batch or table is not found", async (renamed) => {
  const unknown = crypto.randomUUID();
  for (
    const selection of [
      { migration_id: unknown },
      { migration_id: undefined, batch_id: unknown },
      { migration_id: undefined, table: "Experts" },
      { migration_id: undefined, table: "experts", schema: "other" },
    ]
  ) {
    const problem = await refused(renamed, "migration_not_found", selection);
    assertEquals(problem.status, 404);
  }
});

renamedTest("a migration that is rolled back already is not active", async (renamed) => {
  await rolledBack(renamed);
  const problem = await refused(renamed, "not_active");
  assertEquals(problem.status, 409);
  assertEquals(problem.hint !== undefined && problem.fields, undefined);
  assertStringIncludes(problem.detail, "rolled_back");
  await refused(renamed, "not_active", {
    migration_id: undefined,
    batch_id: renamed.answer.batch_id!,
  });
  await refused(renamed, "migration_not_found", { migration_id: undefined, table: "experts" });
});

// Without a view ------------------------------------------------------------------------------------

renamedTest("a rename without a view rolls back", async (renamed) => {
  assertEquals(await kindOf(renamed.db, "experts"), null);
  assertEquals(renamed.migration.view_oid, null);
  assertEquals(renamed.migration.compatibility_view_created, false);
  await rolledBack(renamed);
  assertEquals(await kindOf(renamed.db, "experts"), "r");
}, { compatibility_view: false });

renamedTest("a rename without a view does not take a name that somebody took", async (renamed) => {
  await renamed.db.sql`create view experts as select id from expert_profiles`;
  await drifted(renamed, "old_name_taken", '"public"."experts"');
}, { compatibility_view: false });

// Plans ---------------------------------------------------------------------------------------------

renamedTest("a planned rollback changes nothing and is what is applied", async (renamed) => {
  const plan = await changingNothing(
    renamed.db,
    () => renamed.functions.rollback({ table: "experts", mode: "plan" }),
  );
  assertEquals(plan.lock, null);
  assertEquals(plan.verification, null);
  const answer = await rolledBack(renamed, { expected_plan_hash: plan.plan_hash, notes: "back" });
  assertEquals(answer.statements, plan.statements);
  assertEquals(answer.plan_hash, plan.plan_hash);
  assertEquals(answer.migrations[0].notes, "back");
});

renamedTest("a rollback whose plan changed is refused", async (renamed) => {
  const plan = await renamed.functions.rollback({ table: "experts", mode: "plan" });
  const other = plan.plan_hash.replace(/.$/, (last) => last === "0" ? "1" : "0");
  const problem = await refused(renamed, "plan_changed", { expected_plan_hash: other });
  assertEquals(problem.plan_hash, plan.plan_hash);
});

renamedTest(
  "texts that use the new name are reported: they fail once it is gone, and others do not",
  async ({ db, functions, migration }) => {
    // The table of pg_cron, which is not on every server.
    await db.admin.unsafe(`
      create schema cron;
      create table cron.job (jobid bigint primary key, schedule text, command text, nodename text,
        nodeport int, database text, username text, active boolean default true, jobname text);
      grant usage on schema cron to postgres; grant select on cron.job to postgres;
      insert into cron.job values (7, '* * * * *', 'delete from expert_profiles where id = 0',
        'localhost', 5432, current_database(), 'postgres', true, 'clean');
      ${MEMBER_OF_PG_CRON}`).simple();
    await db.sql.unsafe(`
      create function by_new() returns bigint language plpgsql as
        $$ begin return (select count(*) from public.expert_profiles); end $$;
      create function by_old() returns bigint language plpgsql as
        $$ begin return (select count(*) from public.experts); end $$;
      create function says() returns text language plpgsql as
        $$ begin return '-- ' || 'the expert_profiles of old'; end $$;
      create function other() returns int language plpgsql as
        $$ begin return 1; /* expert_profiles */ end $$`).simple();
    const { findings, verification } = await functions.rollback({ migration_id: migration.id });
    assert(verification!.passed);
    const mentions = findings.filter(({ code }) => code === "new_name_mentioned");
    assertEquals(
      mentions.map(({ object, severity }) => `${object} ${severity}`).sort(),
      ["cron job clean warning", "public.by_new() warning"],
    );
    assertEquals((await db.sql`select by_old()`)[0].by_old, "0");
    const failed = await db.sql`select by_new()`.catch(({ code }) => code);
    assertEquals(failed, "42P01");
    assertStringIncludes(mentions[0].message, "42P01");
  },
);

databaseTest(
  "each name of a chain is reported when it goes",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    const names = ["experts", "expert_profiles", "people"];
    const ids: string[] = [];
    for (const index of [0, 1]) {
      const { migrations: [{ id }] } = await functions.rename({
        old_name: names[index],
        new_name: names[index + 1],
      });
      ids.unshift(id);
    }
    for (const name of names) {
      await db.sql.unsafe(`create function count_${name}() returns bigint language plpgsql as
      $$ begin return (select count(*) from ${name}); end $$`);
    }
    const mentions = async () => {
      const { findings } = await functions.rollback({ migration_id: ids.shift() });
      return findings.filter(({ code }) => code === "new_name_mentioned").map(({ object }) =>
        object
      );
    };
    assertEquals(await mentions(), ["public.count_people()"]);
    assertEquals(await mentions(), ["public.count_expert_profiles()"]);
    assertEquals((await db.sql`select count_experts() as count`)[0].count, "0");
  },
);
