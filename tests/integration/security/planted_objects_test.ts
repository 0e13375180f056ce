/** Code of others never runs with our rights, whatever they plant where names are looked up. */
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { type Planter, startPlanter } from "../../support/planted_objects.ts";
import { recordMessages } from "../../support/recorded_messages.ts";
import { wholeCycle } from "../../support/whole_cycle.ts";

const ON_ALL = { versions: [15, 17, 18] };

const TABLES = `
  create schema app;
  create table app.teams (id bigint primary key generated always as identity, name varchar(20) unique);
  create table app.people (id uuid primary key default gen_random_uuid(), team bigint references app.teams,
    name text not null default 'x', tags text[], facts jsonb, joined timestamptz default now());
  create index on app.people (name);
  insert into app.teams (name) values ('a'), ('b');
  insert into app.people (team, tags, facts) values (1, '{x}', '{"a": 1}');
  grant usage on schema app to anon, authenticated;
  grant select on app.people, app.teams to anon, authenticated`;

databaseTest(
  "nothing that another role plants with the names that our statements use is run by any endpoint",
  ON_ALL,
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    const files = ["migrations", "roles"].map((name) =>
      new URL(`../../../supabase/${name}/`, import.meta.url)
    );
    const statements = [
      ...await statementsOf(db, "teams"),
      ...(await Promise.all(files.map(textsIn))).flat(),
    ];
    const planter = await startPlanter(db, ["public", "extensions", "app"]);
    assertGreater(await planter.plant(["public", "extensions", "app"], statements), 1_000);
    // The worst path there is: with it even what the server has itself is looked up last.
    await db.admin.unsafe(`alter role postgres in database ${db.name}
      set search_path = public, extensions, app, pg_catalog`);
    const session = db.connect({ max: 1 });
    await session`select 1::numeric * 1`;
    assertEquals(
      await planter.last(),
      "public: an operator (numeric, integer)",
      "what is planted does not work",
    );
    const before = [await planter.ran(), await planter.last()];
    await using functions = functionsFor(db.url);
    await wholeCycle(functions, { schema: "app", old_name: "people", new_name: "persons" });
    assertEquals([await planter.ran(), await planter.last()], before);

    // What is run by hand, as postgres.
    const sql = db.connect({ max: 1, fetch_types: false });
    const migrations = await textsIn(files[0]);
    for (const text of migrations) await sql.begin((tx) => tx.unsafe(text).simple());
    for (const text of await textsIn(files[1])) {
      await sql.unsafe(text.replaceAll(/\btable_(renamer|owner|verifier)\b/g, `${db.name}_$1`))
        .simple();
    }
    assertEquals([await planter.ran(), await planter.last()], before);
  },
);

/** The SQL files of a folder, in order. */
async function textsIn(folder: URL): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  return await Promise.all(names.map((name) => Deno.readTextFile(new URL(name, folder))));
}

/** What the functions send in a whole cycle. */
async function statementsOf(db: TestDatabase, table: string): Promise<string[]> {
  await using recorded = recordMessages(db.url);
  await using functions = functionsFor(recorded.url);
  await wholeCycle(functions, { schema: "app", old_name: table, new_name: `${table}_renamed` });
  await functions.rename({ schema: "app", old_name: `${table}_renamed`, new_name: table });
  return recorded.sent.map(({ text }) => text);
}

/** A table or view that mallory plants; what makes it do something when it is read or written. */
const trap = (planter: Planter, sql: string) => `
  grant create on database current_database_name to ${planter.role};
  set role ${planter.role};
  ${sql};
  reset role`;

const VIEW_OF_JOBS = `
  create schema cron;
  create view cron.job as select 1::bigint as jobid, 'x'::text as jobname, 'delete from app.people'::text as command,
    pg_catalog.current_database()::text as database, 'postgres'::text as username
  where planted.ran(0);
  grant usage on schema cron to public;
  grant select on cron.job to public`;

const HISTORY_WITH_TRIGGER = `
  create schema supabase_migrations;
  create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
  create function supabase_migrations.trap() returns trigger language plpgsql as
    'begin perform planted.ran(0); return new; end';
  create trigger trap before insert or update on supabase_migrations.schema_migrations
    for each row execute function supabase_migrations.trap();
  grant usage on schema supabase_migrations to public;
  grant all on supabase_migrations.schema_migrations to public`;

