import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RefreshInput } from "../../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import { type TestDatabase } from "../../support/servers/database.ts";
import {
  changingNothing,
  refusedChange,
  type Renamed,
  renamedTests,
} from "../../support/renamed.ts";

const TABLES = `
  create table experts (
    id int primary key generated always as identity,
    name text not null default 'x',
    born date,
    code text);
  revoke all on experts from anon, authenticated, service_role;
  grant select on experts to anon;
  insert into experts (name, code) values ('a', 'c');`;

const renamedTest = renamedTests(TABLES);

/** Codes of the drift that list-migrations reports for the one migration. */
async function driftCodes({ functions, migration }: Renamed): Promise<string[]> {
  const { migrations } = await functions.list({ include: "drift" });
  const own = migrations.find(({ id }) => id === migration.id)!;
  return own.drift!.map(({ code }) => code).sort();
}

/** Refreshes, and is sure that nothing of drift is left. */
async function refreshed(
  renamed: Renamed,
  more: Partial<RefreshInput> = {},
): Promise<OperationAnswer> {
  const answer = await renamed.functions.refresh({ migration_id: renamed.migration.id, ...more });
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  assertEquals(answer.migrations[0].status, "active");
  assertEquals(await driftCodes(renamed), []);
  return answer;
}

const refused = (
  renamed: Pick<Renamed, "db" | "functions" | "migration">,
  code: string,
  more: Partial<RefreshInput> = {},
) => refusedChange(renamed, "refresh", code, more);

const viewOid = async (db: TestDatabase) =>
  (await db.sql`select 'experts'::regclass::oid::int8::float8 as oid`)[0].oid as number;

renamedTest("a rename that nobody touched has no drift", async (renamed) => {
  assertEquals(await driftCodes(renamed), []);
  const { migrations } = await renamed.functions.list();
  assertEquals("drift" in migrations[0], false, "drift is reported only when asked for");
});

renamedTest(
  "a column that was added to the table is seen through the old name after a refresh, and the view stays the same object",
  async (renamed) => {
    const { db } = renamed;
    await db.sql`alter table expert_profiles add column email text not null default 'e'`;
    assertEquals(await driftCodes(renamed), ["view_columns_differ"]);
    const oid = await viewOid(db);
    const { statements, migrations } = await refreshed(renamed);
    assertEquals(await viewOid(db), oid);
    assertEquals(migrations[0].view_oid, oid);
    assertStringIncludes(statements.map(({ sql }) => sql).join(), "create or replace view");
    await db.sql`insert into experts (name, email) values ('b', default)`;
    await db.sql`update experts set email = default where name = 'a'`;
    assertEquals((await db.sql`select distinct email from experts`).map(({ email }) => email), [
      "e",
    ]);
    const [{ options }] = await db.sql`
    select reloptions as options from pg_class where oid = ${oid}`;
    assertEquals(options, ["security_invoker=true"]);
  },
);

renamedTest(
  "a default that was changed on the table is the old name's too after a refresh",
  async (renamed) => {
    const { db } = renamed;
    await db.sql`alter table expert_profiles alter column name set default 'changed',
    alter column code set default 'new', alter column born drop default`;
    assertEquals(await driftCodes(renamed), ["view_defaults_differ"]);
    await refreshed(renamed);
    await db.sql`insert into experts default values`;
    const rows = await db.sql`select name, code from experts order by id desc limit 1`;
    assertEquals([...rows], [{ name: "changed", code: "new" }]);
  },
);

renamedTest(
  "a default that the table no longer has is no longer the old name's",
  async (renamed) => {
    const { db } = renamed;
    await db.sql`alter table expert_profiles alter column name drop default`;
    assertEquals(await driftCodes(renamed), ["view_defaults_differ"]);
    await refreshed(renamed);
    const [{ count }] = await db.sql`
    select count(*)::int from pg_attrdef where adrelid = 'experts'::regclass`;
    assertEquals(count, 0);
  },
);

renamedTest(
  "what was granted on the table alone is granted on the old name by a refresh",
  async (renamed) => {
    const { db } = renamed;
    await db.sql`grant select, insert on expert_profiles to authenticated with grant option`;
    await db.sql`grant update (name) on expert_profiles to service_role`;
    assertEquals(await driftCodes(renamed), ["table_wider_than_view"]);
    await refreshed(renamed);
    await db.as("authenticated", (tx) => tx`select * from experts`);
    const [{ can }] = await db.sql`
    select has_column_privilege('service_role', 'experts', 'name', 'update') as can`;
    assertEquals(can, true);
  },
);

