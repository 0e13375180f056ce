import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { visible, visibleLines } from "../../../shared/report/document/text.ts";
import { Problem } from "../../../shared/contract/problems.ts";
import type {
  Finding,
  Migration,
  NotificationsReport,
  OperationAnswer,
} from "../../../shared/contract/responses.ts";
import { commandLine, withoutPasswords } from "../../../shared/cli/arguments/command_line.ts";
import { answered } from "../../support/programs/cli.ts";

const ID = "7b9e3c0a-5a55-4d2e-9a7e-0d6b1a1f0c01";
const BATCH = "c7d5ba68-8d83-438b-a3aa-94a8f320dd5e";
const HASH = `sha256:${"0123456789abcdef".repeat(4)}`;

const migration = (more: Partial<Migration> = {}): Migration => ({
  id: ID,
  batch_id: BATCH,
  schema_name: "public",
  old_name: "experts",
  new_name: "expert_profiles",
  status: "active",
  table_oid: 1,
  view_oid: 2,
  compatibility_view_created: true,
  dependencies: {},
  plan_hash: HASH,
  requested_at: "2026-11-22T09:59:59.5+00:00",
  requested_by: "key:default ada",
  migrated_at: "2026-11-22T12:00:01.123456+02:00",
  migrated_by: "key:default ada",
  rollback_at: null,
  rollback_by: null,
  finalized_at: null,
  finalized_by: null,
  notes: null,
  ...more,
});

const answer = (more: Partial<OperationAnswer> = {}): OperationAnswer => ({
  batch_id: BATCH,
  mode: "apply",
  plan_hash: HASH,
  migrations: [migration()],
  statements: [
    { sql: 'alter table "public"."experts" rename to "expert_profiles"', purpose: "Rename it" },
    { sql: "do $check$\nbegin\nend $check$", purpose: "Look again" },
  ],
  findings: [],
  lock: { attempts: 1, waited_ms: 0.4, held_ms: 1.9 },
  verification: { passed: true, checks: [{ name: "tables have their new names", passed: true }] },
  ...more,
});

const finding = (severity: "info" | "warning" | "breaking", code: string) => ({
  severity,
  // Another server may have other codes.
  code: code as Finding["code"],
  object: '"public"."experts"',
  message: `It is ${severity}.`,
  remedy: `Fix ${code}.`,
});

const refused = (problem: Problem) =>
  new Response(JSON.stringify(problem.toBody()), { status: problem.status });

