/** Programs that compare schemas, what they leave behind, and what they and others do to views. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Finding } from "../../../shared/contract/responses.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

const MOVE = { old_name: "experts", new_name: "expert_profiles" };

const MARKS = `
  create schema drizzle;
  create table drizzle.__drizzle_migrations (id int);
  create table directus_collections (id int);
  create table payload_migrations (id int);
  create table _prisma_migrations (id int);
  create table mikro_orm_migrations (id int);
  create table "SequelizeMeta" (id int);
  create table typeorm_metadata (id int);
  create table knex_migrations (id int);
  create table account (id int, "accountId" text, "providerId" text)`;

databaseTest(
  "a program that compares schemas is named where its traces are, with the guide, once each",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`create table experts (id int); create table account (id int);
      create view knex_migrations as select 1 as x`).simple();
    const seen = async () => {
      const { findings } = await functions.rename({ ...MOVE, mode: "plan" });
      return findings.filter(({ code }: Finding) => code === "schema_tool_seen");
    };
    assertEquals(await seen(), []);
    await db.sql.unsafe(`drop view knex_migrations; drop table account; ${MARKS}`).simple();
    await db.admin.unsafe(`create schema postgraphile_watch;
      create function postgraphile_watch.notify() returns event_trigger language plpgsql as
        $$ begin null; end $$;
      create event trigger postgraphile_watch_ddl on ddl_command_end
        execute function postgraphile_watch.notify()`).simple();
    // Nothing is read from what is found.
    await db.admin`revoke all on directus_collections from public, postgres, anon, authenticated`;
    const found = await seen();
    assertEquals(found.map(({ object, severity }) => `${object} ${severity}`).sort(), [
      "Directus warning",
      "Drizzle warning",
      "Knex info",
      "MikroORM warning",
      "Payload warning",
      "PostGraphile warning",
      "Prisma warning",
      "Sequelize warning",
      "TypeORM warning",
      "better-auth warning",
    ]);
    const guide = await Deno.readTextFile("shared/guides/schema_tools.md");
    for (const { object, message, remedy } of found) {
      assertStringIncludes(remedy, "shared/guides/schema_tools.md");
      assertStringIncludes(guide, object);
      assertStringIncludes(message, object);
    }
    const drizzle = found.find(({ object }) => object === "Drizzle")!;
    assertStringIncludes(drizzle.message, "drizzle.__drizzle_migrations");
    // In an analysis, too; a rename goes through.
    const { tables: [table] } = await functions.analyze("table=experts");
    assertEquals(
      table.findings.filter(({ code }: Finding) => code === "schema_tool_seen").length,
      found.length,
    );
    await functions.rename(MOVE);
  },
);

databaseTest(
  "a compatibility view that vanishes leaves an event at the next look, whatever is looked at, once",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe("create table experts (id int); create table teams (id int)").simple();
    const { migrations } = await functions.rename({
      renames: [MOVE, { old_name: "teams", new_name: "groups" }],
    });
    const [{ id }, { id: other }] = migrations;
    const drift = async () =>
      (await db.sql`select details -> 'drift' as drift from table_rename.sys_table_migration_events
        where operation = 'drift' order by id`).map((row) => row.drift);
    await functions.list();
    await functions.analyze("table=experts");
    assertEquals(await drift(), []);
    await db.sql`drop view experts`;
    await functions.analyze("table=expert_profiles");
    const missing = { migration_id: id, code: "view_missing", object: "public.experts" };
    assertEquals(await drift(), [[missing]]);
    await functions.list();
    await functions.list({ include: "drift" });
    assertEquals(await drift(), [[missing]]);
    await db.sql.unsafe("drop view teams; create table teams (id int)").simple();
    await functions.refused("drifted", "verify", { migration_id: other });
    const replaced = { migration_id: other, code: "view_replaced", object: "public.teams" };
    assertEquals(await drift(), [[missing], [replaced]]);
  },
);

databaseTest(
  "the guide's query finds views that a diff tool wrote without security_invoker, and its statement helps",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`create table experts (id int);
      insert into experts values (1);
      alter table experts enable row level security;
      grant select on experts to anon;
      create table plain (id int);
      create view on_plain as select id from plain`).simple();
    const guide = await Deno.readTextFile("shared/guides/limits.md");
    const query = /```sql\n([^`]*pg_options_to_table[^`]*)```/.exec(guide)![1];
    const visible = async () =>
      (await db.as("anon", (tx) => tx`select count(*)::int as n from experts`))[0].n;
    await functions.rename(MOVE);
    assertEquals([[...await db.sql.unsafe(query)], await visible()], [[], 0]);
    for (const setting of ["on", "t", "1", "TRUE"]) {
      await db.sql.unsafe(`alter view experts set (security_invoker = ${setting})`);
      assertEquals([...await db.sql.unsafe(query)], [], setting);
    }
    // As it is written by tools that know no options of views.
    const [{ definition }] = await db.sql`select pg_get_viewdef('experts'::regclass) as definition`;
    await db.sql.unsafe(`drop view experts; create view experts as ${definition};
      grant select on experts to anon`).simple();
    assertEquals(await visible(), 1);
    const [found, ...more] = await db.sql.unsafe(query);
    assertEquals([found.view, found.table, more], ["public.experts", "public.expert_profiles", []]);
    await db.sql.unsafe(found.fix);
    assertEquals([[...await db.sql.unsafe(query)], await visible()], [[], 0]);
  },
);
