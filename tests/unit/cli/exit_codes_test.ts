import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Problem, type ProblemCode, PROBLEMS } from "../../../shared/contract/problems.ts";
import { answered, KEY, runMain, withProject } from "../../support/programs/cli.ts";

const problem = (code: ProblemCode, fields: Record<string, unknown> = {}) => () => {
  const body = new Problem(code, "It is so.", { hint: "Do this.", fields }).toBody();
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: { "content-type": "application/problem+json" },
  });
};

const EXPECTED: Record<ProblemCode, number> = {
  invalid_json: 2,
  invalid_request: 2,
  invalid_identifier: 2,
  unauthorized: 3,
  forbidden: 3,
  protected_schema: 3,
  not_table_owner: 3,
  extension_owned: 3,
  table_not_found: 4,
  migration_not_found: 4,
  method_not_allowed: 2,
  name_taken: 5,
  already_renamed: 5,
  breaking_findings: 5,
  dependants_cannot_follow: 5,
  plan_changed: 5,
  old_name_in_use: 5,
  drifted: 5,
  not_active: 5,
  request_in_progress: 5,
  body_incomplete: 2,
  body_too_slow: 7,
  body_too_large: 2,
  unsupported_media_type: 2,
  unsupported_relation: 5,
  unsupported_server: 5,
  too_many_locks: 5,
  idempotency_key_reused: 5,
  lock_not_acquired: 6,
  internal: 1,
  busy: 7,
  database_unavailable: 7,
  deadline_exceeded: 7,
};

Deno.test("every problem has the exit code that says what happened", async () => {
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
    const ended = await answered(problem(code), ["rename-table", "a", "b"]);
    assertEquals(ended.code, EXPECTED[code], code);
    assertEquals(ended.stdout, "", code);
    assertStringIncludes(ended.stderr, `Code   ${code} (${PROBLEMS[code].status})`);
  }
});

Deno.test("with --json the problem document is all there is, on standard output", async () => {
  const ended = await answered(problem("drifted", { differences: [{ object: "x" }] }), [
    "rollback-rename",
    "a",
    "--json",
  ]);
  assertEquals(ended.code, 5);
  assertEquals(ended.stderr, "");
  assertEquals(
    JSON.parse(ended.stdout),
    new Problem("drifted", "It is so.", {
      hint: "Do this.",
      fields: { differences: [{ object: "x" }] },
    }).toBody() as unknown,
  );
});

Deno.test("a project that cannot be reached, or lacks the functions, is unavailable", async () => {
  const missing = () => Response.json({ code: "NOT_FOUND", message: "not found" }, { status: 404 });
  assertEquals((await answered(missing, ["rename-table", "a", "b"])).code, 7);
  assertEquals(
    (await answered(() => new Response("", { status: 546 }), ["list-migrations"])).code,
    7,
  );

  const env = { SUPABASE_URL: "http://127.0.0.1:9", SUPABASE_SECRET_KEY: KEY };
  const { code, stderr } = await runMain(["list-migrations"], env);
  assertEquals(code, 7);
  assertStringIncludes(stderr, "\n  npm run serve\n");
  const json = await runMain(["list-migrations", "--json"], env);
  assertEquals(json.code, 7);
  assertEquals(JSON.parse(json.stdout).code, "unreachable");
});

Deno.test("another answer than the endpoint's is unexpected", async () => {
  const ended = await answered(() => new Response("hello"), ["list-migrations"]);
  assertEquals(ended.code, 1);
  assertStringIncludes(ended.stderr, "unexpected_answer");
});

const WRONG: Record<string, [args: string[], message: string]> = {
  "no command": [[], "Usage:"],
  "an unknown command": [["rename"], "unknown command 'rename'"],
  "an unknown option": [["list-migrations", "--al"], "unknown option '--al'"],
  "one name": [["rename-table", "a"], "give the old and the new name"],
  "three names": [["rename-table", "a", "b", "c"], "too many arguments"],
  "names and a file": [["rename-table", "a", "b", "--from-file", "r.csv"], "not both"],
  "a file that is not there": [["rename-table", "--from-file", "/no/r.csv"], "no such file"],
  "a time in words": [["rename-table", "a", "b", "--max-wait", "1s"], "a whole number"],
  "nothing to roll back": [["rollback-rename"], "exactly one of"],
  "two things to roll back": [["rollback-rename", "a", "--batch-id", "b"], "exactly one of"],
  "a schema without a table": [
    ["rollback-rename", "--batch-id", "b", "--schema", "s"],
    "--schema needs TABLE",
  ],
  "an unknown status": [["list-migrations", "--status", "done"], "Allowed choices are pending"],
};