const HISTORY = ["supabase_migrations.schema_migrations"];

/** Histories that belong to us and run somebody else's code all the same, or could. */
const ON_OUR_HISTORY: Record<string, string> = {
  "a trigger": `create trigger trap before insert on supabase_migrations.schema_migrations
    for each row execute function planted.on_write()`,
  "row-level security":
    `alter table supabase_migrations.schema_migrations enable row level security`,
  "a rule": `create rule trap as on insert to supabase_migrations.schema_migrations
    do also select planted.ran(0)`,
};

databaseTest(
  "a view called cron.job and a history with a trigger are left alone, and a finding says so",
  ON_ALL,
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    const planter = await startPlanter(db, ["public"]);
    const plant = (sql: string) =>
      db.admin.unsafe(trap(planter, sql).replace("current_database_name", db.name)).simple();
    await db.admin`drop schema supabase_migrations cascade`;
    await plant(VIEW_OF_JOBS);
    await plant(HISTORY_WITH_TRIGGER);
    await using functions = functionsFor(db.url);
    const rename = { schema: "app", old_name: "people", new_name: "persons" };
    const planned = await functions.rename({ ...rename, mode: "plan" });
    const untrusted = (findings: { code: string; object: string }[]) =>
      findings.filter(({ code }) => code === "untrusted_object").map(({ object }) => object);
    assertEquals(untrusted(planned.findings), ["cron.job", ...HISTORY]);
    const { tables: [{ findings }] } = await functions.analyze("schema=app&table=people");
    assertEquals(untrusted(findings), ["cron.job", ...HISTORY]);
    assert(findings.every(({ code }) => code !== "cron_mentions"));
    await wholeCycle(functions, rename);
    assertEquals(await planter.ran(), 0);
    assertEquals((await db.admin`select from supabase_migrations.schema_migrations`).length, 0);

    // One that is ours is written, and is not while something of it would run.
    await db.admin.unsafe(`drop schema supabase_migrations cascade; drop schema cron cascade;
      set role postgres;
      create schema supabase_migrations;
      create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
      reset role;
      create function planted.on_write() returns trigger language plpgsql as
        'begin perform planted.ran(0); return new; end'`).simple();
    const teams = { schema: "app", old_name: "teams", new_name: "groups" };
    for (const [what, sql] of Object.entries(ON_OUR_HISTORY)) {
      await db.admin.unsafe(sql);
      assertEquals(
        untrusted((await functions.rename({ ...teams, mode: "plan" })).findings),
        HISTORY,
        what,
      );
      await functions.rename(teams);
      await functions.rollback({ schema: "app", table: "teams" });
      await db.admin.unsafe(`
        drop trigger if exists trap on supabase_migrations.schema_migrations;
        drop rule if exists trap on supabase_migrations.schema_migrations;
        alter table supabase_migrations.schema_migrations disable row level security`).simple();
    }
    assertEquals(await planter.ran(), 0);
    const written = await functions.rename(teams);
    assertEquals(untrusted(written.findings), []);
    assert(written.history);
  },
);

databaseTest(
  "tracking tables that somebody else has made are neither read nor written, and the problem names them",
  ON_ALL,
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    const planter = await startPlanter(db, ["public"]);
    await db.admin.unsafe(`
      alter table public.sys_table_migrations rename to kept;
      set role ${planter.role};
      create view public.sys_table_migrations as select k.* from public.kept k where planted.ran(0);
      grant all on public.sys_table_migrations to public;
      reset role;
      grant select on public.kept to public`).simple();
    await using functions = functionsFor(db.url);
    const rename = { schema: "app", old_name: "people", new_name: "persons" };
    const problem = await functions.refused("database_unavailable", "rename", rename);
    assertStringIncludes(problem.detail, "public.sys_table_migrations");
    for (const name of ["list-migrations", "table-aliases"]) {
      const response = await functions.fetch(name);
      assertEquals(
        [response.status, (await response.json()).code],
        [503, "database_unavailable"],
        name,
      );
    }
    assertEquals(await planter.ran(), 0);
  },
);
