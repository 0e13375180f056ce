/** The README's "Deploy it", with the real CLI, for a project that has a history of its own. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import {
  copyOurs,
  emptyDatabase,
  listedVersions,
  repository,
} from "../../support/migration_files.ts";

databaseTest(
  "our migrations, copied into a project's own, are pushed before and after a recorded rename; from this checkout they are not",
  { versions: [17] },
  async ({ db: like }) => {
    await using db = await emptyDatabase(like);
    await using own = await repository(false);
    own.write("20250101000000_app.sql", "create table experts (id int primary key);\n");
    own.write("20991231000000_app.sql", "create table teams (id int primary key);\n");
    await own.supabase(db, "db", "push");

    // What the README warns of: the project's own migrations would be taken off the list.
    await using checkout = await repository();
    const advice = await checkout.refused(db, "db", "push");
    assertStringIncludes(advice, "migration repair --status reverted");
    assertEquals((await db.sql`select to_regclass('sys_table_migrations') as t`)[0].t, null);

    copyOurs(own);
    await own.supabase(db, "db", "push", "--include-all");
    const inStep = async () => {
      const { local, remote } = listedVersions(await own.supabase(db, "migration", "list"));
      assertEquals(local, remote);
      return remote.length;
    };
    const count = await inStep();
    assertEquals(count, own.files().length);

    await using functions = functionsFor(db.url);
    const { history } = await functions.rename({ old_name: "experts", new_name: "people" });
    assert(history);
    // Until it is fetched nothing is pushed; afterwards all is, an update of ours with a low version too.
    own.write("20261110000000_update.sql", "comment on schema table_rename is 'updated';\n");
    assertStringIncludes(
      await own.refused(db, "db", "push", "--include-all"),
      "Remote migration versions not found",
    );
    const update = own.read("20261110000000_update.sql");
    await Deno.remove(`${own.dir}/supabase/migrations/20261110000000_update.sql`);
    await own.supabase(db, "migration", "fetch");
    assertEquals(await inStep(), count + 1);
    own.write("20261110000000_update.sql", update);
    await own.supabase(db, "db", "push", "--include-all");
    assertEquals(await inStep(), count + 2);
    const { migrations } = await functions.list({ include: "drift" });
    assertEquals(migrations.map(({ status, drift }) => [status, drift]), [["active", []]]);
  },
);
