/** `--migration-file`: what is written is applied by the Supabase CLI, and tracked like any other change. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { EXIT } from "../../../shared/cli/exit_codes.ts";
import { runMain, withProject } from "../../support/programs/cli.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import {
  emptyDatabase,
  type Repository,
  repository,
  trackingRows,
} from "../../support/migration_files.ts";
import { describeSchemas, descriptionDifferences } from "../../support/catalog/comparable_dump.ts";
import { holdLock } from "../../support/waiting.ts";

const SCHEMA = `
create table experts (id int primary key, name text default 'x', team int);
alter table experts enable row level security;
create policy everybody on experts using (name <> '$guard$;');
create function label(experts) returns text language sql stable as $$ select $1.name || '!' $$;
create index experts_team on experts (team);
comment on table experts is '$lock$ it''s; --';
insert into experts values (1, 'Ada', 1);
create table teams (id int primary key)`;

/** Runs a command against the functions on the test's database; gives the file that it wrote, by its name. */
async function write(functions: Functions, repo: Repository, ...args: string[]): Promise<string> {
  const before = new Set(repo.files());
  const { code, stderr } = await command(functions, [
    ...args,
    `--migration-file=${join(repo.dir, "supabase/migrations")}`,
  ]);
  assertEquals(code, 0, stderr);
  const written = repo.files().filter((file) => !before.has(file));
  assertEquals(written.length, 1, written.join());
  return written[0];
}

async function command({ fetch }: Functions, args: string[]) {
  let ended: Awaited<ReturnType<typeof runMain>>;
  await withProject(async (request) => {
    const { pathname, search } = new URL(request.url);
    return fetch(pathname.replace("/functions/v1/", ""), {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      query: search,
      body: await request.text(),
    });
  }, async (url) => {
    ended = await runMain(args, { SUPABASE_URL: url, SUPABASE_SECRET_KEY: SECRET_KEY });
  });
  return ended!;
}

const publicSchema = (db: TestDatabase) => describeSchemas(db.admin, ["public"]);

interface Started {
  db: TestDatabase;
  repo: Repository;
  functions: Functions;
}

/** A test with a database whose migrations are all in a repository; the last one makes the tables. */
function fileTest(name: string, body: (started: Started) => Promise<void>): void {
  databaseTest(name, async ({ db }) => {
    await using repo = await repository();
    await using functions = functionsFor(db.url);
    repo.write("20991231000000_app.sql", SCHEMA);
    await repo.supabase(db, "db", "push");
    await body({ db, repo, functions });
  });
}

fileTest(
  "a rename that comes by a file is tracked, and is rolled back to exactly the earlier state",
  async ({ db, repo, functions }) => {
    const before = await publicSchema(db);
    const file = await write(
      functions,
      repo,
      "rename-table",
      "experts",
      "expert_profiles",
      "--rename-indexes",
    );
    assertMatch(file, /^20991231000001_rename_experts_to_expert_profiles\.sql$/);
    assertEquals(descriptionDifferences(before, await publicSchema(db)), []);

    await repo.supabase(db, "db", "push");
    const { migrations: [migration] } = await functions.list({ include: "drift" });
    assertEquals([migration.status, migration.old_name, migration.new_name, migration.drift], [
      "active",
      "experts",
      "expert_profiles",
      [],
    ]);
    const { passed, checks } = await functions.verify({ migration_id: migration.id });
    assert(passed, JSON.stringify(checks));
    const [{ operation, details }] = await db.sql`
    select operation, details from table_rename.sys_table_migration_events where migration_ids @> array[${migration.id}::uuid]`;
    assertEquals([operation, details.migration_file], ["rename", true]);

    const { verification, findings, history } = await functions.rollback({ table: "experts" });
    assertEquals(findings, []);
    assert(verification!.passed, JSON.stringify(verification));
    assertEquals(descriptionDifferences(before, await publicSchema(db)), []);
    assertEquals(history!.name, "roll_back_rename_of_experts");
  },
);

fileTest(
  "a rollback of what came by a file says that it cannot determine what was changed since",
  async ({ db, repo, functions }) => {
    await write(functions, repo, "rename-table", "experts", "expert_profiles");
    await repo.supabase(db, "db", "push");
    await db.sql`alter table expert_profiles add column more int`;
    const { verification } = await functions.rollback({ table: "experts" });
    const [failed, ...others] = verification!.checks.filter(({ passed }) => !passed);
    assertEquals(others, []);
    assertMatch(failed.detail!, /2 differences; what others changed since .* by a migration file/);
    assertEquals(failed.differences!.map(({ object }) => object), [
      '"public"."experts": column more',
      '"public"."experts": column order',
    ]);
  },
);

