import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { byOldName, statesOf, withNext } from "../../../shared/cli/campaign/status.ts";
import type { Wanted } from "../../../shared/contract/new_names.ts";
import type { Finding, Migration } from "../../../shared/contract/responses.ts";
import type { CampaignTable } from "../../../shared/report/campaign.ts";
import { KEY, runMain, withProject } from "../../support/programs/cli.ts";

type Status = Migration["status"];

const migration = (
  old_name: string,
  new_name: string,
  status: Status,
  more: Partial<Migration> = {},
) =>
  ({
    id: `${old_name}-${new_name}-${status}`,
    batch_id: "batch",
    schema_name: "public",
    old_name,
    new_name,
    status,
    compatibility_view_created: true,
    migrated_at: "2026-11-01T10:00:00Z",
    requested_at: "2026-11-01T10:00:00Z",
    finalized_at: "2026-11-20T10:00:00Z",
    ...more,
  }) as Migration;

const wanted = (old_name: string, new_name: string, done = false): Wanted => ({
  schema: "public",
  old_name,
  new_name,
  done,
});

const there = (...names: string[]) => names.map((table) => ({ schema: "public", table }));

Deno.test("each table of a phase has the state that record and database say together", () => {
  const migrations = byOldName([
    migration("a", "a2", "active"),
    migration("a", "a2", "finalized"),
    migration("b", "b2", "pending"),
    migration("c", "c2", "finalized"),
    migration("d", "elsewhere", "active"),
    migration("e", "e2", "rolled_back"),
    migration("g", "g2", "finalized"),
  ]);
  const states = statesOf(
    [
      wanted("a", "a2", true),
      wanted("b", "b2"),
      wanted("c", "c2", true),
      wanted("d", "d2"),
      wanted("e", "e2"),
      wanted("f", "f2"),
      // A new table has the old name of one whose rename is finalized.
      wanted("g", "g2"),
    ],
    there("a2", "b", "c2", "elsewhere", "e", "g", "g2"),
    migrations,
  );
  assertEquals(states.map(({ old_name, state }) => `${old_name} ${state}`), [
    "a active",
    "b proposed",
    "c finalized",
    "d other",
    "e not_begun",
    "f missing",
    "g not_begun",
  ]);
});

Deno.test("a table that was rolled back is not begun, and keeps that migration", () => {
  const [one] = statesOf(
    [wanted("e", "e2")],
    there("e"),
    byOldName([migration("e", "e2", "rolled_back")]),
  );
  assertEquals([one.state, one.migration?.status], ["not_begun", "rolled_back"]);
});

Deno.test("the next step fits the kind of drift, and the reason why a name is not ready", () => {
  const nextOf = (more: Partial<Migration>) => {
    const table: CampaignTable = {
      ...{ schema: "public", old_name: "a", new_name: "b", state: "active" },
      migration: migration("a", "b", "active", more),
    };
    return withNext({ name: null, tables: [table] }, []).next!.command.replace(
      "npm run cli -- ",
      "",
    );
  };
  const drifted = (code: string, remedy: string) =>
    nextOf({ drift: [{ code, remedy, message: "It differs." } as unknown as Finding] });
  assertEquals(
    drifted("table_renamed", 'Rename it back: alter table "public"."x" rename to "b".'),
    'alter table "public"."x" rename to "b";',
  );
  assertEquals(
    drifted(
      "table_renamed",
      'Move it back: alter table "s"."x" set schema "public"; its name there was "b".',
    ),
    'alter table "s"."x" set schema "public";',
  );
  assertEquals(
    drifted("view_missing", "The table can take the name back."),
    "rollback-rename a --acknowledge view_missing --plan",
  );
  assertEquals(
    drifted("old_name_taken", "Rename or drop it."),
    "list-migrations --table a --include drift",
  );
  const reasons = [{ code: "named_in_routine", message: "The routine f() names it." }];
  assertEquals(
    nextOf({ ready_to_finalize: { ready: false, earliest: null, reasons } }),
    "refresh-view a --rewrite-texts --plan",
  );
});

