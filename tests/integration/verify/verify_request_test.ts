import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Blocker } from "../../../shared/contract/responses.ts";
import type { VerifyInput } from "../../../shared/contract/requests.ts";
import { startGateway } from "../../../shared/local/functions/gateway.ts";
import { databaseTest } from "../../support/servers/database.ts";
import {
  createEverythingSchema,
  EVERYTHING_ACKNOWLEDGED,
  EVERYTHING_NEIGHBOURS,
} from "../../support/catalog/everything_schema.ts";
import { eventsOf } from "../../support/http/events.ts";
import { functionsFor, PUBLISHABLE_KEY, SECRET_KEY } from "../../support/http/functions.ts";
import { loggedBy } from "../../support/http/silent_log.ts";
import { databaseState, stateDifferences } from "../../support/catalog/state.ts";
import { verifying, verifyTest } from "../../support/verified.ts";

const EXPERTS = `
  create table experts (id int primary key, name text not null default 'n');
  insert into experts values (1, 'a'), (2, 'b')`;

const UNKNOWN = "6b0f2f0e-3a4f-4b5f-8f53-2d8e3c0f9a11";

verifyTest(
  "what cannot be verified is refused with the reason, and nothing has changed",
  EXPERTS,
  async ({ db, functions, migration }) => {
    const migration_id = migration.id;
    await functions.refused("migration_not_found", "verify", { migration_id: UNKNOWN });
    await db.sql`create table plain (id int)`;
    const { migrations: [plain] } = await functions.rename({
      old_name: "plain",
      new_name: "bare",
      compatibility_view: false,
    });
    const { issues } = await functions.refused("invalid_request", "verify", {
      migration_id: plain.id,
    });
    assertEquals((issues as { path: string }[])[0].path, "migration_id");

    const before = await databaseState(db.admin);
    await db.sql`drop view experts`;
    const drifted = await functions.refused("drifted", "verify", { migration_id });
    assertStringIncludes(drifted.detail, "the compatibility view was dropped");
    await functions.refresh({ migration_id });
    assertEquals((await functions.verify({ migration_id })).passed, true);
    await functions.rollback({ migration_id });
    const { status } = await functions.refused("not_active", "verify", { migration_id });
    assertEquals(status, 409);
    assert(stateDifferences(before, await databaseState(db.admin)).length > 0);
  },
);

databaseTest("only admins may verify, and only what the contract says", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const ask = async (headers: Record<string, string>, body: unknown, method = "POST") => {
    const response = await functions.fetch("verify", {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(method === "POST" && { body: JSON.stringify(body) }),
    });
    const { code } = await response.json();
    return [response.status, code];
  };
  const good = { migration_id: UNKNOWN };
  assertEquals(await ask({ apikey: "wrong" }, good), [401, "unauthorized"]);
  assertEquals(await ask({ apikey: PUBLISHABLE_KEY }, good), [403, "forbidden"]);
  assertEquals(await ask({}, good, "GET"), [405, "method_not_allowed"]);
  const refused: [unknown, string][] = [
    [{}, "invalid_request"],
    [{ ...good, dry_run: true }, "invalid_request"],
    [{ ...good, checks: [] }, "invalid_request"],
    [{ ...good, checks: ["speed"] }, "invalid_request"],
    [{ ...good, max_ms: 0 }, "invalid_request"],
    [{ ...good, max_rows: 0.5 }, "invalid_request"],
    [{ ...good, claims: ["a"] }, "invalid_request"],
    [{ ...good, claims: [{ role: "" }] }, "invalid_identifier"],
    [{ ...good, claims: [{ role: "a\0" }] }, "invalid_identifier"],
  ];
  for (const [body, code] of refused) assertEquals(await ask({}, body), [400, code]);
});

