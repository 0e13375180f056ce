/** Everything can be done by a login that is not postgres, and it can do little else. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import {
  createEverythingSchema,
  EVERYTHING_ACKNOWLEDGED,
  EVERYTHING_NEIGHBOURS,
} from "../../support/catalog/everything_schema.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { postKeyed } from "../../support/http/keyed.ts";
import { leastPrivilege } from "../../support/servers/least_privilege.ts";
import { catalogState, fingerprintsOf, stateDifferences } from "../../support/catalog/state.ts";
import { SECRET, signedHeaders } from "../../support/http/webhooks.ts";

const quoted = (name: string) => `app."${name.replaceAll('"', '""')}"`;

/** Owners of the relations and functions of a schema, by kind and name. */
async function ownersOf(db: TestDatabase, schema: string): Promise<Record<string, string>> {
  const rows = await db.admin`
    select 'relation ' || relname as what, pg_get_userbyid(relowner) as owner
    from pg_class where relnamespace = ${schema}::regnamespace
    union all
    select 'function ' || proname, pg_get_userbyid(proowner)
    from pg_proc where pronamespace = ${schema}::regnamespace`;
  return Object.fromEntries(rows.map(({ what, owner }) => [what as string, owner as string]));
}

databaseTest(
  "tables with one of everything are renamed and rolled back exactly by the login, for their owner",
  async ({ db }) => {
    await createEverythingSchema(db);
    await using login = await leastPrivilege(db);
    await db.sql.unsafe(`grant usage, create on schema app to ${login.owner}`);
    const tables = ["items", ...EVERYTHING_NEIGHBOURS];
    await login.handOver(...tables.map(quoted));
    await using functions = functionsFor(login.url);

    const before = {
      catalog: await catalogState(db.admin),
      prints: await fingerprintsOf(db.admin, ["app"]),
    };
    const renamed = await functions.rename({
      renames: tables.map((name) => ({
        schema: "app",
        old_name: name,
        new_name: `renamed__${name}`,
      })),
      acknowledge: [...EVERYTHING_ACKNOWLEDGED, "row_type_functions"],
    });
    assert(renamed.verification?.passed, JSON.stringify(renamed.verification, null, 2));
    // What was made belongs to the tables' owner, not to the login.
    const made = await ownersOf(db, "app");
    for (const name of tables) assert(`relation ${name}` in made, name);
    const cast = Object.keys(made).filter((what) =>
      /^function compatibility_cast_[0-9a-f]{16}$/.test(what)
    );
    assert(cast.length > 0, JSON.stringify(made));
    const own = [...tables.map((name) => `relation ${name}`), ...cast];
    assertEquals(own.filter((what) => made[what] !== login.owner), []);
    assertEquals(Object.values(made).filter((owner) => owner === login.renamer), []);

    const back = await functions.rollback({ batch_id: renamed.batch_id! });
    assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
    const after = {
      catalog: await catalogState(db.admin),
      prints: await fingerprintsOf(db.admin, ["app"]),
    };
    assertEquals(stateDifferences(before.catalog, after.catalog), []);
    assertEquals(after.prints, before.prints);
  },
);

const APPLICATION = `
  create table teams (id int primary key, name text);
  create table experts (
    id serial primary key, name text default upper('x'), made_by uuid default auth.uid(),
    team int references teams on delete cascade, account uuid references auth.users on delete cascade,
    made_at timestamptz default now());
  insert into teams values (1, 'a');
  insert into experts (name, team) values ('ann', 1), ('bob', 1);
  alter table experts enable row level security;
  create policy readers on experts for select to anon, authenticated using (name <> 'bob');
  create policy writers on experts for all to authenticated using (true) with check (made_by = auth.uid());
  grant select on experts to anon;
  grant select, insert, update, delete on experts to authenticated, service_role;
  create function title(experts) returns text language sql stable as 'select $1.name';
  create function latest() returns setof experts language plpgsql as
    $$ begin return query select * from public.experts; end $$;
  create view team_sizes as select team, count(*) from experts group by team;`;