Deno.test("what would be refused is not the next step of a phase", () => {
  const row = (state: CampaignTable["state"], old_name: string): CampaignTable => ({
    ...{ schema: "public", old_name, new_name: `${old_name}2`, state },
    ...(state === "other" && { migration: migration(old_name, "elsewhere", "active") }),
  });
  const nextOf = (...tables: CampaignTable[]) => withNext({ name: "p", tables }, []).next!;
  const missing = nextOf(row("not_begun", "a"), row("missing", "b"));
  assertMatch(missing.command, /analyze-table b$/);
  const other = nextOf(row("not_begun", "a"), row("other", "b"));
  assertMatch(other.text, /^b was renamed to elsewhere, not to b2/);
  assertMatch(other.command, /rollback-rename b --plan$/);
});

Deno.test("the next step is what is wrong, then what is begun, then what can go on", () => {
  const drift = [{ code: "view_columns_differ", message: "It differs." } as unknown as Finding];
  const ready = { ready: true, earliest: null, reasons: [] };
  const row = (state: CampaignTable["state"], old: string, more?: Partial<Migration>) => ({
    schema: "shop",
    old_name: old,
    new_name: `${old}2`,
    state,
    migration: more && migration(old, `${old}2`, "active", more),
  });
  const tables = [
    row("active", "drifted", { drift }),
    row("proposed", "planned"),
    row("not_begun", "later"),
    row("active", "done", { ready_to_finalize: ready }),
    row("active", "young", { ready_to_finalize: { ...ready, ready: false } }),
    row("finalized", "old"),
  ];
  const steps = tables.map((_, index) =>
    withNext({ name: "phase 2", tables: tables.slice(index) }, ["--db-url", "x"]).next?.command
      .replace("npm run cli -- ", "").replace(" --db-url x", "")
  );
  assertEquals(steps, [
    "refresh-view shop.drifted --plan",
    "rename-table --batch-id shop.planned",
    "rename-table --phase 'phase 2'",
    "finalize-rename --ready --phase 'phase 2'",
    "test-view-compatibility --phase 'phase 2'",
    undefined,
  ]);
});

const usage = {
  state: "used",
  calls: 7,
  reads: null,
  days: [],
  roles: [{ role: "authenticated", calls: 7 }],
  since: null,
  last_sampled_at: null,
  last_used_at: "2026-11-28T10:00:00Z",
  quiet_since: null,
  examples: [],
  reasons: [],
} as Migration["usage"];

/** The screen of `status` where these migrations are active. */
async function status(migrations: Migration[], ...args: string[]) {
  let ended!: Awaited<ReturnType<typeof runMain>>;
  await withProject((request) => {
    const active = new URL(request.url).searchParams.get("status") === "active";
    return Response.json({ migrations: active ? migrations : [], next_cursor: null });
  }, async (url) => {
    const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY };
    ended = await runMain(["status", ...args], env, { width: 80 });
  });
  return ended.stdout.replace(/127\.0\.0\.1:\d+/, "HOST");
}

const verdict = (ready: boolean, earliest: string | null, message: string) => ({
  ready,
  earliest,
  reasons: [{ code: "x", message }],
});

Deno.test("status shows a verdict for each table, who used the old name last, and the next step", async () => {
  const shown = await status([
    migration("experts", "people", "active", {
      drift: [],
      usage,
      ready_to_finalize: verdict(false, "2026-12-05T10:00:00Z", "It was used on 2026-11-28."),
    }),
    migration("teams", "squads", "active", {
      drift: [],
      ready_to_finalize: verdict(true, null, "No use was seen for 9 days (7 asked for)."),
    }),
  ]);
  assertEquals(
    shown,
    `Status  2 tables: 2 active  on http://HOST

  OLD NAME  NEW NAME  SINCE       READY            LAST USED
  experts   people    2026-11-01  from 2026-12-05  2026-11-28, authenticated
  teams     squads    2026-11-01  yes
not ready  experts
  It was used on 2026-11-28.
ready  teams
  No use was seen for 9 days (7 asked for).
Next, finalize what is ready:
  npm run cli -- finalize-rename --ready
`,
  );
});