renamedTest("a view that was dropped is made anew", async (renamed) => {
  const { db } = renamed;
  await db.sql`drop view experts`;
  assertEquals(await driftCodes(renamed), ["view_missing"]);
  const { migrations } = await refreshed(renamed);
  assertEquals(migrations[0].view_oid, await viewOid(db));
  await db.as("anon", (tx) => tx`select * from experts`);
  await renamed.functions.rollback({ migration_id: renamed.migration.id });
});

renamedTest(
  "a column that the old name lets go of can be dropped, and retyped",
  async (renamed) => {
    const { db } = renamed;
    const retype = () =>
      db.sql`alter table expert_profiles alter column code type int using length(code)`;
    const error = await retype().then(() => null, (error) => error);
    assertEquals(error?.code, "0A000", "a view stands in the way");

    const { migrations, verification } = await renamed.functions.refresh({
      migration_id: renamed.migration.id,
      without_columns: ["code", "born"],
    });
    assert(verification?.passed, JSON.stringify(verification));
    assertEquals(migrations[0].view_oid, await viewOid(db));
    assertEquals(await driftCodes(renamed), []);
    assertEquals(Object.keys((await db.sql`select * from experts`)[0]), ["id", "name"]);
    await retype();
    await db.sql`alter table expert_profiles drop column born`;
    assertEquals(await driftCodes(renamed), []);

    await refreshed(renamed);
    assertEquals([...await db.sql`select * from experts`], [{ id: 1, name: "a", code: 1 }]);
    const back = await renamed.functions.rollback({ migration_id: renamed.migration.id });
    assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
  },
);

renamedTest(
  "computed fields made since work through the old name after a refresh, also of columns added or let go of",
  async (renamed) => {
    const { db } = renamed;
    await db.sql`create function title(e expert_profiles) returns text language sql stable
    return e.name || '!'`;
    await db.sql`grant execute on function title(expert_profiles) to anon`;
    const title = () => db.as("anon", (tx) => tx`select experts.title from experts`);
    assertEquals(await title().then(() => null, (error) => error.code), "42703");
    assertEquals(await driftCodes(renamed), ["row_cast_missing"]);
    await refreshed(renamed);
    assertEquals([...await title()], [{ title: "a!" }]);

    await db.sql`alter table expert_profiles add column email text default 'e'`;
    await db
      .sql`create or replace function title(e expert_profiles) returns text language sql stable
    return e.name || e.email`;
    await refreshed(renamed);
    assertEquals([...await title()], [{ title: "ae" }]);

    await renamed.functions.refresh({
      migration_id: renamed.migration.id,
      without_columns: ["code"],
    });
    await db.sql`alter table expert_profiles drop column code`;
    assertEquals([...await title()], [{ title: "ae" }]);
    await refreshed(renamed);
    assertEquals([...await title()], [{ title: "ae" }]);
    await db.sql`drop function title`;
    await refreshed(renamed);
    const left = await db.sql`
    select proname from pg_proc where proname like 'compatibility_cast%'`;
    assertEquals([...left], []);
    await renamed.functions.rollback({ migration_id: renamed.migration.id });
  },
);

renamedTest("columns that are not there, and all of them, are refused", async (renamed) => {
  const unknown = await refused(renamed, "invalid_request", { without_columns: ["Code"] });
  assertStringIncludes(unknown.detail, '"Code"');
  await refused(renamed, "invalid_request", { without_columns: ["id", "name", "born", "code"] });
});

renamedTest("a rename without a view has nothing to refresh", async (renamed) => {
  await refused(renamed, "invalid_request");
}, { compatibility_view: false });

renamedTest("a plan says what would happen and changes nothing", async (renamed) => {
  await renamed.db.sql`alter table expert_profiles add column email text`;
  const plan = await changingNothing(renamed.db, () =>
    renamed.functions.refresh({
      migration_id: renamed.migration.id,
      mode: "plan",
    }));
  assertEquals(plan.findings.map(({ code, severity }) => [code, severity]), [
    ["view_columns_differ", "info"],
  ]);
  const { plan_hash } = await refreshed(renamed, { expected_plan_hash: plan.plan_hash });
  assertEquals(plan_hash, plan.plan_hash);
});

