/** Names of tables in the rows of extensions, which do not follow a rename. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import type { Finding } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { createStandIn, forgetStandIn } from "../../support/stand_in_extension.ts";

/**
 * The part of pg_partman that matters here, after its documentation: its configuration, and maintenance that
 * finds the parent by the name in it.
 */
const PARTMAN = `
  create table part_config (parent_table text primary key, control text not null, template_table text);
  create table part_config_sub (sub_parent text primary key
    references part_config (parent_table) on update cascade deferrable initially deferred);
  create function run_maintenance() returns void language plpgsql as $$
    declare parent text; lower int;
    begin
      for parent in select parent_table from @extschema@.part_config loop
        lower := 10 * (select count(*) from pg_catalog.pg_inherits where inhparent = parent::regclass);
        execute format('create table %s partition of %s for values from (%s) to (%s)',
          'public.p_' || lower, parent, lower, lower + 10);
      end loop;
    end $$;
  select pg_catalog.pg_extension_config_dump('part_config', '');`;

/** An extension that nothing is known of, with names in every form. */
const OTHER = `
  create table watched (schema_name name, table_name name);
  create table by_oid (relation regclass);
  create table bare (relname varchar);
  create table hidden (parent_table text);
  create table unrelated (title text, tablespace_name text);
  create view shown as select table_name from watched;`;

const RENAME = { old_name: "events", new_name: "happenings" };

const inRows = (findings: Finding[]) => findings.filter(({ code }) => code === "names_in_rows");

async function sqlstate(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return "done";
  } catch (error) {
    if (error instanceof postgres.PostgresError) return error.code;
    throw error;
  }
}

const updateIn = ({ remedy }: Finding) => /update .*? where "\w+" = '[^']*'/.exec(remedy)![0];

async function withPartman(db: TestDatabase): Promise<void> {
  await db.admin.unsafe("create schema partman");
  await createStandIn(db, "pg_partman", "partman", PARTMAN);
  await db.admin.unsafe(`grant usage on schema partman to postgres;
    grant select, update on all tables in schema partman to postgres`).simple();
  await db.sql.unsafe("create table events (id int) partition by range (id)");
  await db.admin`insert into partman.part_config values ('public.events', 'id')`;
}

databaseTest(
  "pg_partman's configuration is reported before its maintenance stops, with the statement that brings it up to date",
  { everyVersion: true },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await withPartman(db);
    const maintain = () => sqlstate(() => db.admin`select partman.run_maintenance()`);
    assertEquals(await maintain(), "done");

    const problem = await functions.refused("breaking_findings", "rename", RENAME);
    const [finding, ...others] = inRows(problem.findings as Finding[]);
    assertEquals(others, []);
    assertEquals([finding.severity, finding.object], [
      "breaking",
      '"partman"."part_config"."parent_table"',
    ]);
    const { tables: [analyzed] } = await functions.analyze("table=events");
    assertEquals(inRows(analyzed.findings).map(({ severity }) => severity), ["breaking"]);

    await functions.rename({ ...RENAME, acknowledge: ["names_in_rows"] });
    assertEquals(await maintain(), "42809");
    const left = await functions.refused("breaking_findings", "finalize", {
      table: "events",
      quiet_for_days: 0,
    }).catch(() => null);
    assert(left === null || inRows(left.findings as Finding[]).length === 1);

    await db.sql.unsafe(updateIn(finding));
    assertEquals(await maintain(), "done");
    assertEquals(await maintain(), "done");

    const back = await functions.rollback({ table: "events" });
    const [after] = inRows(back.findings);
    assertEquals(after.severity, "warning");
    assertEquals(await maintain(), "42P01");
    await db.sql.unsafe(updateIn(after));
    assertEquals(await maintain(), "done");

    // Only rows of the table itself matter.
    await db.admin`update partman.part_config set parent_table = 'public.others'`;
    assertEquals(inRows((await functions.rename({ ...RENAME, mode: "plan" })).findings), []);
    await forgetStandIn(db, "pg_partman");
  },
);

databaseTest(
  "names that another extension keeps are a warning, and so are those that cannot be read",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(
      `create table events (id int); create schema t2; create table t2.events (id int)`,
    )
      .simple();
    await db.admin.unsafe("create schema ext");
    await createStandIn(db, "names_stand_in", "ext", OTHER);
    await db.admin.unsafe(`
      insert into ext.watched values ('public', 'events'), ('t2', 'events'), ('public', 'other');
      insert into ext.by_oid values ('public.events'), ('t2.events');
      insert into ext.bare values ('events'), ('event');
      insert into ext.hidden values ('public.events');
      alter table ext.hidden enable row level security;
      grant usage on schema ext to postgres;
      grant select on ext.watched, ext.by_oid, ext.bare to postgres`).simple();
    const planned = async (more = {}) =>
      inRows((await functions.rename({ ...RENAME, mode: "plan", ...more })).findings)
        .map(({ severity, object, message }) =>
          [severity, object, /means|may mean|by its OID|could not/.exec(message)?.[0]].join(" ")
        ).sort();
    assertEquals(await planned(), [
      'info "ext"."by_oid"."relation" by its OID',
      'warning "ext"."bare"."relname" may mean',
      'warning "ext"."hidden"."parent_table" could not',
      'warning "ext"."watched"."table_name" means',
    ]);
    const { findings } = await functions.rename(RENAME);
    const watched = inRows(findings).find(({ object }) => object.includes("watched"))!;
    assertStringIncludes(
      watched.remedy,
      `update "ext"."watched" set "table_name" = 'happenings' where "table_name" = 'events' and "schema_name" = 'public'`,
    );
    assertMatch(watched.remedy, /^Unless the extension follows renames by itself/);
    await functions.rollback({ table: "events" });

    // Somebody who alters the extension, or holds its table, is not waited for.
    const holder = db.connect({ role: "supabase_admin", max: 1 });
    await holder.begin(async (tx) => {
      await tx`lock table ext.watched`;
      const began = Date.now();
      assert((await planned()).every((one) => one.endsWith("could not")));
      assert(Date.now() - began < 10_000);
    });

    // A table is no extension's for its name alone.
    await db.admin.unsafe("drop extension names_stand_in; create schema partman");
    await db.admin.unsafe(`create table partman.part_config (parent_table text);
      insert into partman.part_config values ('public.events');
      grant usage on schema partman to postgres; grant select on partman.part_config to postgres`)
      .simple();
    assertEquals(await planned(), []);
    await forgetStandIn(db, "names_stand_in");
  },
);