databaseTest("names, roles and claims of any kind are no more than names", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const table = `ex"perts'; -- $verify$ \\`;
  await db.sql`create table ${
    db.sql(table)
  } ("a""b" int primary key, "$1" text default ''';"', "t.id" int)`;
  await db.sql`insert into ${db.sql(table)} values (1, 'x', 2)`;
  const { migrations: [migration] } = await functions.rename({ old_name: table, new_name: "n" });
  const { verify } = verifying(db, functions, migration);
  const claims = [
    { role: "anon", "a'b": "$verify$; rollback; drop table n; --" },
    { role: `authenticated', true); drop table n; --` },
    { role: "authenticated", sub: "\\'; \ud800 \u0000" },
  ];
  const { passed, checks } = await verify({ claims });
  assert(passed, JSON.stringify(checks, null, 2));
  assertEquals(checks.filter(({ detail }) => detail.includes("refused the test")), []);
});

verifyTest(
  "as an event stream it reports which test runs, and ends with the same answer",
  EXPERTS,
  async ({ functions, migration }) => {
    const response = await functions.fetch("verify", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ migration_id: migration.id }),
    });
    const events = await Array.fromAsync(eventsOf(response));
    const names = ["reads", "writes", "joins", "cost", "data_api"];
    assertEquals(
      events.slice(0, -1).map(({ event, data }) => [event, data]),
      names.map((check, done) => ["progress", { phase: "verifying", check, done, total: 5 }]),
    );
    const { event, data } = events.at(-1)!;
    assertEquals([event, Object.keys(data)], ["result", ["passed", "session", "checks"]]);
    assertEquals(data.checks.map(({ name }: { name: string }) => name), names);
  },
);

verifyTest(
  "the answer has the contract's fields and no others, and is available as Markdown",
  EXPERTS,
  async ({ db, functions, migration }) => {
    await db.sql`revoke select on experts from anon`;
    const ask = async (accept: string) => {
      const response = await functions.fetch("verify", {
        method: "POST",
        headers: { "content-type": "application/json", accept },
        body: JSON.stringify({ migration_id: migration.id, checks: ["reads", "joins"] }),
      });
      assert(response.headers.get("x-request-id"));
      return [response.headers.get("content-type"), await response.text()] as const;
    };
    const [type, json] = await ask("*/*");
    assertEquals(type, "application/json");
    const answer = JSON.parse(json);
    assertEquals(Object.keys(answer), ["passed", "session", "checks"]);
    assertEquals(Object.keys(answer.checks[0]), [
      ...["name", "passed", "detail", "figures", "failures"],
    ]);
    const [markdownType, markdown] = await ask("text/markdown, application/json;q=0.5");
    assertEquals(markdownType, "text/markdown; charset=utf-8");
    const wanted = [
      "# `public.experts` stands for `public.expert_profiles`: did not pass",
      "| Reads | **failed** | 1 |",
      "| Joins with related tables | skipped | 0 |",
      '```sql\nas anon: select * from "public"."experts"\n```',
      "- expected: `2 rows`\n- got: `42501 (insufficient_privilege)`",
    ];
    for (const part of wanted) assertStringIncludes(markdown, part);
  },
);

verifyTest(
  "nothing of a row is in an answer, an event or the log",
  `create table experts (id int primary key, secret text unique check (secret <> 'taken'));
   create function tell() returns trigger language plpgsql as
     $$ begin raise exception 'no %', new.secret; end $$;
   insert into experts values (1, 'kept-to-itself');
   create trigger tell before update on experts for each row execute function tell()`,
  async ({ db, functions, migration }) => {
    await db.sql`
      create or replace view experts with (security_invoker = true) as
      select id, upper(secret) as secret from expert_profiles`;
    const logged = await loggedBy(async () => {
      const answer = await functions.verify({ migration_id: migration.id });
      assertEquals(answer.passed, false);
      assertEquals(/kept-to-itself/i.test(JSON.stringify(answer)), false);
    });
    assertEquals(logged, []);
    const events = await db.admin`select * from table_rename.sys_table_migration_events`;
    assertEquals(/kept-to-itself/i.test(JSON.stringify(events)), false);
  },
);

