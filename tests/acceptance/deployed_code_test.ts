/** What is deployed runs where it is deployed: under the Deno that the hosted runtime emulates. */
import { assert, assertEquals, assertFalse, assertLess, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { listFunctions } from "../../shared/local/functions/function_list.ts";
import { databaseTest } from "../support/servers/database.ts";
import {
  layerOf,
  moduleGraph,
  reachableFrom,
  ROOT_FOLDER,
} from "../support/documents/module_graph.ts";
import { AS_DEPLOYED, oldDeno } from "../support/programs/old_deno.ts";
import { withoutCommentsAndStrings } from "../support/documents/template_literals.ts";
import { slowTest } from "../support/runner/sampled.ts";

const NAMES = (await listFunctions(new URL("../../", import.meta.url))).map(({ name }) => name);
const ENTRIES = NAMES.map((name) => `functions/${name}/index.ts`);

/** What a worker of the hosted runtime may do; the rest asks, and is refused. */
const HOSTED_PERMISSIONS = ["--no-prompt", "--allow-env", "--allow-net", "--allow-read"];

/** Unit tests of what is deployed, all but those that look at source text. */
const UNIT_TESTS = [
  ...[
    "authenticate",
    "body",
    "idempotency",
    "notifications",
    "notify_settings",
    "problems",
    "requests",
    "webhooks",
  ]
    .map((name) => `http/${name}`),
  ...["fingerprint", "grants", "plan"].map((name) => `plan/${name}`),
  ...["names", "quoting"].map((name) => `sql/${name}`),
  "postgres/retry_budget",
].map((name) => `tests/unit/${name}_test.ts`);

/** Runs a module with the rights that deployed code has; it prints one line of JSON. */
async function asDeployed(source: string, env: Record<string, string> = {}) {
  const output = await oldDeno(["run", ...AS_DEPLOYED, ...HOSTED_PERMISSIONS, "-"], {
    input: source,
    env: {
      RENAME_DB_URL: "",
      SUPABASE_DB_URL: "",
      SUPABASE_SECRET_KEYS: "",
      LOG_LEVEL: "silent",
      ...env,
    },
  });
  assert(output.success, output.stderr);
  return JSON.parse(output.stdout);
}

slowTest("every function type-checks under the hosted runtime's Deno", async () => {
  const { success, stderr } = await oldDeno(["check", ...AS_DEPLOYED, ...ENTRIES]);
  assert(success, stderr);
});

slowTest("what is newer than the hosted runtime's Deno does not type-check there", async () => {
  const folder = await Deno.makeTempDir();
  const newer = {
    "RegExp.escape": "export const a = RegExp.escape('a');",
    fromBase64: "export const b = Uint8Array.fromBase64('YQ==');",
    isError: "export const c = Error.isError(1);",
    bundle: "export const d = Deno.bundle;",
    "Type 'Uint8Array' is not generic": "export type E = Uint8Array<ArrayBuffer>;",
    missing_of_the_test: 'import "npm:missing_of_the_test@1.0.0";',
  };
  try {
    for (const [index, [said, source]] of Object.entries(newer).entries()) {
      const path = join(folder, `${index}.ts`);
      await Deno.writeTextFile(path, source);
      const { success, stderr } = await oldDeno(["check", ...AS_DEPLOYED, path]);
      assertFalse(success, source);
      assertStringIncludes(stderr, said.split(".").at(-1)!);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every function loads there, and refuses a caller without a key", async () => {
  const answers = await asDeployed(`
    const answers = {};
    for (const name of ${JSON.stringify(NAMES)}) {
      const { default: deployed } = await import(\`./functions/\${name}/index.ts\`);
      for (const method of ["GET", "POST", "PATCH"]) {
        const response = await deployed.fetch(new Request("http://localhost/" + name, { method }));
        (answers[name] ??= []).push(response.status);
        await response.json();
      }
    }
    console.log(JSON.stringify(answers));`);
  for (const name of NAMES) assertEquals(answers[name].toSorted(), [401, 405, 405], name);
});

databaseTest("a table is renamed and rolled back there", async ({ db }) => {
  await db.sql`create table experts (id int primary key, name text default 'x')`;
  const statuses = await asDeployed(
    `
    const call = async (name, body) => {
      const { default: deployed } = await import(\`./functions/\${name}/index.ts\`);
      const headers = { apikey: "sb_secret_x", "content-type": "application/json" };
      const method = body ? "POST" : "GET";
      const response = await deployed.fetch(
        new Request("http://localhost/" + name, { method, headers, body: JSON.stringify(body) }));
      return [response.status, await response.json()];
    };
    const [renamed, answer] = await call("rename", { old_name: "experts", new_name: "people" });
    const [listed, list] = await call("list-migrations");
    const [rolledBack, back] = await call("rollback", { batch_id: answer.batch_id });
    const [refused] = await call("rename", { old_name: "nothing", new_name: "b" });
    console.log(JSON.stringify([renamed, answer.verification, listed, list.migrations?.length,
      rolledBack, back.verification, refused]));
    Deno.exit();`,
    { SUPABASE_DB_URL: db.url, SUPABASE_SECRET_KEYS: '{"default":"sb_secret_x"}' },
  );
  const [renamed, after, listed, count, rolledBack, back, refused] = statuses;
  assertEquals([renamed, listed, count, rolledBack, refused], [200, 200, 1, 200, 404]);
  assert(after.passed && back.passed);
});

Deno.test("the unit tests of what is deployed pass there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { imports } = JSON.parse(
      await Deno.readTextFile(join(ROOT_FOLDER, "functions/deno.json")),
    );
    const assertions = pathToFileURL(join(ROOT_FOLDER, "tests/support/assert.ts")).href;
    const map = join(folder, "import_map.json");
    await Deno.writeTextFile(
      map,
      JSON.stringify({ imports: { ...imports, "@std/assert": assertions } }),
    );
    // Types of the tests are checked under the newer one; what counts here is what runs.
    const options = ["--no-lock", "--node-modules-dir=manual", "--no-check", `--import-map=${map}`];
    const { success, stdout, stderr } = await oldDeno(["test", ...options, "-A", ...UNIT_TESTS]);
    assert(success, stdout + stderr);
    const passed = Number(/(\d+) passed/.exec(stdout)?.[1]);
    assert(passed > 100, `only ${passed} tests ran`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Members of Deno that deployed code may use; the hosted runtime has these, and lacks many others. */
const DENO_MEMBERS = new Set([
  ...["env", "resolveDns", "version", "readTextFile"],
  // Its ext/runtime/js/denoOverrides.js has both; the others are types.
  ...["connect", "startTls", "Conn", "TlsConn"],
]);

/** Globals of Deno or of Node.js that the hosted runtime lacks, or has in name only. */
const LACKING =
  /\b(Worker|SharedWorker|localStorage|sessionStorage|caches|alert|confirm|prompt|process|Buffer|require|__dirname|__filename|eval|Function)\s*[.(]|\bimport\.meta\.(main|dirname|filename)\b/g;

/** What of a module's source the hosted runtime would not run. */
function lacking(source: string): string[] {
  const code = withoutCommentsAndStrings(source);
  const members = [...code.matchAll(/\bDeno\s*(?:\.\s*(\w+)|\[)/g)]
    .filter(([, member]) => !DENO_MEMBERS.has(member))
    .map(([text]) => text);
  return [...members, ...(code.match(LACKING) ?? [])];
}

Deno.test("deployed code uses nothing that the hosted runtime lacks", async () => {
  const graph = await moduleGraph(["functions"]);
  const modules = new Set(ENTRIES.flatMap((entry) => [...reachableFrom(entry, graph)]));
  assert(modules.size > 20);
  for (const module of modules) {
    assertEquals(lacking(await Deno.readTextFile(join(ROOT_FOLDER, module))), [], module);
  }
  // The hosted runtime has these: the platform documents npm:postgres, which stands on them.
  const builtins = graph.filter(({ specifier }) => specifier.startsWith("node:"));
  assertEquals([...new Set(builtins.map(({ specifier }) => specifier))].toSorted(), [
    "node:net",
    "node:stream",
    "node:tls",
  ]);
});

Deno.test("what the hosted runtime lacks is found", () => {
  assertEquals(lacking('const lib = Deno.dlopen("x", {}); // Deno.run'), ["Deno.dlopen"]);
  assertEquals(lacking("`${new Deno.Command(x)}`; Deno.env.get('A'); 'Deno.openKv'"), [
    "Deno.Command",
  ]);
  assertEquals(lacking("Deno['cron']; new Worker(x); process.exit()"), [
    "Deno[",
    "Worker(",
    "process.",
  ]);
  assertEquals(lacking("/* Buffer.from */ const processed = requires(x);"), []);
});

Deno.test("a function is only what it uses: no command line, no local stack, no client, and small", async () => {
  const graph = await moduleGraph(["functions"]);
  for (const entry of ENTRIES) {
    const modules = [...reachableFrom(entry, graph)];
    const layers = new Set(modules.map(layerOf));
    for (const layer of ["cli", "local", "demo", "package", "client", "tests"]) {
      assertFalse(layers.has(layer), entry);
    }
    const sizes = modules.map((module) => Deno.statSync(join(ROOT_FOLDER, module)).size);
    assertLess(sizes.reduce((sum, size) => sum + size, 0), 1232 * 1024, entry);
  }
  // table-aliases has no use for plans and facts but for the quoting.
  const aliases = [...reachableFrom("functions/table-aliases/index.ts", graph)];
  assertEquals(aliases.filter((module) => layerOf(module) === "catalog"), []);
});
