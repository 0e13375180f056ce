import { assert, assertEquals, assertMatch } from "@std/assert";
import { describeSchemas, descriptionDifferences } from "../support/comparable_dump.ts";
import { databaseTest, spreadTest, type TestDatabase } from "../support/database.ts";
import { assertSameDump } from "../support/corpus_state.ts";
import { dumpSchema } from "../support/dump.ts";
import { functionsFor } from "../support/functions.ts";
import {
  emptyDatabase,
  listedVersions,
  repository,
  trackingRows,
} from "../support/migration_files.ts";

const APP = "20261123200000_app.sql";

databaseTest(
  "a rename is in the migration history, and a replay of the files gives the same",
  async ({ db }) => {
    await using repo = await repository();
    await using functions = functionsFor(db.url);
    repo.write(APP, "create table public.experts (id int primary key, name text default 'x');");
    await repo.supabase(db, "db", "push");
    const answer = await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
    console.log(answer.history, answer.findings);
    await repo.supabase(db, "migration", "fetch");
    for (const f of repo.files()) console.log(f);
    console.log(repo.read(repo.files().at(-1)!));
    console.log(listedVersions(await repo.supabase(db, "migration", "list")));
    await using fresh = await emptyDatabase(db);
    console.log(await repo.supabase(fresh, "db", "push"));
    assertEquals(await trackingRows(fresh), await trackingRows(db));
  },
);
