/** A campaign: many tables by pattern, in waves, from the first rename to the last finalization. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Ended, runMain, type Screen, withEndpoints } from "../../support/programs/cli.ts";
import { functionsFor } from "../../support/http/functions.ts";

type Cli = (args: string[], screen?: Screen) => Promise<Ended>;

/** Runs commands in a project's folder with these phases. */
async function withCampaign(
  db: TestDatabase,
  phases: object[],
  work: (cli: Cli, dir: string) => Promise<void>,
): Promise<void> {
  await using functions = functionsFor(db.url);
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/table-rename.json`, JSON.stringify({ phases }));
    await withEndpoints(functions, async (env) => {
      await work((args, screen) => runMain(args, env, { cwd, width: 80, ...screen }), cwd);
    });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

const tablesIn = async (db: TestDatabase, schemas: string[]) =>
  (await db.sql`select nspname || '.' || relname as name from pg_class c
    join pg_namespace n on n.oid = relnamespace
    where relkind = 'r' and nspname = any(${schemas}) and relname not like 'sys_%' order by 1`)
    .map(({ name }) => name).join(" ");

databaseTest(
  "tables of all tenants are renamed in waves with their neighbours, which go on after a refusal",
  async ({ db }) => {
    for (const tenant of ["tenant_a", "tenant_b", "tenantx"]) {
      await db.sql.unsafe(`create schema ${tenant};
        create table ${tenant}.doc_pages (id int primary key);
        create table ${tenant}.doc_notes (id int primary key);
        create table ${tenant}.doc_audit (page_id int references ${tenant}.doc_pages);`);
    }
    const tenants = ["tenant_a", "tenant_b", "tenantx"];
    await withCampaign(db, [], async (cli) => {
      const args = ["rename-table", "--schemas", "tenant_*", "--match", "^doc_", "--to", ""];
      const wave = [...args, "--wave", "2"];
      const plan = await cli([...wave, "--plan"]);
      assertEquals(plan.code, 0, plan.stderr);
      assertStringIncludes(plan.stdout, "Nothing was changed.");

      await db.sql`create view tenant_b.audit as select 1 as one`;
      const stopped = await cli(wave);
      assertEquals(stopped.code, 5, stopped.stderr);
      assertStringIncludes(
        stopped.stdout,
        "Stopped  2 of 4 waves are done: 3 of 6 tables have their new names.",
      );
      assertStringIncludes(stopped.stderr, "name_taken (409)");
      assertEquals(
        await tablesIn(db, tenants),
        "tenant_a.audit tenant_a.notes tenant_a.pages " +
          "tenant_b.doc_audit tenant_b.doc_notes tenant_b.doc_pages " +
          "tenantx.doc_audit tenantx.doc_notes tenantx.doc_pages",
      );
      const batches = await db.sql`select array_agg(old_name order by old_name) as names
        from sys_table_migrations group by batch_id order by 1`;
      assertEquals(batches.map(({ names }) => names.join(" ")), [
        "doc_audit doc_pages",
        "doc_notes",
      ]);

      await db.sql`drop view tenant_b.audit`;
      const done = await cli(wave);
      assertEquals(done.code, 0, done.stderr);
      assertStringIncludes(done.stderr, "3 tables have their new names already, and are left out.");
      assertEquals(
        (await cli(wave)).stdout,
        "Nothing to do: all 6 tables have their new names already.\n",
      );

      // The same wave after a rollback is new work, not an answer of before.
      const back = await cli(["undo", "--yes"]);
      assertEquals(back.code, 0, back.stderr);
      assertStringIncludes(await tablesIn(db, ["tenant_b"]), "tenant_b.doc_notes");
      assertEquals((await cli(wave)).code, 0);
      assertEquals(
        await tablesIn(db, ["tenant_b"]),
        "tenant_b.audit tenant_b.notes tenant_b.pages",
      );
    });
  },
);

databaseTest(
  "a campaign's status leads from the first phase to the last finalization",
  async ({ db }) => {
    await db.sql.unsafe(`create table experts (id int primary key);
      create table document_types (id int primary key);
      create table document_pages (id int primary key, type int references document_types);`);
    const phases = [
      { name: "people", renames: [{ from: "experts", to: "expert_profiles" }] },
      { name: "documents", match: "^document_(.*)$", to: "doc_$1" },
    ];
    await withCampaign(db, phases, async (cli) => {
      const status = async (...args: string[]) => {
        const { code, stdout, stderr } = await cli(["status", ...args]);
        assertEquals([code, stderr], [0, ""]);
        return stdout;
      };
      const begun = await status();
      assertMatch(begun, /^Status {2}3 tables: 3 not begun/);
      assertStringIncludes(begun, "\n  npm run cli -- rename-table --phase people\n");

      assertEquals((await cli(["rename-table", "--phase", "people", "--propose"])).code, 0);
      const proposed = await status();
      assertMatch(proposed, /^Status {2}3 tables: 1 proposed, 2 not begun/);
      assertStringIncludes(proposed, "rename-table --batch-id experts\n");
      assertEquals((await cli(["rename-table", "--batch-id", "experts"])).code, 0);
      assertEquals((await cli(["rename-table", "--phase", "documents", "--wave", "1"])).code, 0);

      const active = await status();
      assertMatch(active, /^Status {2}3 tables: 3 active/);
      assertStringIncludes(active, "test-view-compatibility --phase documents\n");
      const { phases } = JSON.parse(await status("--json"));
      assertEquals(phases.map((phase: { name: string }) => phase.name), ["people", "documents"]);
      assertEquals(phases[1].tables[0].migration.ready_to_finalize.ready, false);
      assertStringIncludes(await status("--markdown", "--phase", "people"), "expert_profiles");

      const tested = await cli(["test-view-compatibility", "--all-active"]);
      assertEquals(tested.code, 0, tested.stdout + tested.stderr);
      assertStringIncludes(tested.stdout, "Compatibility  all 3 old names passed");
      const documents = ["--phase", "documents"];
      const one = await cli(["test-view-compatibility", ...documents, "--check", "reads"]);
      assertStringIncludes(one.stdout, "all 2 old names passed");

      await db.sql`alter table doc_types add column name text`;
      assertMatch(await status(), /refresh-view document_types --plan\n/);
      const refreshed = await cli(["refresh-view", ...documents]);
      assertEquals(refreshed.code, 0, refreshed.stderr);
      assertEquals((await status()).includes("refresh-view"), false);

      const back = await cli(["rollback-rename", ...documents]);
      assertEquals(back.code, 0, back.stderr);
      assertStringIncludes(back.stdout, "Rolled back the rename of 2 tables");
      assertEquals(
        await tablesIn(db, ["public"]),
        "public.document_pages public.document_types public.expert_profiles",
      );
      assertStringIncludes(
        (await cli(["rollback-rename", ...documents])).stdout,
        'Nothing to do: no rename of the phase "documents" is active or proposed.',
      );

      assertEquals((await cli(["rename-table", ...documents, "--wave", "1"])).code, 0);
      const refused = await cli(["finalize-rename", ...documents, "--yes"]);
      assertEquals(refused.code, 5);
      assertStringIncludes(refused.stderr, "Stopped: 0 of 2 operations are done.");
      const now = ["--quiet-for-days", "0"];
      assertMatch(await status(...now), /finalize-rename --ready --phase people\n/);
      const first = await cli(["finalize-rename", "--ready", "--phase", "people", ...now, "--yes"]);
      assertEquals(first.code, 0, first.stderr);
      assertMatch(await status(), /^Status {2}3 tables: 1 finalized, 2 active/);
      const rest = await cli(["finalize-rename", ...documents, ...now, "--yes"]);
      assertEquals(rest.code, 0, rest.stderr);
      assertMatch(await status(), /^Status {2}3 tables: 3 finalized/);
      assertMatch(
        (await cli(["rename-table", ...documents])).stdout,
        /^Nothing to do: all 2 tables have their new names already\.\n/,
      );
    });
  },
);

databaseTest(
  "waves are proposed by one person and applied by another, and what is proposed is left out",
  async ({ db }) => {
    await db.sql.unsafe(
      ["a", "b", "c", "d"].map((name) => `create table doc_${name} (id int primary key);`).join(""),
    );
    await withCampaign(db, [], async (cli) => {
      const args = ["rename-table", "--match", "^doc_", "--to", "", "--propose", "--wave"];
      await db.sql`create view d as select 1 as one`;
      const [first, second] = ["doc_a", "doc_c"].map((name) => `rename-table --batch-id ${name}`);
      const stopped = await cli([...args, "2"]);
      assertEquals(stopped.code, 5, stopped.stderr);
      assertStringIncludes(
        stopped.stdout,
        "1 of 2 waves are proposed: 2 of 4 tables are proposed.",
      );
      assertStringIncludes(stopped.stdout, `To apply it:\n  npm run cli -- ${first}\n`);
      await db.sql`drop view d`;
      const proposed = await cli([...args, "2"]);
      assertEquals(proposed.code, 0, proposed.stderr);
      assertMatch(proposed.stdout, /^✓ Proposed the rename of 4 tables/);
      assertStringIncludes(proposed.stdout, `To apply it:\n  npm run cli -- ${second}\n`);
      assertEquals(
        await tablesIn(db, ["public"]),
        "public.doc_a public.doc_b public.doc_c public.doc_d",
      );
      const again = await cli([...args, "2"]);
      assertStringIncludes(again.stdout, "Nothing to do: all 4 tables are proposed");

      // One more table comes while the first wave is applied.
      assertEquals((await cli(first.split(" "))).code, 0);
      await db.sql`create table doc_e (id int primary key)`;
      const more = await cli([...args, "2"]);
      assertEquals(more.code, 0, more.stderr);
      assertStringIncludes(more.stderr, "2 tables have their new names already, and are left out.");
      assertStringIncludes(more.stderr, "2 tables are proposed already, and are left out.");
      assertStringIncludes(more.stdout, "rename-table --batch-id doc_e\n");
      const both = await cli([...args.slice(0, -2), "--propose", "--wave", "1"]);
      assertStringIncludes(both.stdout, "Nothing to do");
      assertEquals((await cli(second.split(" "))).code, 0);
      assertEquals(
        await tablesIn(db, ["public"]),
        "public.a public.b public.c public.d public.doc_e",
      );
    });
  },
);

databaseTest(
  "undo takes back the last batch that can be, once somebody said yes",
  async ({ db }) => {
    await db.sql`create table experts (id int primary key)`;
    await db.sql`create table teams (id int primary key)`;
    await withCampaign(db, [], async (cli) => {
      const nothing = await cli(["undo", "--yes"]);
      assertEquals(nothing.code, 2);
      assertStringIncludes(nothing.stderr, "there is nothing to take back");
      await cli(["rename-table", "experts", "people"]);
      await cli(["rename-table", "teams", "squads"]);
      const nobody = await cli(["undo"]);
      assertEquals(nobody.code, 2);
      assertStringIncludes(nobody.stderr, "undo --yes\n");
      const no = await cli(["undo"], { typed: "n" });
      assertEquals(no.code, 1);
      assertStringIncludes(no.stderr, "teams");
      assertEquals(await tablesIn(db, ["public"]), "public.people public.squads");
      assertEquals((await cli(["undo"], { typed: "y" })).code, 0);
      assertEquals(await tablesIn(db, ["public"]), "public.people public.teams");
      await cli(["rename-table", "teams", "crews", "--propose"]);
      assertStringIncludes((await cli(["undo", "--yes"])).stdout, "teams");
      assertEquals((await cli(["undo", "--yes"])).code, 0);
      assertEquals(await tablesIn(db, ["public"]), "public.experts public.teams");
    });
  },
);