verifyTest(
  "statements of verify that use the old name are marked as ours, wherever the server keeps them",
  EXPERTS,
  async ({ db, verify }) => {
    await db.admin`
      select extensions.pg_stat_statements_reset(0::oid, oid, 0) from pg_database
      where datname = current_database()`;
    await verify();
    const rows = await db.admin`
      select query from extensions.pg_stat_statements
      where query ~ '"public"."experts"' and dbid = (
        select oid from pg_database where datname = current_database())`;
    assert(rows.length > 0, "nothing was kept");
    for (const { query } of rows) assertStringIncludes(query, 'with "table-rename" as');
  },
);

verifyTest(
  "verifying an old name is not counted as use of it",
  EXPERTS,
  async ({ db, functions, verify }) => {
    const usage = async () => (await functions.list({ include: "usage" })).migrations[0].usage!;
    // Statements within functions are counted, too, where an administrator has it so.
    await db.admin.unsafe("alter role postgres set pg_stat_statements.track = 'all'");
    try {
      await using own = functionsFor(`${db.url}?application_name=own`);
      const { migrations: [{ id }] } = await own.list();
      await own.verify({ migration_id: id });
      await verify();
    } finally {
      await db.admin.unsafe("alter role postgres reset pg_stat_statements.track");
    }
    const { state, calls, examples } = await usage();
    assertEquals([state === "used", calls, examples], [false, 0, []], JSON.stringify(state));
    await db.sql`select * from experts`;
    assertEquals((await usage()).state, "used");
  },
);

verifyTest(
  "a locked table is not waited for long, and whoever holds the lock is named",
  EXPERTS,
  async ({ db, functions, migration }) => {
    const client = db.connect({ max: 1, connection: { application_name: "the locker" } });
    await client.begin(async (tx) => {
      await tx`lock table expert_profiles in access exclusive mode`;
      const request = { migration_id: migration.id, max_ms: 300 };
      const { blockers } = await functions.refused("lock_not_acquired", "verify", request);
      assertEquals((blockers as Blocker[])[0].application_name, "the locker");
    });
    await client.begin(async (tx) => {
      // Readers pass, writers do not.
      await tx`lock table expert_profiles in share mode`;
      const started = performance.now();
      const { passed, checks } = await functions.verify({ migration_id: migration.id });
      assert(performance.now() - started < 20_000, "it was waited for");
      // What could not be compared is no failure.
      assertEquals(passed, true, JSON.stringify(checks, null, 2));
      const why = "somebody else has locked the table";
      assertStringIncludes(checks[1].detail, `Not tried: writes as postgres: ${why}`);
    });
  },
);

verifyTest(
  "several renames of one table are verified each by its own old name",
  EXPERTS,
  async ({ db, functions, migration, verify }) => {
    const { migrations: [second] } = await functions.rename({
      old_name: "expert_profiles",
      new_name: "people",
    });
    assertEquals((await verify()).passed, true);
    await db.sql`revoke select on experts from anon`;
    const ask = (body: Partial<VerifyInput>) =>
      functions.verify({ migration_id: migration.id, checks: ["reads"], ...body });
    assertEquals((await ask({})).passed, false);
    assertEquals((await ask({ migration_id: second.id })).passed, true);
  },
);

verifyTest(
  "it stops at its deadline with what it has, and with a caller who leaves",
  `create table experts (id int primary key);
   insert into experts values (1);
   create function slow() returns trigger language plpgsql as
     $$ begin perform pg_sleep(0.3); return new; end $$;
   create trigger slow before insert on experts for each row execute function slow()`,
  async ({ db, migration }) => {
    await using functions = functionsFor(db.url, { deadlineMs: 7_000 });
    const started = performance.now();
    const { checks } = await functions.verify({ migration_id: migration.id });
    assert(performance.now() - started < 7_500, "the deadline was not kept");
    assertStringIncludes(checks[1].detail, "the time for this test was up");

    const logged = await loggedBy(async () => {
      const leaving = new AbortController();
      const answer = functions.fetch("verify", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ migration_id: migration.id }),
        signal: leaving.signal,
      });
      setTimeout(() => leaving.abort(), 200);
      assertEquals((await (await answer).json()).code, "deadline_exceeded");
    });
    assertStringIncludes(logged.join(), "The caller disconnected");
  },
);

