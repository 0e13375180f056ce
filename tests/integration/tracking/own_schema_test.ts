/** The tables of the tool have a schema of their own, and those of earlier versions move there. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NEEDED_MIGRATION } from "../../../shared/postgres/database_problems.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { quietly } from "../../support/quietly.ts";
import { emptyDatabase, repository } from "../../support/migration_files.ts";

const MIGRATIONS = new URL("../../../supabase/migrations/", import.meta.url);
const MOVE = "20261129000000_move_tables_to_own_schema.sql";
const BESIDE = ["events", "requests", "usage", "notifications"];

const run = (db: TestDatabase, sql: string) => db.sql.unsafe(sql).simple();

const file = (name: string) => Deno.readTextFile(new URL(name, MIGRATIONS));

/** Applies the migrations that an earlier version had. */
async function applyEarlier(db: TestDatabase): Promise<void> {
  const names = [...Deno.readDirSync(MIGRATIONS)].map(({ name }) => name).sort();
  for (const name of names.filter((name) => name < MOVE)) await run(db, await file(name));
}

/** What of ours is in a schema: relations, by kind, but for indexes. */
async function relationsIn(db: TestDatabase, schema: string): Promise<string[]> {
  const rows = await db.sql`
    select c.relkind::text || ' ' || c.relname as relation from pg_class c
    where c.relnamespace = to_regnamespace(${schema}) and c.relkind not in ('i', 't')
    order by c.relname`;
  return rows.map(({ relation }) => relation);
}

/** A rename as an earlier version recorded it in the migration history. */
const recordedEarlier = (name: string) =>
  `do $track$
begin
if pg_catalog.to_regclass('public.sys_table_migrations') is null then
  return;
end if;
insert into public.sys_table_migrations (
  batch_id, schema_name, old_name, new_name, status, plan_hash, requested_by, migrated_at)
values (gen_random_uuid(), 'public', '${name}', '${name}_new', 'active', 'sha256:', 'key', now());
insert into public.sys_table_migration_events (
  request_id, operation, actor, outcome)
values (gen_random_uuid(), 'rename', 'key', 'succeeded');
end $track$`;

databaseTest(
  "only sys_table_migrations is in public, without a sequence or a key of two columns, and API roles see nothing of the rest",
  async ({ db }) => {
    assertEquals(await relationsIn(db, "public"), ["r sys_table_migrations"]);
    const [{ keys }] = await db.sql`
      select max(cardinality(conkey))::int as keys from pg_constraint
      where contype in ('p', 'u') and connamespace = 'public'::regnamespace`;
    assertEquals(keys, 1);
    await using functions = functionsFor(db.url);
    await run(db, "create table experts (id int)");
    await functions.refused("protected_schema", "rename", {
      schema: "table_rename",
      old_name: "sys_table_migration_events",
      new_name: "x",
    });
    await functions.rename({ old_name: "experts", new_name: "people", count_use: true });
    assertEquals(
      (await relationsIn(db, "table_rename")).filter((name) => !/^r tick_/.test(name)),
      [
        "r sys_table_migration_events",
        "S sys_table_migration_events_id_seq",
        "r sys_table_migration_notifications",
        "r sys_table_migration_requests",
        "r sys_table_migration_usage",
        "r sys_table_migration_uses",
        "r sys_table_migration_verifications",
      ],
    );
  },
);

databaseTest(
  "tables of an earlier version move with their data, counters and privileges, as often as the migration is applied",
  async ({ db: like }) => {
    await using db = await emptyDatabase(like);
    await applyEarlier(db);
    await run(
      db,
      `create table experts (id int primary key);
      create table app_log (id int);
      ${recordedEarlier("orders")};
      insert into sys_table_migration_usage (migration_id, last_used_at)
        select id, '2026-01-01' from sys_table_migrations;
      insert into sys_table_migration_requests (idempotency_key, operation, actor, body_hash)
        values ('k', 'rename', 'key', 'h');
      insert into sys_table_migration_notifications (event_id, receiver, host, type)
        select id, 'r', 'h', 't' from sys_table_migration_events;
      create table table_rename_ticks."16384_0123456789abcdef" ();
      grant select on table_rename_ticks."16384_0123456789abcdef" to public;
      create table people (id int);
      create view counted with (security_invoker = true) as select id from people
        where (select count(*) from table_rename_ticks."16384_0123456789abcdef") is not null;
      grant select on counted, people to anon`,
    );
    const rows = async (schema: string) =>
      await Promise.all(BESIDE.map(async (name) =>
        (await db.sql.unsafe(
          `select to_jsonb(t)::text as row from ${schema}.sys_table_migration_${name} t`,
        ))[0].row
      ));
    const before = await rows("public");
    for (let time = 1; time <= 2; time++) {
      await run(db, await file(MOVE));
      assertEquals(await rows("table_rename"), before);
      assertEquals(
        (await relationsIn(db, "public")).filter((name) => name.includes("sys_")),
        ["r sys_table_migrations"],
      );
      assertEquals(await relationsIn(db, "table_rename_ticks"), []);
      const [{ count }] = await db.as("anon", (tx) => tx`select count(*)::int from counted`);
      assertEquals(count, 0);
    }
    // The numbers of events go on.
    await run(
      db,
      "insert into table_rename.sys_table_migration_events (request_id, operation, actor, outcome) values (gen_random_uuid(), 'rename', 'key', 'succeeded')",
    );
    await using functions = functionsFor(db.url);
    await functions.rename({ old_name: "experts", new_name: "expert_profiles", count_use: true });
    await functions.rollback({ table: "experts" });
    // A tracking table that a view of somebody's reads is no counter, and does not go with the view.
    await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
    await run(
      db,
      `create or replace view experts with (security_invoker = true) as
        select id from expert_profiles where exists (select from table_rename.sys_table_migration_events)`,
    );
    await functions.refused("drifted", "rollback", { table: "experts" });
  },
);