databaseTest("every operation can be done by the login, whoever calls", async ({ db }) => {
  await db.sql.unsafe(APPLICATION).simple();
  await using login = await leastPrivilege(db);
  // It can be run again at any time.
  await db.sql.unsafe(login.sql).simple();
  await login.handOver("public.experts", "public.teams");
  await using functions = functionsFor(login.url, {
    webhooks: readWebhookSecrets(`ci=whsec_${SECRET}`),
  });
  const [actor] = await db.admin`select session_user as name`;
  assertNotEquals(actor.name, login.renamer);
  const rename = { old_name: "experts", new_name: "expert_profiles", rename_indexes: true };

  assertEquals((await functions.rename({ ...rename, mode: "plan" })).mode, "plan");
  const analysis = await functions.analyze("table=experts");
  assertEquals(analysis.tables.length, 1);

  // A proposal, withdrawn; another, applied by a key that comes twice.
  const withdrawn = await functions.rename({ ...rename, mode: "propose" });
  await functions.rollback({ batch_id: withdrawn.batch_id! });
  const proposed = await functions.rename({ ...rename, mode: "propose", count_use: true });
  const body = { batch_id: proposed.batch_id! };
  const applied = await postKeyed(functions, "rename", "once", body);
  assertEquals(applied.status, 200, JSON.stringify(applied.body));
  assert(applied.body.verification.passed, JSON.stringify(applied.body.verification));
  assert((await postKeyed(functions, "rename", "once", body)).replayed);
  const { id } = applied.body.migrations[0];

  // Use by another role, reported by pg_stat_statements and by the count.
  await db.as(
    "anon",
    async (tx) => assertEquals([...await tx`select name from experts`], [{ name: "ann" }]),
  );
  const { migrations: [used] } = await functions.list({ include: "usage,drift" });
  assertEquals(used.usage?.state, "used", JSON.stringify(used.usage));
  assert(used.usage?.roles?.some(({ role }) => role === "anon"), JSON.stringify(used.usage));
  assertEquals(used.drift, []);

  const verified = await functions.verify({ migration_id: id });
  assert(verified.passed, JSON.stringify(verified, null, 2));
  const writes = verified.checks.find(({ name }) => name === "writes")!;
  const personas = (writes.figures!.personas as { persona: string }[]).map(({ persona }) =>
    persona
  );
  assertEquals(personas.slice(0, 4), [login.owner, "anon", "authenticated", "service_role"]);
  assert(!writes.detail!.includes("Not tried"), writes.detail);

  await db.sql`alter table expert_profiles add column born date`;
  await functions.refresh({ migration_id: id });
  const aliases = await functions.fetch("table-aliases", { headers: { accept: "text/plain" } });
  assertMatch(await aliases.text(), /expert_profiles/);

  // What was built on the view meanwhile is repointed, whoever owns it among those that the login may act for.
  await db.sql`create view names with (security_invoker = true) as select name from experts`;
  await db.sql.unsafe(`alter view names owner to ${login.owner}`);
  const rolledBack = await functions.rollback({ migration_id: id });
  assert(rolledBack.verification?.passed, JSON.stringify(rolledBack.verification, null, 2));

  // A webhook does the rename, and one ends it.
  const deliver = async (name: string, id: string, content: unknown) => {
    const text = JSON.stringify(content);
    const headers = { apikey: "", ...await signedHeaders({ id, body: text }) };
    const response = await functions.fetch(name, { method: "POST", headers, body: text });
    const answer = await response.json();
    assertEquals(response.status, 200, JSON.stringify(answer));
    return answer;
  };
  const { batch_id } = await deliver("rename", "m1", { ...rename, count_use: true });
  await db.sql`drop view names`;
  const ended = await deliver("finalize", "m2", {
    batch_id,
    quiet_for_days: 0,
    acknowledge: ["old_name_in_use", "old_name_use_unknown"],
  });
  assertEquals(ended.migrations[0].finalized_by, "webhook:ci");

  // A refusal leaves its event, and so does a webhook that is forged.
  await functions.refused("table_not_found", "rename", rename);
  const forged = {
    ...await signedHeaders({ body: "{}" }),
    "webhook-signature": "v1,x",
    apikey: "",
  };
  assertEquals(
    (await functions.fetch("rename", { method: "POST", headers: forged, body: "{}" })).status,
    401,
  );
  const events = await db.admin`
    select operation, outcome, count(*)::int from table_rename.sys_table_migration_events group by 1, 2 order by 1, 2`;
  assertEquals(events.map(({ operation, outcome, count }) => `${count} ${operation} ${outcome}`), [
    "1 finalize succeeded",
    "1 refresh succeeded",
    "1 rename refused",
    "4 rename succeeded",
    "2 rollback succeeded",
    "1 webhook refused",
  ]);
});

databaseTest("a table of somebody else's is refused, with what to do about it", async ({ db }) => {
  await db.sql.unsafe(APPLICATION).simple();
  await using login = await leastPrivilege(db);
  await using functions = functionsFor(login.url);
  const before = await catalogState(db.admin);
  const body = { old_name: "experts", new_name: "expert_profiles" };
  const problem = await functions.refused("not_table_owner", "rename", body);
  assertEquals(problem.detail, '"public"."experts" belongs to the role "postgres".');
  assertMatch(problem.hint!, /alter table "public"\."experts" owner to/);
  assertEquals(problem.owner, "postgres");
  assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  await login.handOver("experts");
  await functions.rename(body);
  // Given back, it is out of reach again, and the rename with it.
  await db.sql`alter table expert_profiles owner to postgres`;
  const late = await functions.refused("not_table_owner", "rollback", { table: "experts" });
  assertMatch(late.hint!, /alter table "public"\."expert_profiles" owner to/);
});

