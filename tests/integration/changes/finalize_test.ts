import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { FinalizeInput } from "../../../shared/contract/requests.ts";
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
  grant select on experts to authenticated;
  insert into experts (name) values ('mine'), ('other');`;

const renamedTest = renamedTests(TABLES);

async function finalized(
  { functions }: Pick<Renamed, "functions">,
  body: FinalizeInput,
): Promise<OperationAnswer> {
  const answer = await functions.finalize(body);
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  for (const migration of answer.migrations) {
    assertEquals(migration.status, "finalized");
    assert(migration.finalized_at !== null && migration.finalized_by !== null);
  }
  return answer;
}

const refused = (
  renamed: Pick<Renamed, "db" | "functions" | "migration">,
  code: string,
  more: FinalizeInput = {},
) => refusedChange(renamed, "finalize", code, more);

async function kindOf(db: TestDatabase, name: string): Promise<string | null> {
  const [row] = await db.sql`select relkind from pg_class
    where relname = ${name} and relnamespace = 'public'::regnamespace`;
  return row?.relkind ?? null;
}

renamedTest(
  "the old name goes, the table stays as it is, and both are recorded",
  async (renamed) => {
    const { db, migration } = renamed;
    const { migrations, lock } = await finalized(renamed, { table: "experts", notes: "done" });
    assertEquals(migrations.map(({ id, notes }) => [id, notes]), [[migration.id, "done"]]);
    assertEquals(lock?.attempts, 1);
    assertEquals([await kindOf(db, "experts"), await kindOf(db, "expert_profiles")], [null, "r"]);
    const seen = await db.as("authenticated", (tx) => tx`select name from expert_profiles`);
    assertEquals([...seen], [{ name: "mine" }]);
    const [event] = await db.sql`
    select operation, outcome, migration_ids from table_rename.sys_table_migration_events order by id desc limit 1`;
    assertEquals({ ...event }, {
      operation: "finalize",
      outcome: "succeeded",
      migration_ids: [migration.id],
    });
    const left = await db.sql`select proname from pg_proc where proname like 'compatibility%'`;
    assertEquals([...left], []);
  },
);

renamedTest(
  "what is finalized is answered as finalized when it is asked for again",
  async (renamed) => {
    const { db, functions, migration } = renamed;
    await finalized(renamed, { migration_id: migration.id });
    const before = await databaseState(db.admin);
    for (
      const body of [
        { migration_id: migration.id },
        { table: "experts" },
        { batch_id: migration.batch_id },
        { migration_id: migration.id, mode: "plan" as const },
      ]
    ) {
      const again = await functions.finalize(body);
      assertEquals(again.migrations.map(({ id, status }) => [id, status]), [
        [migration.id, "finalized"],
      ]);
      assertEquals([again.statements, again.lock], [[], null]);
    }
    assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
  },
);

renamedTest("a plan says what would happen, and changes nothing", async (renamed) => {
  const { db, functions, migration } = renamed;
  const plan = await changingNothing(
    db,
    () => functions.finalize({ migration_id: migration.id, mode: "plan" }),
  );
  assert(plan.statements.some(({ sql }) => sql.startsWith("drop view")));
  const done = await finalized(renamed, {
    migration_id: migration.id,
    expected_plan_hash: plan.plan_hash,
  });
  assertEquals(done.plan_hash, plan.plan_hash);
});

renamedTest(
  "while a routine names the old name it is refused, and the routine is named",
  async (renamed) => {
    const { db, functions, migration } = renamed;
    await db.sql`create function counted() returns bigint language plpgsql as
    $$ begin return (select count(*) from public.experts); end $$`;
    await db.sql`create function harmless() returns bigint language plpgsql as
    $$ begin /* not experts */ return (select count(*) from public.expert_profiles experts); end $$`;
    const problem = await refused(renamed, "old_name_in_use");
    assertEquals(problem.status, 409);
    const evidence = problem.evidence as { object: string; message: string }[];
    assertEquals(evidence.map(({ object }) => object), ["public.counted()"]);
    assertStringIncludes(evidence[0].message, "from public.experts");
    assertStringIncludes(problem.hint!, "old_name_in_use");
    await refused(renamed, "old_name_in_use", { acknowledge: ["drifted"] });
    assertEquals((await db.sql`select counted()`).length, 1);

    const plan = await functions.finalize({ migration_id: migration.id, mode: "plan" });
    assertEquals(plan.findings.map(({ code, severity }) => [code, severity]), [
      ["old_name_in_use", "breaking"],
    ]);
    await finalized(renamed, {
      migration_id: migration.id,
      acknowledge: ["old_name_in_use"],
    });
    const error = await db.sql`select counted()`.then(() => null, (error) => error.code);
    assertEquals(error, "42P01", "it fails, as the finding said");
    assertEquals((await db.sql`select harmless()`).length, 1);
  },
);

renamedTest("while a scheduled job names the old name it is refused", async (renamed) => {
  const { db } = renamed;
  // The table of pg_cron, which is not on every server.
  await db.admin.unsafe(`
    create schema cron;
    create table cron.job (jobid bigint primary key, schedule text, command text, nodename text,
      nodeport int, database text, username text, active boolean, jobname text);
    grant usage on schema cron to postgres; grant select on cron.job to postgres;
    insert into cron.job values (1, '0 3 * * *', 'delete from experts where name is null', 'localhost',
      5432, current_database(), 'postgres', true, 'nightly');
    ${MEMBER_OF_PG_CRON}`).simple();
  const problem = await refused(renamed, "old_name_in_use");
  assertStringIncludes(JSON.stringify(problem.evidence), "nightly");
  await db.admin`update cron.job set command = 'delete from expert_profiles where name is null'`;
  await finalized(renamed, { table: "experts" });
});

renamedTest("what was built on the old name goes on, as the same objects", async (renamed) => {
  const { db } = renamed;
  await db.sql.unsafe(`
    create view names with (security_invoker = true) as select id, name from experts;
    create view nested as select name from names;
    create materialized view counted as select count(*) as n from experts;
    create policy with_expert on teams using (exists (select from experts e where e.team_id = teams.id));
    create function first_name() returns text language sql begin atomic select name from experts; end;
    grant select on names to authenticated;`).simple();
  const oids = () =>
    db.sql`select 'names'::regclass::oid::text as names, 'first_name'::regproc::oid::text as first`;
  const before = [...await oids()];
  await finalized(renamed, { table: "experts" });
  assertEquals([...await oids()], before);
  const seen = await db.as("authenticated", (tx) => tx`select name from names`);
  assertEquals([...seen], [{ name: "mine" }]);
  await db.sql`refresh materialized view counted`;
  assertEquals((await db.sql`select first_name() as name, * from nested, counted`).length, 2);
  const [{ definition }] = await db.sql`
    select pg_get_expr(polqual, polrelid) as definition from pg_policy where polname = 'with_expert'`;
  assertStringIncludes(definition, "expert_profiles");
});

renamedTest("what cannot follow stops it, and is named with the reason", async (renamed) => {
  await renamed.db.sql`create table boxes (expert experts)`;
  const problem = await refused(renamed, "dependants_cannot_follow");
  assertStringIncludes(JSON.stringify(problem.dependants), "boxes");
  await renamed.db.sql`drop table boxes`;
  await finalized(renamed, { table: "experts" });
});

renamedTest("of a table that was renamed twice, either old name can go first", async (renamed) => {
  const { db, functions, migration } = renamed;
  await functions.rename({ old_name: "expert_profiles", new_name: "people" });
  await finalized(renamed, { table: "experts" });
  assertEquals(await kindOf(db, "experts"), null);
  assertEquals((await db.sql`select * from expert_profiles`).length, 2);
  // The look at it, just now, was a use of the old name.
  await finalized(renamed, { table: "expert_profiles", acknowledge: ["old_name_in_use"] });
  assertEquals(
    [await kindOf(db, "expert_profiles"), await kindOf(db, "people")],
    [null, "r"],
  );
  assertEquals((await functions.list({ status: "finalized" })).migrations.length, 2);
  await functions.refused("not_active", "rollback", { migration_id: migration.id });
});

renamedTest(
  "when the name in between is gone, the first rename can still be taken back",
  async (renamed) => {
    const { db, functions, migration } = renamed;
    const { migrations: [second] } = await functions.rename({
      old_name: "expert_profiles",
      new_name: "people",
    });
    await finalized(renamed, { migration_id: second.id });
    assertEquals(
      (await functions.list({ include: "drift" })).migrations.flatMap(({ drift }) => drift),
      [],
    );
    assertEquals((await db.sql`select * from experts`).length, 2);
    const back = await functions.rollback({ migration_id: migration.id });
    assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
    assertEquals([await kindOf(db, "experts"), await kindOf(db, "people")], ["r", null]);
  },
);

databaseTest(
  "a batch is finalized as a whole, renames without a view among others",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`create table a (id int primary key); create table b (id int references a)`)
      .simple();
    const { batch_id } = await functions.rename({
      renames: [{ old_name: "a", new_name: "a_1" }, { old_name: "b", new_name: "b_1" }],
    });
    const done = await finalized({ functions }, { batch_id: batch_id! });
    assertEquals(done.migrations.length, 2);
    assertEquals(await kindOf(db, "a"), null);

    const bare = await functions.rename({
      old_name: "a_1",
      new_name: "a_2",
      compatibility_view: false,
    });
    await finalized({ functions }, { batch_id: bare.batch_id! });
    assertEquals(await kindOf(db, "a_2"), "r");
  },
);

renamedTest("what is not active, or not there, is refused", async (renamed) => {
  const { functions, migration } = renamed;
  await functions.rollback({ migration_id: migration.id });
  await refused(renamed, "not_active");
  await functions.refused("migration_not_found", "finalize", {
    migration_id: crypto.randomUUID(),
  });
  await functions.refused("migration_not_found", "finalize", { table: "experts" });
  await functions.refused("invalid_request", "finalize", { table: "experts", mode: "propose" });
});

renamedTest("an old name that somebody else has taken by now is left to them", async (renamed) => {
  const { db, migration } = renamed;
  await db.sql`drop view experts`;
  await db.sql`create table experts (other int)`;
  await refused(renamed, "drifted");
  await finalized(renamed, { migration_id: migration.id, acknowledge: ["view_missing"] });
  assertEquals(await kindOf(db, "experts"), "r");
});