Deno.test("a rename shows what was done, how long clients waited, and how to roll it back", async () => {
  const { code, stdout, stderr } = await answered(Response.json(answer()), [
    "rename-table",
    "a",
    "b",
  ]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(
    stdout.replace(/127\.0\.0\.1:\d+/, "HOST"),
    `✓ Renamed 1 table  on http://HOST
The old name is a view, so applications can use either name.
Other clients were kept waiting for 1.9 ms at most. The verification passed.

  experts → expert_profiles

To roll it back:
  npm run cli -- rollback-rename experts
To go on: test the old names, then change your code:
  npm run cli -- test-view-compatibility experts
  npm run cli -- find-uses
  npm run cli -- generate-types
`,
  );
  const { stdout: verbose } = await answered(Response.json(answer()), [
    ...["rename-table", "a", "b", "--verbose"],
  ]);
  assertStringIncludes(
    verbose,
    `  experts → expert_profiles
  migration of experts: ${ID}

Statements that were run
-- Rename it
alter table "public"."experts" rename to "expert_profiles";
-- Look again
do $check$
begin
end $check$;

Locks  1 attempt, waited for 0.4 ms, held for 1.9 ms (the longest that other clients were kept waiting)

Verification  passed
  ✓ tables have their new names
`,
  );
});

Deno.test("a batch is rolled back as a batch, and an old name that is free is shown as such", async () => {
  const many = answer({
    migrations: [
      migration(),
      migration({ schema_name: "shop", old_name: "b", compatibility_view_created: false }),
    ],
    statements: Array.from({ length: 21 }, () => ({ sql: "select 1", purpose: "No reason" })),
  });
  const { stdout } = await answered(Response.json(many), ["rename-table", "a", "b"]);
  assertStringIncludes(stdout, "Renamed 2 tables");
  assertStringIncludes(
    stdout,
    "  experts → expert_profiles\n  shop.b  → expert_profiles  (old name is now free)\n",
  );
  assertStringIncludes(stdout, `npm run cli -- rollback-rename --batch-id ${BATCH}\n`);

  const verbose = await answered(Response.json(many), ["rename-table", "a", "b", "--verbose"]);
  assertEquals(verbose.stdout.split("select 1;").length, 22);
});

Deno.test("a plan says that nothing was changed, and prints the command that applies exactly it", async () => {
  const plan = answer({
    batch_id: null,
    mode: "plan",
    migrations: [],
    tables: [{
      schema: "public",
      old_name: "experts",
      new_name: "expert_profiles",
      compatibility_view: true,
      dependants: {},
    }],
    lock: null,
    verification: null,
    findings: [finding("info", "one"), finding("breaking", "two"), finding("warning", "three")],
  });
  const args = ["rename-table", "--plan", "--", "it's", "--plan"];
  const { stdout } = await answered(Response.json(plan), args);
  assertMatch(
    stdout,
    /^Plan {2}rename of 1 table .*\n.*\nNothing was changed. It would be refused, since something would break: 1 breaking finding, 1 warning, 1 note\.\n/,
  );
  assertMatch(stdout, /breaking {2}two(.|\n)*→ Fix two\.\n {2}warning {2}three/);
  assertEquals(stdout.includes("info"), false);
  assertStringIncludes(
    stdout,
    "--sql shows the statements, --verbose shows 1 note and all details.",
  );
  assertStringIncludes(
    stdout,
    `npm run cli -- rename-table --acknowledge two --expected-plan-hash ${HASH} -- 'it'\\''s' --plan\n`,
  );
  assertEquals(stdout.includes("To roll it back"), false);

  const accepted = await answered(Response.json(plan), [
    ...["rename-table", "a", "b", "--plan", "--acknowledge", "one,two"],
  ]);
  assertStringIncludes(
    accepted.stdout,
    "To apply exactly this plan:\n" +
      `  npm run cli -- rename-table --expected-plan-hash ${HASH} a b --acknowledge one,two\n`,
  );
});

Deno.test("a rollback reads from the new name to the old one, with what was found different", async () => {
  const back = answer({
    migrations: [migration({ status: "rolled_back" })],
    verification: {
      passed: true,
      checks: [{
        name: "changes that others made since the rename are kept",
        passed: true,
        differences: [{ object: "index i", before: null, after: "CREATE INDEX\ni" }],
      }],
    },
  });
  const { stdout } = await answered(Response.json(back), ["rollback-rename", "experts"]);
  assertStringIncludes(stdout, "✓ Rolled back the rename of 1 table");
  assertStringIncludes(stdout, "\n  expert_profiles → experts\n");
  const verbose = await answered(Response.json(back), [
    ...["rollback-rename", "experts", "--verbose"],
  ]);
  assertStringIncludes(verbose.stdout, "before nothing\n        now    CREATE INDEX\\ni\n");
  assertEquals(stdout.includes("To roll it back"), false);
});

Deno.test("a verification that did not pass is reported loudly, and has an exit code of its own", async () => {
  const wrong = answer({
    verification: {
      passed: false,
      checks: [{
        name: "tables are otherwise as before",
        passed: false,
        detail: "1 difference",
        differences: [{ object: "owner", before: "ada", after: "bob" }],
      }],
    },
  });
  for (const args of [["rename-table", "a", "b"], ["rollback-rename", "a"]]) {
    const { code, stdout, stderr } = await answered(Response.json(wrong), args);
    assertEquals(code, 8);
    assertStringIncludes(stdout, "✗ tables are otherwise as before: 1 difference\n      owner\n");
    assertStringIncludes(stderr, "Warning: it is done, but the verification did not pass");

    const json = await answered(Response.json(wrong), [...args, "--json"]);
    assertEquals(json.code, 8);
    assertEquals(JSON.parse(json.stdout), wrong as unknown);
    assertStringIncludes(json.stderr, "Warning");
  }
});

Deno.test("what the options say is what is asked for", async () => {
  const asked = async (args: string[]) => {
    let body: unknown;
    await answered(async (request) => {
      body = [request.headers.get("x-actor"), await request.json()];
      return Response.json(answer());
    }, args);
    return body;
  };
  const rename = { old_name: "a.b", new_name: "c" };
  assertEquals(await asked(["rename-table", '"a.b"', "c"]), [null, { renames: [rename] }]);
  assertEquals(await asked(["rename-table", "s.a", "s.c"]), [
    ...[null, { renames: [{ schema: "s", old_name: "a", new_name: "c" }] }],
  ]);
  assertEquals(
    await asked([
      ...["rename-table", "a.b", "c", "--schema", "s", "--plan", "--no-view", "--notes", "n"],
      ...["--acknowledge", "x, y", "--acknowledge", "z", "--expected-plan-hash", HASH],
      ...["--lock-timeout", "50", "--max-wait", "0", "--actor", "ada"],
    ]),
    ["ada", {
      renames: [{ schema: "s", ...rename }],
      compatibility_view: false,
      mode: "plan",
      acknowledge: ["x", "y", "z"],
      expected_plan_hash: HASH,
      lock_timeout_ms: 50,
      max_wait_ms: 0,
      notes: "n",
    }],
  );
  assertEquals(await asked(["rollback-rename", "a", "--schema", "s"]), [null, {
    table: "a",
    schema: "s",
  }]);
  assertEquals(await asked(["rollback-rename", "--batch-id", BATCH]), [null, { batch_id: BATCH }]);
  assertEquals(await asked(["rollback-rename", "--migration-id", ID, "--plan"]), [null, {
    migration_id: ID,
    mode: "plan",
  }]);
});

Deno.test("a refusal shows message, hint and code, then its findings, and how to accept them", async () => {
  const { stderr } = await answered(
    refused(
      new Problem("breaking_findings", "This would break something.", {
        hint: "Fix it.",
        fields: { findings: [finding("warning", "one"), finding("breaking", "two")] },
      }),
    ),
    ["rename-table", "a", "b"],
  );
  assertEquals(
    stderr,
    `Error  This would break something.
Hint   Fix it.
Code   breaking_findings (409)

Findings
  breaking  two  "public"."experts"
    It is breaking.
    → Fix two.
  warning  one  "public"."experts"
    It is warning.
    → Fix one.

To accept that and go on:
  npm run cli -- rename-table --acknowledge two a b
`,
  );
});

Deno.test("each kind of problem shows what it is about", async () => {
  const shown = async (problem: Problem) =>
    (await answered(refused(problem), ["rollback-rename", "a"])).stderr;
  const blocker = {
    pid: 42,
    role: "postgres",
    application_name: "report",
    state: "active",
    since: null,
    query: "select\n1",
  };
  assertMatch(
    await shown(new Problem("lock_not_acquired", "No.", { fields: { blockers: [blocker] } })),
    / {2}PID {2}ROLE +APPLICATION {2}STATE +QUERY\n {2}42 +postgres {2}report +active {2}select\\n1\n/,
  );
  const dependants = [{ view: "v", kind: "view", identity: "public.w" }];
  assertMatch(
    await shown(new Problem("dependants_cannot_follow", "No.", { fields: { dependants } })),
    /KIND {2}OBJECT +VIEW\n {2}view {2}public\.w {2}v\n/,
  );
  const gone = { code: "view_missing", object: "v", message: "v is gone.", remedy: "Go on." };
  const drift = await shown(
    new Problem("drifted", "v is gone.", { fields: { differences: [gone] } }),
  );
  assertStringIncludes(drift, "✗ v is gone.\n    → Go on.\n");
  assertStringIncludes(drift, "npm run cli -- rollback-rename --acknowledge view_missing a\n");
  const worse = { ...gone, code: "table_missing" };
  const both = new Problem("drifted", "Gone.", { fields: { differences: [gone, worse] } });
  assertEquals((await shown(both)).includes("--acknowledge"), false);
  assertStringIncludes(
    await shown(
      new Problem("not_active", "No.", {
        fields: { migration_status: "pending", migration_id: ID },
      }),
    ),
    "Code   not_active (409)\n       migration status: pending\n",
  );
});

Deno.test("what notifications did not reach is listed, also without a migration", async () => {
  const notifications: NotificationsReport = {
    receivers: [{
      host: "hooks.example.com",
      configured: false,
      delivered: 3,
      pending: 1,
      given_up: 0,
      last_delivered_at: null,
      last_error: "answered 500",
    }],
    undelivered: [{
      id: "msg_1_2",
      type: "migration.failed",
      host: "hooks.example.com",
      request_id: ID,
      created_at: "2026-11-22T12:00:01+02:00",
      attempts: 4,
      state: "pending",
      next_attempt_at: null,
      last_error: "answered 500",
    }],
    settings_errors: ["RENAME_NOTIFY_URL, entry 1: it is no https URL."],
  };
  const args = ["list-migrations", "--include", "notifications"];
  const { stdout } = await answered(
    Response.json({ migrations: [], next_cursor: null, notifications }),
    args,
  );
  assertEquals(
    stdout,
    `There are no such migrations.

Notifications
  RENAME_NOTIFY_URL, entry 1: it is no https URL.
  RECEIVER                                  DELIVERED  PENDING  GIVEN UP  LAST ERROR
  hooks.example.com (no longer configured)  3          1        0         answered 500
  NOT DELIVERED     SINCE                 RECEIVER           ATTEMPTS  STATE    ID
  migration.failed  2026-11-22 10:00:01Z  hooks.example.com  4         pending  msg_1_2
`,
  );
  const none = { receivers: [], undelivered: [], settings_errors: [] };
  const empty = await answered(
    Response.json({ migrations: [migration()], next_cursor: null, notifications: none }),
    [...args, "--all"],
  );
  assertStringIncludes(empty.stdout, "No notifications were sent in the last 30 days.");
});

Deno.test("an issue names the line of the file that it is about", async () => {
  const file = await Deno.makeTempFile({ suffix: ".csv" });
  await Deno.writeTextFile(file, "a,b\n\nc,d\n");
  const issues = [{ path: "renames.1.new_name", message: "too long" }, {
    path: "",
    message: "odd",
  }];
  const problem = new Problem("invalid_request", "Not valid.", { fields: { issues } });
  const { stderr } = await answered(refused(problem), ["rename-table", "--from-file", file]);
  await Deno.remove(file);
  assertStringIncludes(stderr, `  ${file}, line 3, new name\n    too long\n`);
});

Deno.test("the schema option is for those renames of a file that name none", async () => {
  const file = await Deno.makeTempFile({ suffix: ".csv" });
  await Deno.writeTextFile(file, "a,b\nc,d,own\n");
  let body: { renames?: unknown } = {};
  await answered(async (request) => {
    body = await request.json();
    return Response.json(answer());
  }, ["rename-table", "--from-file", file, "--schema", "s"]);
  await Deno.remove(file);
  assertEquals(body.renames, [
    { schema: "s", old_name: "a", new_name: "b" },
    { schema: "own", old_name: "c", new_name: "d" },
  ]);
});

Deno.test("the list says since when each migration is what it is, and how to go on", async () => {
  const page = {
    migrations: [migration(), migration({ status: "pending", migrated_at: null, notes: "n" })],
    next_cursor: "next",
  };
  const args = ["list-migrations", "--cursor", "this", "--table", "a b"];
  const { stdout } = await answered(Response.json(page), args);
  assertEquals(
    stdout,
    `  STATUS   SCHEMA  OLD NAME  NEW NAME         SINCE
  active   public  experts   expert_profiles  2026-11-22 10:00:01Z
  pending  public  experts   expert_profiles  2026-11-22 09:59:59Z

There are more:
  npm run cli -- list-migrations --cursor next --table 'a b'
`,
  );
  const verbose = await answered(Response.json(page), ["list-migrations", "--verbose"]);
  assertMatch(verbose.stdout, new RegExp(`${ID} {2}${BATCH} {2}key:default ada {2}n\\n`));
  const none = await answered(Response.json({ migrations: [], next_cursor: null }), [
    "list-migrations",
  ]);
  assertEquals([none.code, none.stdout], [0, "There are no such migrations.\n"]);
});

Deno.test("all pages are asked for one after the other, and answered as one", async () => {
  const queries: string[] = [];
  const pages: Record<string, string | null> = { "": "p2", p2: "p3", p3: null };
  const { stdout } = await answered((request) => {
    const { search, searchParams } = new URL(request.url);
    queries.push(search);
    const cursor = searchParams.get("cursor") ?? "";
    const next_cursor = pages[cursor];
    return Response.json({ migrations: [migration({ notes: cursor })], next_cursor });
  }, ["list-migrations", "--all", "--json", "--status", "active"]);
  assertEquals(queries, [
    "?status=active&limit=200",
    "?status=active&limit=200&cursor=p2",
    "?status=active&limit=200&cursor=p3",
  ]);
  const { migrations, next_cursor } = JSON.parse(stdout);
  assertEquals(migrations.map(({ notes }: Migration) => notes), ["", "p2", "p3"]);
  assertEquals(next_cursor, null);
});

Deno.test("nothing that is shown can act on the terminal or hide itself", async () => {
  const hostile = "a\x1b[31m\u202eb\u200bc\r\n\x07\u2028\ud800é漢👍";
  assertEquals(
    visible(hostile),
    "a\\u{1b}[31m\\u{202e}b\\u{200b}c\\r\\n\\u{7}\\u{2028}\\u{d800}é漢👍",
  );
  assertEquals(visibleLines("a\n\tb\x9b"), "a\n\tb\\u{9b}");

  const evil = "\x1b]0;x\x07\u202e";
  const everywhere = answer({
    plan_hash: evil,
    migrations: [migration({ schema_name: evil, old_name: evil, new_name: evil, id: evil })],
    statements: [{ sql: evil, purpose: evil }, { sql: `do $x${evil}`, purpose: evil }],
    findings: [{ ...finding("info", evil), object: evil, message: evil, remedy: evil }],
    verification: {
      passed: false,
      checks: [{
        name: evil,
        passed: false,
        detail: evil,
        differences: [{ object: evil, before: evil, after: evil }],
      }],
    },
  });
  const fields = {
    findings: everywhere.findings,
    blockers: [{
      pid: 1,
      role: evil,
      application_name: evil,
      state: evil,
      since: evil,
      query: evil,
    }],
    differences: [{ code: "view_missing", object: evil, message: evil, remedy: evil }],
    dependants: [{ view: evil, kind: evil, identity: evil }],
    issues: [{ path: evil, message: evil }],
    more: evil,
  };
  const outputs = [
    await answered(Response.json(everywhere), ["rename-table", evil, evil]),
    await answered(Response.json({ ...everywhere, mode: "plan" }), ["rename-table", evil, evil]),
    await answered(Response.json({ migrations: everywhere.migrations, next_cursor: evil }), [
      "list-migrations",
      "--table",
      evil,
    ]),
    await answered(refused(new Problem("drifted", evil, { hint: evil, fields })), [
      "rollback-rename",
      evil,
    ]),
    await answered(new Response(evil, { status: 500 }), ["list-migrations"]),
    await answered(new Response(), ["rename-table", "--from-file", evil]),
    await answered(new Response(), [evil]),
    await answered(new Response(), ["list-migrations", `--${evil}`]),
  ];
  for (const { stdout, stderr } of outputs) {
    assertEquals((stdout + stderr).match(/[^\P{C}\n]/gu), null, stdout + stderr);
  }
});

Deno.test("a proposal that is withdrawn is no rename that is rolled back", async () => {
  const migrations = [migration({ status: "rolled_back", migrated_at: null, migrated_by: null })];
  const withdrawn = answer({ migrations, statements: [], lock: null, verification: null });
  const { stdout } = await answered(Response.json(withdrawn), ["rollback-rename", "experts"]);
  assertStringIncludes(stdout, "Withdrew the proposal of 1 rename");
  assertStringIncludes(stdout, "Nothing had been renamed");
  assertStringIncludes(stdout, "experts → expert_profiles");
  assertEquals(/old name|Rolled back/.test(stdout), false, stdout);
});

Deno.test("after a rename without a view there is no old name to test", async () => {
  const migrations = [migration({ compatibility_view_created: false })];
  const { stdout } = await answered(Response.json(answer({ migrations })), [
    ...["rename-table", "experts", "expert_profiles", "--no-view"],
  ]);
  assertStringIncludes(stdout, "rollback-rename experts");
  assertEquals(stdout.includes("test-view-compatibility"), false);
});

Deno.test("printed commands never have the database's password: they have its variable, or say where to put it", () => {
  const url = "postgresql://ada:secret@db.example:5432/shop";
  const shown = (databaseUrl?: string) =>
    commandLine(withoutPasswords(["status", "--db-url", url], databaseUrl));
  assertStringIncludes(shown(url), 'status --db-url "$SUPABASE_DB_URL"');
  assertStringIncludes(shown(), "ada:PASSWORD@db.example");
});