databaseTest("the answer for a login that lacks something says what to run", async ({ db }) => {
  await db.sql.unsafe(APPLICATION).simple();
  await using login = await leastPrivilege(db);
  await login.handOver("experts");
  await using functions = functionsFor(login.url);
  const body = { old_name: "experts", new_name: "expert_profiles" };
  for (
    const [statement, more] of [
      [`revoke insert on sys_table_migrations from ${login.renamer}`, {}],
      [`drop policy ${login.renamer} on table_rename.sys_table_migration_usage`, {}],
      [`revoke create on schema table_rename from ${login.renamer}`, { count_use: true }],
    ] as const
  ) {
    await db.sql.unsafe(statement);
    const problem = await functions.refused("forbidden", "rename", { ...body, ...more });
    assertMatch(problem.hint!, /table_renamer\.sql again/, statement);
    await db.sql.unsafe(login.sql).simple();
  }
  await functions.rename(body);
});

databaseTest("the login can do little beside its work", async ({ db }) => {
  await db.sql.unsafe(`${APPLICATION}
    create table letters (id int primary key, body text);
    insert into letters values (1, 'private');
    alter table letters enable row level security;
    revoke all on letters from anon, authenticated, service_role;
    insert into auth.users (id, email) values (gen_random_uuid(), 'ann@example.com')`).simple();
  await using login = await leastPrivilege(db);
  await login.handOver("experts");
  const as = db.connect({ role: login.renamer, max: 1 });
  const refused = async (statement: string, code = "42501") => {
    const error = await assertRejects(() => as.unsafe(statement).simple(), Error) as Error & {
      code: string;
    };
    assertEquals(error.code, code, `${statement}: ${error.message}`);
  };
  // Tables that were not handed over.
  await refused("select * from letters");
  await refused("insert into letters values (2, 'x')");
  await refused("delete from letters");
  await refused("drop table letters");
  await refused("alter table letters disable row level security");
  await refused("drop function latest()");
  // The platform's.
  await refused("select * from auth.users");
  await refused("delete from auth.users");
  await refused("create table auth.x (id int)");
  await refused("select * from pg_authid");
  // More rights, for itself or for others.
  await refused("set role postgres");
  await refused(`create role ${login.renamer}_2`);
  await refused(`alter role ${login.renamer} createrole`);
  await refused("create database x");
  await refused("create schema x");
  await refused("create extension postgres_fdw");
  await refused("set session_replication_role = replica");
  await refused("copy experts to program 'true'");
  await refused("copy experts to '/tmp/x'");
  await refused("select pg_read_file('PG_VERSION')");
  await refused("select pg_terminate_backend(pg_backend_pid()) from letters");
  // What is recorded of events stays as it is.
  await refused("update table_rename.sys_table_migration_events set actor = 'nobody'");
  await refused("delete from table_rename.sys_table_migration_events");
  await refused("truncate table_rename.sys_table_migration_events");
  await refused("delete from sys_table_migrations");
  await refused("drop table sys_table_migrations");
  await refused("alter table sys_table_migrations disable row level security");
  // What membership of an owner does give, and the file says so: all of the owner's tables, every row.
  assertEquals((await as`select name from experts order by id`).map(({ name }) => name), [
    "ann",
    "bob",
  ]);
  const [role] = await db.admin`
    select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication as mighty
    from pg_roles where rolname = ${login.renamer}`;
  assertEquals(role.mighty, false);
});

databaseTest(
  "what the file gave can be taken back, and renames go on as postgres",
  async ({ db }) => {
    await db.sql.unsafe(APPLICATION).simple();
    await using login = await leastPrivilege(db);
    await login.handOver("experts");
    {
      await using functions = functionsFor(login.url);
      await functions.rename({ old_name: "experts", new_name: "expert_profiles", count_use: true });
    }
    await db.sql.unsafe(login.takeBack).simple();
    const left = await db
      .admin`select from pg_roles where rolname in (${login.renamer}, ${login.owner})`;
    assertEquals(left.length, 0);
    await using functions = functionsFor(db.url);
    const { verification } = await functions.rollback({ table: "experts" });
    // The owner is another by then, and that is all there is to say.
    const different = verification!.checks.flatMap(({ passed, differences }) =>
      passed ? [] : (differences ?? []).map(({ object }) => object)
    );
    assertEquals(different.filter((object) => !/owner|grant/.test(object)), []);
  },
);