renamedTest(
  "whatever grants and comments the view was left with, a refresh makes them the table's",
  async (renamed) => {
    const { db } = renamed;
    await db.sql`grant select on experts to authenticated with grant option`;
    await db.as("authenticated", (tx) => tx`grant select on experts to service_role`, {
      commit: true,
    });
    await db.sql`comment on view experts is 'an old one'`;
    await db.sql`comment on column experts.name is 'an old one'`;
    await db.sql`comment on column expert_profiles.code is 'a new one'`;
    assertEquals(await driftCodes(renamed), ["view_wider_than_table"]);
    await refused(renamed, "breaking_findings");
    await refreshed(renamed, { acknowledge: ["view_grants_changed", "view_changed"] });
    const rows = await db.sql`
    select c.relacl::text[] as acl, obj_description(c.oid, 'pg_class') as comment,
      col_description(c.oid, 2) as name, col_description(c.oid, 4) as code
    from pg_class c where relname = 'experts'`;
    const [table] = await db
      .sql`select relacl::text[] as acl from pg_class where relname = 'expert_profiles'`;
    assertEquals([...rows], [{ acl: table.acl, comment: null, name: null, code: "a new one" }]);
  },
);

renamedTest(
  "the old name runs with its caller's rights again once row-level security is enabled and the view refreshed",
  async (renamed) => {
    const { db, functions, migration } = renamed;
    // Column grants without row-level security: the view has to run with its owner's rights.
    await functions.rollback({ migration_id: migration.id });
    await db.sql`revoke all on experts from anon`;
    await db.sql`grant select (id, name) on experts to anon`;
    const { migrations: [again] } = await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
    });
    const now = { ...renamed, migration: again };
    assertEquals(await driftCodes(now), []);

    await db.sql`alter table expert_profiles enable row level security`;
    assertEquals((await db.as("anon", (tx) => tx`select id from experts`)).length, 1, "it leaks");
    const events = () =>
      db.sql`select details ->> 'object' as object from table_rename.sys_table_migration_events
      where operation = 'drift' and migration_ids = ${[again.id]}`;
    assertEquals((await events()).length, 0);
    await functions.list();
    assertEquals([...await events()], [{ object: "public.experts" }], "reported unasked");
    await functions.list();
    assertEquals((await events()).length, 1, "reported once");
    assertEquals(await driftCodes(now), ["row_security_bypassed"]);

    await refreshed(now, { acknowledge: ["column_grants"] });
    await db.sql`create policy none on expert_profiles for select using (false)`;
    await db.sql`grant select on experts, expert_profiles to anon`;
    assertEquals((await db.as("anon", (tx) => tx`select id from experts`)).length, 0);
  },
);

renamedTest(
  "a revoke on the old name alone is carried to the table where that is asked for, and refused otherwise",
  async (renamed) => {
    const { db } = renamed;
    await db.sql`revoke select on experts from anon`;
    assertEquals(await driftCodes(renamed), ["table_wider_than_view"]);
    const problem = await refused(renamed, "breaking_findings");
    assertStringIncludes(JSON.stringify(problem.findings), "view_grants_changed");
    await refreshed(renamed, { carry_privileges: true });
    for (const name of ["experts", "expert_profiles"]) {
      const error = await db.as("anon", (tx) => tx`select * from ${tx(name)}`).then(
        () => null,
        (error) => error.code,
      );
      assertEquals(error, "42501", name);
    }
  },
);

renamedTest(
  "what was built on the old name means the new view, when it has to be made anew",
  async (renamed) => {
    const { db } = renamed;
    await db.sql`create view names with (security_barrier) as select name from experts`;
    await db.sql`create materialized view counted as select count(*) from experts`;
    await db.sql`grant select on names to anon`;
    const [{ oid }] = await db.sql`select 'names'::regclass::oid::int8::float8 as oid`;
    const problem = await refused(renamed, "dependants_cannot_follow", {
      without_columns: ["name"],
    });
    assertStringIncludes(JSON.stringify(problem.dependants), "names");
    const answer = await renamed.functions.refresh({
      migration_id: renamed.migration.id,
      without_columns: ["code"],
    });
    assert(answer.verification?.passed, JSON.stringify(answer.verification));
    await db.sql`alter table expert_profiles drop column code`;
    const [after] = await db.sql`
    select oid::int8::float8 as oid, reloptions::text[] as options from pg_class where relname = 'names'`;
    assertEquals({ ...after }, { oid, options: ["security_barrier=true"] });
    assertEquals([...await db.as("anon", (tx) => tx`select * from names`)], [{ name: "a" }]);
    await db.sql`refresh materialized view counted`;
    const back = await renamed.functions.rollback({ migration_id: renamed.migration.id });
    assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
    assertEquals((await db.sql`select * from names`).length, 1);
  },
);