verifyTest(
  "a table without columns, which takes no row through a view, fails writes",
  `create table experts ()`,
  async ({ passes, fails }) => {
    await passes("reads");
    const [failure] = await fails("writes");
    assertEquals(failure.got, "55000 (object_not_in_prerequisite_state)");
  },
);

databaseTest("by the command: failures, figures, Markdown and exit codes", async ({ db }) => {
  const { runMain } = await import("../../support/programs/cli.ts");
  const env = { SUPABASE_DB_URL: db.url, SUPABASE_SECRET_KEYS: JSON.stringify({ k: SECRET_KEY }) };
  for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
  const gateway = await startGateway({ port: 0 });
  try {
    const run = (...args: string[]) =>
      runMain(args, { SUPABASE_URL: gateway.url, SUPABASE_SECRET_KEY: SECRET_KEY });
    await db.sql.unsafe(EXPERTS).simple();
    await run("rename-table", "experts", "expert_profiles");
    const passed = await run("test-view-compatibility", "experts");
    assertEquals(passed.code, 0, passed.stdout + passed.stderr);
    for (
      const part of ["Compatibility  passed", "✓ Reads: ", "– Joins with related tables, skipped: "]
    ) {
      assertStringIncludes(passed.stdout, part);
    }
    const verbose = await run("test-view-compatibility", "experts", "--verbose");
    for (const part of ["Reads  passed", "related tables  skipped", "QUERY"]) {
      assertStringIncludes(verbose.stdout, part);
    }
    await db.sql`revoke select on experts from anon`;
    const failed = await run(
      ...["test-view-compatibility", "expert_profiles", "--check", "reads", "--check", "joins"],
      ...["--claims", '{"role": "anon"}', "--max-rows", "10"],
    );
    assertEquals(failed.code, 8);
    assertStringIncludes(failed.stdout, "Reads  failed");
    assertStringIncludes(failed.stdout, "as anon with claims[0]: select * from");
    assertStringIncludes(failed.stdout, "got      42501 (insufficient_privilege)");
    const markdown = await run("test-view-compatibility", "experts", "--markdown");
    assertEquals([markdown.code, markdown.stdout.split("\n")[0]], [
      8,
      "# `public.experts` stands for `public.expert_profiles`: did not pass",
    ]);
    const json = await run("test-view-compatibility", "experts", "--json", "--check", "joins");
    assertEquals([json.code, JSON.parse(json.stdout).passed], [0, true]);

    const wrong: string[][] = [
      ["test-view-compatibility"],
      ["test-view-compatibility", "experts", "--check", "speed"],
      ["test-view-compatibility", "experts", "--claims", "[]"],
      ["test-view-compatibility", "experts", "--json", "--markdown"],
    ];
    for (const args of wrong) assertEquals((await run(...args)).code, 2, args.join(" "));
    for (const unknown of [UNKNOWN, "nowhere", "public.nowhere"]) {
      assertEquals((await run("test-view-compatibility", unknown)).code, 4, unknown);
    }
  } finally {
    await gateway.stop();
    const { forgetDatabase } = await import("../../../shared/postgres/connection/database.ts");
    await forgetDatabase(db.url);
    for (const name of Object.keys(env)) Deno.env.delete(name);
  }
});

databaseTest("there is no false alarm on tables that have one of everything", async ({ db }) => {
  await createEverythingSchema(db);
  await using functions = functionsFor(db.url);
  for (const table of ["items", ...EVERYTHING_NEIGHBOURS.filter((name) => name !== "empty")]) {
    const { migrations: [migration] } = await functions.rename({
      schema: "app",
      old_name: table,
      new_name: `${table} renamed`,
      acknowledge: [...EVERYTHING_ACKNOWLEDGED, "row_type_functions"],
    });
    const { checks } = await verifying(db, functions, migration).verify({
      claims: [{ sub: "0b0f2f0e-3a4f-4b5f-8f53-000000000001" }],
    });
    for (const { name, passed, failures, detail } of checks) {
      assert(passed, `${table}, ${name}: ${JSON.stringify(failures, null, 2)}`);
      assertEquals(detail.includes("refused the test"), false, `${table}, ${name}: ${detail}`);
    }
  }
});