Deno.test("status shows when a rename was verified last, and what is left in code", async () => {
  const uses = { repositories: 1, reported_by: "ci", repository: "web" };
  const reported_at = "2026-11-28T10:00:00Z";
  const shown = await status([
    migration("experts", "people", "active", {
      last_verified: {
        at: "2026-11-28T10:00:00Z",
        ...{ by: "ci", passed: false, checks: 5, failed: 2, skipped: 0 },
      },
      uses_in_code: { certain: 3, possible: 1, reported_at, ...uses },
    }),
    migration("teams", "squads", "active", {
      last_verified: null,
      uses_in_code: { certain: 0, possible: 0, reported_at, ...uses },
    }),
  ]);
  assertMatch(shown, /VERIFIED +IN CODE\n/);
  assertMatch(shown, /experts .* 2026-11-28, 2 of 5 failed +3 and 1 possible\n/);
  assertMatch(shown, /teams .* none\n/);
});

Deno.test("the status of a project in which nothing is renamed says so", async () => {
  assertEquals(await status([]), "Nothing is renamed yet.\n");
  assertEquals(JSON.parse(await status([], "--json")), { phases: [{ name: null, tables: [] }] });
});

Deno.test("thirty tables fit on a screen of 80 columns and 40 lines", async () => {
  const names = Array.from({ length: 30 }, (_, index) => `customer_document_${index}`);
  const shown = await status(
    names.map((name) =>
      migration(name, name.replace("customer_document", "doc"), "active", {
        drift: [],
        ready_to_finalize: verdict(false, "2026-12-05T10:00:00Z", "No use was seen for 3 days."),
      })
    ),
  );
  const lines = shown.trimEnd().split("\n");
  assertEquals(lines.length <= 40, true, `${lines.length} lines`);
  assertEquals(lines.every((line) => line.length <= 80), true, shown);
});

Deno.test("of many tables the first are shown, and all with --verbose", async () => {
  const many = Array.from({ length: 50 }, (_, n) => migration(`t${n}`, `new${n}`, "active"));
  const shown = await status(many);
  assertStringIncludes(shown, "\nand 10 more tables, shown with --verbose\n");
  assertEquals([shown.includes("t40 "), shown.includes("t39 ")], [false, true]);
  assertEquals((await status(many, "--verbose")).includes("t49 "), true);
});

/** Runs the tests of compatibility, where the names in `wrong` do not pass and those in `gone` are refused. */
async function tested(names: string[], wrong: string[], gone: string[]) {
  let ended!: Awaited<ReturnType<typeof runMain>>;
  await withProject(async (request) => {
    if (request.method === "GET") {
      const migrations = names.map((name) => migration(name, `${name}2`, "active"));
      return Response.json({ migrations, next_cursor: null });
    }
    const name = (await request.json()).migration_id.split("-")[0];
    if (gone.includes(name)) {
      return Response.json({ code: "not_active", status: 409, detail: "It is gone." }, {
        status: 409,
        headers: { "content-type": "application/problem+json" },
      });
    }
    const passed = !wrong.includes(name);
    const failures = passed ? [] : [{ statement: "select 1", expected: "1", got: "2" }];
    const checks = [{ name: "reads", passed, detail: "Reads.", failures }];
    const session = { login: "x", separate: true, executed: true, detail: "", untrusted: [] };
    return Response.json({ passed, session, checks });
  }, async (url) => {
    const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY };
    ended = await runMain(["test-view-compatibility", "--all-active"], env, { width: 80 });
  });
  return ended;
}

Deno.test("tests of all old names end with one summary, and one that did not pass does not keep the others", async () => {
  const { code, stdout, stderr } = await tested(["a", "b", "c"], ["a"], ["b"]);
  assertEquals(code, 8);
  assertStringIncludes(stderr, "Testing 3 of 3: c\n");
  assertStringIncludes(stdout, "2 of 3 old names did not pass");
  assertStringIncludes(stdout, "not_active");
  assertStringIncludes(stdout, "select 1");
  const good = await tested(["a", "b"], [], []);
  assertEquals([good.code, good.stdout.includes("all 2 old names passed")], [0, true]);
});
