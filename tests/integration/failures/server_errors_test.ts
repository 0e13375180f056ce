/** Errors that the server raises while a plan runs are reported as what they are. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

databaseTest(
  "an error that no dependant causes is not reported as a dependant that cannot follow",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key, name text)`;
    await db.admin.unsafe(`
      create function refuse() returns event_trigger language plpgsql as $$
      begin
        if current_setting('application_name') = 'table-rename' then
          raise exception using errcode = '42704', message = 'there is no such thing';
        end if;
      end $$;
      create event trigger refuse on ddl_command_end execute function refuse()`).simple();
    const problem = await functions.refused("internal", "rename", RENAME);
    assertStringIncludes(problem.detail, "SQLSTATE 42704");
    assertStringIncludes(problem.detail, "there is no such thing");
    assertEquals(problem.sqlstate, "42704");
    // A data exception may quote rows.
    await db.admin.unsafe(`
      create or replace function refuse() returns event_trigger language plpgsql as $$
      begin
        if current_setting('application_name') = 'table-rename' then
          raise exception using errcode = '22P02', message = 'the secret of a row';
        end if;
      end $$`);
    const quoting = await functions.refused("internal", "rename", RENAME);
    assertStringIncludes(quoting.detail, "SQLSTATE 22P02");
    assertEquals(JSON.stringify(quoting).includes("the secret of a row"), false);
    await db.admin`drop event trigger refuse`;
  },
);

databaseTest(
  "an error of our own tables is not reported as one of what was built on the view, either",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key, name text)`;
    const { migrations: [{ id }] } = await functions.rename(RENAME);
    await db.sql`create view names as select name from experts`;
    const [{ events }] = await db.sql`
      select c.oid::regclass::text as events from pg_class c
      where c.relname = 'sys_table_migration_events' and c.relkind = 'r'`;
    await db.sql.unsafe(
      `create unique index sys_one_rollback on ${events} ((operation = 'rollback'))
      where operation = 'rollback'`,
    );
    await functions.refused("plan_changed", "rollback", {
      migration_id: id,
      expected_plan_hash: `sha256:${"0".repeat(64)}`,
    });
    const problem = await functions.refused("internal", "rollback", { migration_id: id });
    assertStringIncludes(problem.detail, "SQLSTATE 23505");
    assertStringIncludes(problem.detail, "sys_one_rollback");
    await db.sql.unsafe(
      `drop index ${events.split(".").slice(0, -1)[0] ?? "public"}.sys_one_rollback`,
    );
    await functions.rollback({ migration_id: id });
  },
);