for (const [what, [args, message]] of Object.entries(WRONG)) {
  Deno.test(`wrong usage ends with 2 and sends nothing: ${what}`, async () => {
    let requests = 0;
    const ended = await answered(() => {
      requests++;
      return new Response();
    }, args);
    assertEquals(ended.code, 2, ended.stderr);
    assertEquals(ended.stdout, "");
    assertStringIncludes(ended.stderr, message);
    assertEquals(requests, 0);
  });
}

Deno.test("help is no failure: examples first, then options; help has topics, exit codes among them", async () => {
  for (const command of [[], ["rename-table"], ["rollback-rename"], ["list-migrations"]]) {
    const { code, stdout, stderr } = await runMain([...command, "--help"]);
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, `Usage: ${["npm run cli --", ...command].join(" ")} [options]`);
    assertMatch(stdout, /^Examples:\n {2}npm run cli -- /);
    assertMatch(stdout, /^ {2}npm run cli -- help exit-codes /m);
    const asked = await runMain(["help", ...command]);
    assertEquals([asked.code, asked.stdout], [0, stdout]);
  }
  const { stdout: codes } = await runMain(["help", "exit-codes"]);
  assertMatch(codes, /^Exit codes:\n( {2}\d+ {2}.*\n){10}$/);
  const { stdout: environment } = await runMain(["help", "environment"]);
  assertStringIncludes(environment, "SUPABASE_SECRET_KEY");
  assertStringIncludes(environment, "--db-url");
  const unknown = await runMain(["help", "nothing"]);
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, "unknown command 'nothing'");
});

/** The key that arrives at a local project, or what is said instead. */
async function keySent(env: Record<string, string>): Promise<string> {
  let key: string | null = null;
  let said = "";
  await withProject((request) => {
    key = request.headers.get("apikey");
    return Response.json({ migrations: [], next_cursor: null });
  }, async (url) => {
    said = (await runMain(["list-migrations"], { SUPABASE_URL: url, ...env })).stderr;
  });
  return key ?? said;
}

Deno.test("the key is the environment's, by the first name that is set", async () => {
  const all = {
    SUPABASE_SECRET_KEY: " one\n",
    SUPABASE_SECRET_KEYS: '{"ci":"two","default":"three"}',
    SUPABASE_SERVICE_ROLE_KEY: "four",
  };
  assertEquals(await keySent(all), "one");
  assertEquals(await keySent({ ...all, SUPABASE_SECRET_KEY: " " }), "three");
  const { SUPABASE_SERVICE_ROLE_KEY } = all;
  assertEquals(await keySent({ SUPABASE_SECRET_KEYS: '{"ci":"two"}' }), "two");
  assertEquals(await keySent({ SUPABASE_SERVICE_ROLE_KEY }), "four");
  const broken = await keySent({ SUPABASE_SECRET_KEYS: '{"default": sb_secret_x}' });
  assertStringIncludes(broken, "SUPABASE_SECRET_KEYS has no key");
  assertEquals(broken.includes("sb_secret_x"), false);
});

Deno.test("without a key in the environment a local project gets the key of the local stack", async () => {
  const dir = await Deno.makeTempDir({ prefix: "keys-" });
  try {
    const env = { LOCAL_DIR: dir };
    assertStringIncludes(await keySent(env), "npm run serve");
    await Deno.writeTextFile(`${dir}/keys.json`, '{"publishable": "p"}');
    assertStringIncludes(await keySent(env), "has no secret key");
    await Deno.writeTextFile(`${dir}/keys.json`, '{"secret": "kept", "publishable": "p"}');
    assertEquals(await keySent(env), "kept");

    const elsewhere = await runMain(["list-migrations"], {
      ...env,
      SUPABASE_URL: "http://local.host.test",
    });
    assertEquals(elsewhere.code, 2);
    assertStringIncludes(elsewhere.stderr, "there is no key for http://local.host.test");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a URL or an actor that cannot be used is wrong usage", async () => {
  const env = { SUPABASE_URL: "ftp://project.test", SUPABASE_SECRET_KEY: KEY };
  assertEquals((await runMain(["list-migrations"], env)).code, 2);
  const actor = ["rename-table", "a", "b", "--actor", "a\nb"];
  assertEquals((await answered(() => new Response(), actor)).code, 2);
});
