/** Options of a compatibility view count as the server reads them, however they are written. */
import { assertEquals } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

databaseTest(
  "a view runs with its caller's rights however that is written, for drift, events and the way back",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table experts (id int primary key);
      insert into experts values (1);
      alter table experts enable row level security`).simple();
    const { migrations: [{ id }] } = await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
    });
    const drift = async () => {
      const { migrations: [migration] } = await functions.list({ include: "drift" });
      return migration.drift!.map(({ code }) => code);
    };
    const events = async () => {
      const [{ count }] = await db.admin`
        select count(*)::int from table_rename.sys_table_migration_events where operation = 'drift'`;
      return count;
    };
    const rows = () => db.as("anon", async (tx) => (await tx`select id from experts`).length);
    // What the server makes of it is seen by a role that the table hides its rows from.
    for (const value of ["t", "TRUE", "tr", "on", "ON", "Yes", "y", "1", "true"]) {
      await db.sql.unsafe(`alter view experts set (security_invoker = '${value}')`);
      const stored = await db.sql`select reloptions from pg_class where relname = 'experts'`;
      assertEquals(stored[0].reloptions, [`security_invoker=${value}`]);
      assertEquals([await rows(), await drift(), await events()], [0, [], 0], value);
      const { findings } = await functions.rollback({ migration_id: id, mode: "plan" });
      assertEquals(findings, [], value);
    }
    for (const value of ["f", "OFF", "no", "0", "false"]) {
      await db.sql.unsafe(`alter view experts set (security_invoker = '${value}')`);
      assertEquals([await rows(), await drift()], [1, ["row_security_bypassed"]], value);
    }
    assertEquals(await events(), 1);
    await functions.refresh({ migration_id: id, acknowledge: ["view_changed"] });
    assertEquals([await rows(), await drift()], [0, []]);
    await db.sql`alter view experts set (security_invoker = 'YES')`;
    await functions.rollback({ migration_id: id });
  },
);