fileTest(
  "rename, refresh, rollback and finalize by files only are in the end what they are by the endpoints",
  async ({ db, repo, functions }) => {
    const before = await publicSchema(db);
    const push = () => repo.supabase(db, "db", "push");
    await write(functions, repo, "rename-table", "experts", "expert_profiles", "--count-use");
    await push();
    repo.write(
      `${Number(repo.files().at(-1)!.slice(0, 14)) + 1}_app.sql`,
      `
    create view names with (security_invoker = true) as select id, name, label(e) from experts e;
    create function everyone() returns setof experts language sql stable as 'select * from experts'`,
    );
    await push();
    const { migrations: [{ id }] } = await functions.list();
    await write(functions, repo, "refresh-view", id);
    await write(functions, repo, "rollback-rename", "experts");
    await push();
    const { migrations: [{ status }] } = await functions.list();
    assertEquals(status, "rolled_back");
    const differences = descriptionDifferences(before, await publicSchema(db))
      .filter((text) =>
        !/^(view|column) names|^routine everyone/.test(text.replaceAll("public.", ""))
      );
    assertEquals(differences, []);

    await write(functions, repo, "rename-table", "experts", "expert_profiles");
    await push();
    await write(
      functions,
      repo,
      "finalize-rename",
      "experts",
      "--quiet-for-days=0",
      "--acknowledge",
      "old_name_in_use",
    );
    await push();
    assertEquals((await functions.list({ status: "finalized" })).migrations.length, 1);
    assertEquals((await db.sql`select name, label from names`).map(({ label }) => label), ["Ada!"]);

    await using fresh = await emptyDatabase(db);
    await repo.supabase(fresh, "db", "push");
    assertEquals(descriptionDifferences(await publicSchema(db), await publicSchema(fresh)), []);
    const withoutTimes = (rows: unknown[]) =>
      rows.map((row) =>
        Object.fromEntries(Object.entries(row as object).filter(([name]) => !name.endsWith("_at")))
      );
    assertEquals(withoutTimes(await trackingRows(fresh)), withoutTimes(await trackingRows(db)));
  },
);

fileTest(
  "a file whose locks cannot be acquired changes nothing, and is pushed again",
  async ({ db, repo, functions }) => {
    const before = await publicSchema(db);
    await write(
      functions,
      repo,
      "rename-table",
      "experts",
      "expert_profiles",
      "--max-wait",
      "300",
      "--lock-timeout",
      "50",
    );
    const holder = await holdLock(db, "experts");
    assertStringIncludes(await repo.refused(db, "db", "push"), "lock timeout");
    assertEquals(descriptionDifferences(before, await publicSchema(db)), []);
    assertEquals((await functions.list()).migrations, []);
    await holder.release();
    await repo.supabase(db, "db", "push");
    assertEquals((await functions.list({ status: "active" })).migrations.length, 1);
  },
);

fileTest(
  "a file goes on trying for its locks, and keeps nobody waiting for long",
  async ({ db, repo, functions }) => {
    await write(
      functions,
      repo,
      "rename-table",
      "experts",
      "expert_profiles",
      "--lock-timeout",
      "50",
    );
    const holder = await holdLock(db, "experts");
    const pushed = repo.supabase(db, "db", "push");
    let longest = 0;
    for (let n = 0; n < 40; n++) {
      const started = performance.now();
      await db.sql`select count(*) from experts`;
      longest = Math.max(longest, performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await holder.release();
    await pushed;
    assertEquals((await functions.list({ status: "active" })).migrations.length, 1);
    // Behind a lock that is waited for without end it would be as long as the holder stays.
    assert(longest < 1_000, `${longest} ms`);
  },
);

fileTest(
  "a file does not fit a table or dependants that were changed since",
  async ({ db, repo, functions }) => {
    const rename = await write(functions, repo, "rename-table", "experts", "expert_profiles");
    await db.sql`alter table experts alter column name set default 'y'`;
    const refused = await repo.refused(db, "db", "push");
    assertStringIncludes(refused, "other columns or defaults than when this file was made");
    await db.sql`alter table experts alter column name set default 'x'`;
    await db.sql`alter table experts add column more int`;
    assertStringIncludes(await repo.refused(db, "db", "push"), "Make the file again");
    await db.sql`alter table experts drop column more`;
    await repo.supabase(db, "db", "push");
    await db.sql`create view names with (security_invoker = true) as select id from experts`;
    const back = await write(functions, repo, "rollback-rename", "experts");
    assert(back > rename, back);
    await db
      .sql`create or replace view names with (security_invoker = true) as select id from experts where id > 0`;
    assertStringIncludes(await repo.refused(db, "db", "push"), "has something else built on it");
    await db
      .sql`create or replace view names with (security_invoker = true) as select id from experts`;
    await repo.supabase(db, "db", "push");
    assertEquals((await functions.list({ status: "rolled_back" })).migrations.length, 1);
  },
);

databaseTest(
  "a file is written where it is wanted, after what is there, and over nothing",
  async ({ db }) => {
    await using repo = await repository();
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(SCHEMA).simple();
    repo.write("20991231235959_later.sql", "select 1");
    const first = await write(functions, repo, "rename-table", "experts", "expert_profiles");
    assertEquals(first, "21000101000000_rename_experts_to_expert_profiles.sql");
    const second = await write(functions, repo, "rename-table", "teams", "crews");
    assertEquals(second, "21000101000001_rename_teams_to_crews.sql");
    const taken = join(repo.dir, "supabase/migrations", first);
    const again = ["rename-table", "teams", "crews", `--migration-file=${taken}`];
    const { code, stderr } = await command(functions, again);
    assertEquals([code, stderr.includes("it exists already")], [EXIT.usage, true], stderr);
    assertStringIncludes(repo.read(first), "expert_profiles");
    for (const other of ["--propose", "--batch-id=6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10"]) {
      const names = other === "--propose" ? ["teams", "crews"] : [];
      const args = ["rename-table", ...names, other, "--migration-file"];
      assertEquals((await command(functions, args)).code, EXIT.usage);
    }
  },
);