databaseTest(
  "functions and tables of different versions are detected before anything is changed",
  async ({ db: like }) => {
    await using db = await emptyDatabase(like);
    await applyEarlier(db);
    await run(db, "create table experts (id int)");
    await using functions = functionsFor(db.url);
    for (const mode of ["plan", "apply", "propose"]) {
      const body = { old_name: "experts", new_name: "people", mode };
      const problem = await quietly(() =>
        functions.refused("database_unavailable", "rename", body)
      );
      assertStringIncludes(problem.detail, NEEDED_MIGRATION);
      assertEquals(problem.migration, NEEDED_MIGRATION);
      assertStringIncludes(problem.hint!, "supabase db push");
    }
    assertEquals((await db.sql`select from sys_table_migrations`).length, 0);
    // What functions of an earlier version send, against the tables of this one.
    await run(db, await file(MOVE));
    const earlier = await db.sql.unsafe(recordedEarlier("experts")).then(
      () => null,
      (error) => error as { code: string; message: string; hint: string },
    );
    // By this code and name they say that tables and functions do not fit.
    assertEquals(earlier?.code, "42P01");
    assertMatch(earlier!.message, /sys_table_migration_events.*20261129000000/);
    assertEquals((await db.sql`select from sys_table_migrations`).length, 0);
    assert([...Deno.readDirSync(MIGRATIONS)].some(({ name }) => name === NEEDED_MIGRATION));
  },
);

databaseTest(
  "changes that an earlier version recorded are made again, or the error says what to write in their files",
  { versions: [17] },
  async ({ db: like }) => {
    await using db = await emptyDatabase(like);
    await using repo = await repository();
    // One before the move, one after it.
    const [before, after] = ["20261125000000_rename_a.sql", "20261201000000_rename_b.sql"];
    repo.write(before, `${recordedEarlier("a")};\n`);
    repo.write(after, `${recordedEarlier("b")};\n`);
    const output = await repo.refused(db, "db", "push");
    assertStringIncludes(output, "is now table_rename.sys_table_migration_events");
    assertStringIncludes(output, MOVE.replace(".sql", ""));
    const moved = recordedEarlier("b").replaceAll(
      "into public.sys_table_migration_events",
      "into table_rename.sys_table_migration_events",
    );
    repo.write(after, `${moved};\n`);
    await repo.supabase(db, "db", "push");
    const names = await db.sql`select old_name from sys_table_migrations order by old_name`;
    assertEquals(names.map(({ old_name }) => old_name), ["a", "b"]);

    // What is in the history already is put right there, and fetched so.
    await using other = await emptyDatabase(like);
    await using theirs = await repository();
    const since = theirs.files().filter((name) => name >= MOVE);
    for (const name of since) await Deno.remove(`${theirs.dir}/supabase/migrations/${name}`);
    theirs.write(after, `${recordedEarlier("b")};\n`);
    await theirs.supabase(other, "db", "push");
    for (const name of since) theirs.write(name, await file(name));
    await theirs.supabase(other, "db", "push", "--include-all");
    await theirs.supabase(other, "migration", "fetch");
    assertStringIncludes(theirs.read(after), "insert into table_rename.sys_table_migration_events");
    const created = theirs.files().find((name) => name.includes("create_table_migration"))!;
    assert(
      theirs.read(created).includes("create table if not exists public.sys_table_migration_events"),
    );
    await using again = await emptyDatabase(like);
    await theirs.supabase(again, "db", "push");
    assertEquals((await again.sql`select from sys_table_migrations`).length, 1);
  },
);
