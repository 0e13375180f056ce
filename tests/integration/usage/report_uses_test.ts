/** Uses in source code and verifications, as they are recorded with a migration and shown. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { leastPrivilege } from "../../support/servers/least_privilege.ts";
import { loggedBy } from "../../support/http/silent_log.ts";

const TABLES = "create table experts (id int primary key); create table teams (id int primary key)";

const RENAMES = [
  { old_name: "experts", new_name: "people" },
  { old_name: "teams", new_name: "squads" },
];

databaseTest(
  "uses in code are kept by repository, added up, shown with the migration, and warned of before a finalization",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    const { migrations: [experts, teams] } = await functions.rename({ renames: RENAMES });
    const inCode = async () => {
      const { migrations } = await functions.list({ include: "uses_in_code" });
      return Object.fromEntries(migrations.map((one) => [one.old_name, one.uses_in_code]));
    };
    assertEquals(await inCode(), { experts: null, teams: null });
    const answer = await functions.reportUses({
      uses: [
        { old_name: "experts", certain: 2, possible: 1 },
        { migration_id: teams.id, certain: 0, possible: 0 },
      ],
      repository: "web",
    });
    assertEquals(answer.uses, [
      { migration_id: experts.id, schema: "public", old_name: "experts", certain: 2, possible: 1 },
      { migration_id: teams.id, schema: "public", old_name: "teams", certain: 0, possible: 0 },
    ]);
    await functions.reportUses({ uses: [{ old_name: "experts", certain: 4, possible: 0 }] });
    await functions.reportUses({
      uses: [{ old_name: "experts", certain: 1, possible: 1 }],
      repository: "web",
    });
    const { experts: uses, teams: none } = await inCode();
    const { reported_at, ...rest } = uses!;
    assert(Date.now() - Date.parse(reported_at) < 60_000);
    assertEquals(rest, {
      certain: 5,
      possible: 1,
      repositories: 2,
      reported_by: "key:default",
      repository: "web",
    });
    assertEquals([none!.certain, none!.possible], [0, 0]);

    const { findings } = await functions.finalize({ batch_id: experts.batch_id, mode: "plan" });
    const [found, ...more] = findings.filter(({ code }) => code === "old_name_in_code");
    assertEquals(more, []);
    assertEquals([found.severity, found.object], ["warning", '"public"."experts"']);
    assertStringIncludes(found.message, reported_at.slice(0, 10));
    // It is no obstacle: the report may be out of date.
    await functions.finalize({ batch_id: experts.batch_id });
  },
);

databaseTest("a report of which an entry has no rename is refused as a whole", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(TABLES).simple();
  await functions.rename({ renames: RENAMES });
  const count = { certain: 1, possible: 0 };
  const uses = [{ old_name: "experts", ...count }, { old_name: "nobody", ...count }];
  const problem = await functions.refused("migration_not_found", "report-uses", { uses });
  assertEquals(
    (problem.issues as { path: string }[]).map(({ path }) => path),
    ["uses.1"],
  );
  assertEquals((await db.sql`select from table_rename.sys_table_migration_uses`).length, 0);
  for (
    const use of [
      { old_name: "experts", migration_id: crypto.randomUUID(), ...count },
      { ...count },
      { old_name: "experts", certain: -1, possible: 0 },
      { old_name: "experts", ...count, text: 'from("experts")' },
    ]
  ) await functions.refused("invalid_request", "report-uses", { uses: [use] });
});

databaseTest(
  "a verification is recorded with its numbers, also by a login that may do little, and made where it cannot be",
  async ({ db }) => {
    await db.sql.unsafe(TABLES).simple();
    await using login = await leastPrivilege(db);
    await login.handOver("experts");
    await using functions = functionsFor(login.url);
    const { migrations: [{ id }] } = await functions.rename(RENAMES[0]);
    const last = async () => {
      const { migrations } = await functions.list({ include: "verification" });
      return migrations[0].last_verified;
    };
    assertEquals(await last(), null);
    const { passed, checks } = await functions.verify({
      migration_id: id,
      checks: ["reads", "data_api"],
    });
    const { at, ...first } = (await last())!;
    assert(Date.now() - Date.parse(at) < 60_000);
    const skipped = checks.filter((check) => check.skipped).length;
    assertEquals(skipped, 1);
    assertEquals(first, { by: "key:default", passed, checks: 2, failed: 0, skipped });

    await db.sql.unsafe(
      `revoke insert, update on table_rename.sys_table_migration_verifications from ${login.renamer}`,
    );
    const lines = await loggedBy(async () => {
      assertEquals((await functions.verify({ migration_id: id, checks: ["reads"] })).passed, true);
    });
    assert(JSON.stringify(lines).includes("could not be recorded"), JSON.stringify(lines));
    assertEquals((await last())!.checks, 2);
  },
);
