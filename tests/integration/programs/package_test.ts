/** The packed command and client, as people use them in a project of their own: with Node.js and npm alone. */
import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { run } from "../../support/programs/cli.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { startGatewayProcess } from "../../support/programs/gateway_process.ts";
import { emptyDatabase, listedVersions } from "../../support/migration_files.ts";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";
import {
  npm,
  PACKAGE,
  packedFile,
  type PackedProject,
  packedProject,
} from "../../support/programs/packed_project.ts";
import { slowTest } from "../../support/runner/sampled.ts";
import { supabaseCli } from "../../../shared/cli/supabase_cli.ts";

/** Largest tarball, in bytes; a third of it is the page. */
const MAX_PACKED = 1_500_000;

/** How much longer the help may take than Node.js itself, in milliseconds; on a slow machine, as a multiple of it. */
const MAX_START_MS = 250;
const MAX_START_RATIO = 4;

let installed: Promise<PackedProject> | undefined;

/** One project for all tests, since installing takes the most of their time; it has only what npm made. */
async function emptied(): Promise<PackedProject> {
  installed ??= packedProject();
  const project = await installed;
  for await (const { name } of Deno.readDir(project.dir)) {
    if (/^(node_modules|package(-lock)?\.json)$/.test(name)) continue;
    await Deno.remove(join(project.dir, name), { recursive: true });
  }
  return project;
}

/** The shortest of several runs, in milliseconds: what a busy machine adds is not counted. */
async function shortest(dir: string, args: string[]): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 5; count++) {
    const start = performance.now();
    assertEquals((await run("node", args, { env: {}, cwd: dir })).code, 0);
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

slowTest(
  "the package is small, installs what the command needs and nothing else, and starts at once",
  async () => {
    const { command, dir } = await emptied();
    const { size } = await Deno.stat(await packedFile());
    assertLess(size, MAX_PACKED);
    const modules = [...Deno.readDirSync(join(dir, "node_modules"))].map(({ name }) => name);
    for (const none of ["deno", "esbuild", "typescript", "pg17", "pg", "supabase"]) {
      assert(!modules.includes(none), `${none} is installed`);
    }
    const help = await command(["--help"], { npx: true });
    assertEquals([help.code, help.stderr], [0, ""]);
    assertMatch(help.stdout, /^Examples:\n {2}npx table-rename init/);
    assertLess(help.stdout.split("\n").length, 44);
    const { version } = JSON.parse(await Deno.readTextFile(join(ROOT_FOLDER, "package.json")));
    assertEquals((await command(["--version"])).stdout, `${version}\n`);
    const main = join("node_modules", ".bin", "table-rename");
    const alone = await shortest(dir, ["-e", "0"]);
    const more = await shortest(dir, [main, "--help"]) - alone;
    assertLess(more, Math.max(MAX_START_MS, alone * MAX_START_RATIO));
  },
);

databaseTest(
  "with --db-url a table is renamed, tested and rolled back, with nothing deployed",
  async ({ db }) => {
    const { command } = await emptied();
    await db.sql`create table experts (id int primary key, name text)`;
    await db.sql`insert into experts values (1, 'Ada')`;
    const outputs: string[] = [];
    const here = async (...args: string[]) => {
      // What would lead elsewhere does not.
      const env = {
        RENAME_DB_URL: "postgresql://nobody@127.0.0.1:1/x",
        SUPABASE_URL: "http://x.co",
      };
      const ended = await command([...args, "--db-url", db.url], {
        env,
        npx: args[0] === "rename-table",
      });
      outputs.push(ended.stdout + ended.stderr);
      return ended;
    };
    const plan = await here("rename-table", "experts", "people", "--plan");
    assertEquals(plan.code, 0, plan.stderr);
    const renamed = await here("rename-table", "experts", "people");
    assertEquals(renamed.code, 0, renamed.stderr);
    assertMatch(
      renamed.stdout,
      /To roll it back:\n {2}npx table-rename rollback-rename .* --db-url /,
    );
    assertEquals((await db.sql`select name from experts`)[0].name, "Ada");
    const tested = await here("test-view-compatibility", "experts");
    assertEquals(tested.code, 0, tested.stdout + tested.stderr);
    const { stdout } = await here("list-migrations", "--json");
    const [{ status, migrated_by }] = JSON.parse(stdout).migrations;
    assertEquals([status, migrated_by], ["active", "key:local"]);
    assertEquals((await here("rename-table", "nothing", "a")).code, 4);
    const back = await here("rollback-rename", "people");
    assertEquals(back.code, 0, back.stderr);
    assertEquals((await db.sql`select to_regclass('people') as people`)[0].people, null);
    const password = new URL(db.url).password;
    assertEquals(outputs.filter((output) => output.includes(password)), []);
  },
);

databaseTest(
  "a database without the tracking tables is refused with the command that makes them",
  async ({ db: like }) => {
    const { command } = await emptied();
    await using db = await emptyDatabase(like);
    await db.sql`create table experts (id int primary key)`;
    const at = ["--db-url", db.url];
    const refused = await command(["rename-table", "experts", "people", ...at]);
    assertEquals(refused.code, 7);
    assertStringIncludes(
      refused.stderr,
      "To make the tracking tables:\n  npx table-rename migrate",
    );
    const made = await command(["migrate", ...at]);
    assertEquals(made.code, 0, made.stderr);
    assertMatch(made.stdout, /^✓ Applied {2}\d{14}_create_table_migration_tracking\.sql\n/);
    assertEquals(
      (await command(["migrate", ...at])).stdout,
      "The tracking tables are up to date.\n",
    );
    assertEquals((await command(["rename-table", "experts", "people", ...at])).code, 0);
  },
);

databaseTest(
  "init copies the migrations behind the project's own, and the Supabase CLI applies them there",
  {
    versions: [17],
  },
  async ({ db: like }) => {
    const { command, write, read, dir } = await emptied();
    await using db = await emptyDatabase(like);
    await write("supabase/config.toml", 'project_id = "test"\n');
    await write("supabase/migrations/20991231235959_app.sql", "create table experts (id int);\n");
    const push = async () => {
      const args = ["db", "push", "--yes", "--workdir", dir];
      const { success, stdout, stderr } = await supabaseCli(args, db.url);
      assert(success, stdout + stderr);
      return (await supabaseCli(["migration", "list", "--workdir", dir], db.url)).stdout;
    };
    await push();
    const args = ["init", "--project-url", "https://abcd.supabase.co", "--schemas", "public,shop"];
    const shown = await command(args);
    assertEquals(shown.code, 2);
    assertStringIncludes(shown.stderr, "Nothing was written. Add --yes");
    assertMatch(
      shown.stdout,
      /create +table-rename\.json\n +create +supabase\/migrations\/21000101/,
    );
    assertEquals([...Deno.readDirSync(join(dir, "supabase/migrations"))].length, 1);
    const done = await command([...args, "--yes"]);
    assertEquals(done.code, 0, done.stderr);
    const { local, remote } = listedVersions(await push());
    assertEquals(local, remote);
    assert(local.length > 5);

    // What is there is neither written again nor changed.
    const file = "supabase/migrations/21000101000000_create_table_migration_tracking.sql";
    await write(file, `-- Fetched again\n${await read(file)}`);
    await write(
      "table-rename.json",
      (await read("table-rename.json")).replace('"shop"', '"sales"'),
    );
    const again = await command(["init", "--yes"]);
    assertEquals([again.code, again.stdout], [0, "Everything in . is up to date.\n"]);
    // migrate uses the versions that the project has.
    const migrated = await command(["migrate", "--db-url", db.url]);
    assertEquals(migrated.stdout, "The tracking tables are up to date.\n");
    const settings = JSON.parse(await read("table-rename.json"));
    assertEquals([settings.project_url, settings.schemas], ["https://abcd.supabase.co", [
      "public",
      "sales",
    ]]);
    const changed = await command(["init", "--schemas", "public", "--yes"]);
    assertMatch(changed.stdout, /update +table-rename\.json {2}\(changes schemas\)/);
    const schema = JSON.parse(await read(settings.$schema));
    assertEquals(schema.title, "table-rename.json");

    // --migration-file writes into this project's folder, from any folder below.
    const planned = await command(
      ["rename-table", "experts", "people", "--migration-file", "--db-url", db.url],
      { folder: "supabase" },
    );
    assertEquals(planned.code, 0, planned.stderr);
    assertMatch(planned.stdout, /supabase\/migrations\/2\d{13}_rename_experts_to_people\.sql/);
  },
);

databaseTest(
  "init --functions copies functions that type-check, run and deploy from the project, and keeps what was changed there",
  async ({ db }) => {
    const { command, write, read, dir } = await emptied();
    const none = await command(["init", "--functions", "--yes"]);
    assertEquals(none.code, 2);
    assertStringIncludes(none.stderr, "npx supabase init");
    const config = 'project_id = "test"\n# mine\n[functions.hello]\nverify_jwt = true\n';
    await write("supabase/config.toml", `${config}[functions.rename]\nverify_jwt = true\n`);
    const taken = await command(["init", "--functions", "--yes"]);
    assertEquals(taken.code, 2);
    assertStringIncludes(taken.stderr, "functions of these names already: rename.");
    await write("supabase/config.toml", config);
    const done = await command(["init", "--functions", "--yes"]);
    assertEquals(done.code, 0, done.stderr);
    assertMatch(done.stdout, /create +supabase\/table-rename\/ {2}\(\d+ files\)/);
    assert((await read("supabase/config.toml")).startsWith(config));

    const deno = (args: string[], env: Record<string, string> = {}) =>
      run(Deno.execPath(), [
        ...args.slice(0, 1),
        ...["--no-lock", "--node-modules-dir=manual"],
        ...["--import-map=supabase/table-rename/functions/deno.json", ...args.slice(1)],
      ], { cwd: dir, env });
    const entries = [...Deno.readDirSync(join(dir, "supabase/table-rename/functions"))]
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => `supabase/table-rename/functions/${name}/index.ts`);
    assertEquals(entries.length, 10);
    const checked = await deno(["check", "--quiet", ...entries]);
    assertEquals(checked.code, 0, checked.stderr);
    await db.sql`create table experts (id int primary key)`;
    await write(
      "call.ts",
      `const { default: deployed } = await import("./supabase/table-rename/functions/rename/index.ts");
    const response = await deployed.fetch(new Request("http://localhost/rename", {
      method: "POST",
      headers: { apikey: "sb_secret_x", "content-type": "application/json" },
      body: JSON.stringify({ old_name: "experts", new_name: "people" }),
    }));
    console.log(response.status, (await response.json()).verification.passed);
    Deno.exit();`,
    );
    const called = await deno(["run", "-A", "call.ts"], {
      SUPABASE_DB_URL: db.url,
      SUPABASE_SECRET_KEYS: '{"default":"sb_secret_x"}',
      LOG_LEVEL: "silent",
    });
    assertEquals(called.stdout, "200 true\n", called.stderr);

    // An update writes what is old, and leaves what was changed here.
    const [mine, old] = ["shared/sql/quoting.ts", "shared/sql/stored_view.ts"]
      .map((path) => `supabase/table-rename/${path}`);
    const original = await read(mine);
    await write(mine, "// mine\n");
    const manifest = JSON.parse(await read("supabase/table-rename/files.json"));
    await write(old, "// of an earlier version\n");
    manifest.files[old] = await sha256("// of an earlier version\n");
    manifest.files["supabase/table-rename/shared/gone.ts"] = await sha256("// gone\n");
    await write("supabase/table-rename/shared/gone.ts", "// gone\n");
    await write("supabase/table-rename/files.json", JSON.stringify(manifest));
    const updated = await command(["init", "--yes"]);
    assertEquals(updated.code, 0, updated.stderr);
    assertMatch(updated.stdout, /update +\S+stored_view\.ts\n/);
    assertMatch(updated.stdout, /delete +\S+gone\.ts\n/);
    assertMatch(updated.stdout, /Left as it is.*\n +\S+quoting\.ts {2}\(changed here/);
    assertEquals(await read(mine), "// mine\n");
    const planned = await command(["init", "--overwrite", "--plan"]);
    assertMatch(planned.stdout, /overwrite +\S+quoting\.ts {2}\(what was changed here is lost\)/);
    assertEquals(await read(mine), "// mine\n");
    await command(["init", "--overwrite", "--yes"]);
    assertEquals(await read(mine), original);
    const current = await command(["init", "--functions"]);
    assertEquals([current.code, current.stdout], [0, "Everything in . is up to date.\n"]);
  },
);

async function sha256(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(hash).toHex();
}

databaseTest(
  "serve answers on this machine before the named database, and ends by a signal",
  async ({ db }) => {
    const { write, dir } = await emptied();
    await write("x", "");
    const child = new Deno.Command("node", {
      args: ["node_modules/.bin/table-rename", "serve", "--port", "0", "--db-url", db.url],
      cwd: dir,
      env: { XDG_STATE_HOME: join(dir, ".state"), NO_COLOR: "1", SUPABASE_SECRET_KEYS: "" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!/export SUPABASE_URL=http\S+ SUPABASE_SECRET_KEY=\S+\n/.test(said)) {
      const { value, done } = await output.read();
      assert(!done, said);
      said += value;
    }
    const [, url] = /Functions +(\S+)/.exec(said)!;
    const [, key] = /Key +(\S+)/.exec(said)!;
    assert(!said.includes(new URL(db.url).password));
    const post = async (name: string, body: unknown, headers: Record<string, string> = {}) => {
      const sent = { apikey: key, "content-type": "application/json", ...headers };
      const request = { method: "POST", headers: sent, body: JSON.stringify(body) };
      const response = await fetch(url + name, request);
      return { status: response.status, text: await response.text() };
    };
    await db.sql`create table experts (id int primary key)`;
    const renamed = await post("rename", { old_name: "experts", new_name: "people" }, {
      accept: "text/event-stream",
    });
    assertEquals(renamed.status, 200);
    assertStringIncludes(renamed.text, "event: progress");
    assertStringIncludes(renamed.text, '"passed":true');
    assertEquals((await post("rename", {}, { apikey: "sb_secret_other" })).status, 401);
    assertEquals((await post("unknown", {})).status, 404);

    // The page, by the link that was printed, with its files, and the endpoints behind it.
    const [, link] = /Page +(\S+)/.exec(said)!;
    const opened = await fetch(link, { redirect: "manual" });
    await opened.body?.cancel();
    const cookie = opened.headers.get("set-cookie")!.split(";")[0];
    const { origin } = new URL(link);
    const got = async (path: string, init: RequestInit = {}) => {
      const response = await fetch(origin + path, {
        ...init,
        headers: { cookie, ...init.headers },
      });
      return { status: response.status, text: await response.text() };
    };
    const index = await got("/tables");
    for (const [, file] of index.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      const { status, text } = await got(file);
      assertEquals([file, status, text.length > 100], [file, 200, true]);
    }
    const list = await got("/api/functions/v1/list-migrations");
    assertEquals(JSON.parse(list.text).migrations[0].new_name, "people");
    const back = await got("/api/functions/v1/rollback", {
      method: "POST",
      headers: { origin, "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify({ table: "people" }),
    });
    assertStringIncludes(back.text, "event: progress");
    assertStringIncludes(back.text, '"status":"rolled_back"');
    assertEquals((await fetch(`${origin}/tables`)).status, 401);
    child.kill("SIGTERM");
    assertEquals((await child.status).code, 0);
    await output.cancel();
  },
);

databaseTest("the client and the contract are typed, and run", async ({ db }) => {
  const { write, dir } = await emptied();
  await db.sql`create table experts (id int primary key)`;
  await write(
    "main.ts",
    `import { createRenameClient, RenameError } from "${PACKAGE}";
import { parsed } from "./contract.js";
const client = createRenameClient({ url: process.argv[2], key: process.argv[3] });
const { migrations } = await client.rename({ old_name: "experts", new_name: "people" });
const name: string = migrations[0].new_name;
// @ts-expect-error the contract has no such field
const wrong = migrations[0].nothing;
// @ts-expect-error a name is missing
const refused = await client.rename({ old_name: "a" }).catch((error) => error);
console.log(name, wrong, refused instanceof RenameError && refused.code, parsed);
`,
  );
  await write(
    "contract.ts",
    `import { renameBatch, type RenameInput } from "${PACKAGE}/contract";
const input: RenameInput = { renames: [{ old_name: "a", new_name: "b" }] };
export const parsed: string = renameBatch().parse(input).renames[0].schema;
`,
  );
  await write("globals.d.ts", "declare const process: { argv: string[] };\n");
  const tsc = join(ROOT_FOLDER, "node_modules/typescript/bin/tsc");
  const compiled = await run("node", [
    ...[tsc, "--strict", "--target", "es2022", "--module", "nodenext", "--types", ""],
    ...["--lib", "es2024,dom", "main.ts", "contract.ts", "globals.d.ts"],
  ], { env: {}, cwd: dir });
  assertEquals(compiled.code, 0, compiled.stdout);
  await using gateway = await startGatewayProcess(db.url);
  const ended = await run("node", ["main.js", gateway.url, SECRET_KEY], { env: {}, cwd: dir });
  assertEquals(ended.stdout, "people undefined invalid_request public\n", ended.stderr);
});

databaseTest(
  "a plan whose flag npm took, in a script of the project or npm exec, changes nothing",
  async ({ db }) => {
    const { dir } = await emptied();
    await db.sql`create table experts (id int primary key)`;
    await using functions = functionsFor(db.url);
    const words = ["rename-table", "experts", "people", "--plan"];
    const given = ["--yes", "--", "table-rename", ...words, `--db-url=${db.url}`];
    const planned = await npm(dir, ["exec", ...given]);
    assertEquals([planned.code, planned.stdout.includes("To apply exactly")], [0, true]);
    for (
      const [args, line] of [
        [["run", "rename", ...words], "npm run rename -- rename-table experts people --plan"],
        [["exec", "table-rename", ...words], "npx table-rename rename-table experts people --plan"],
      ] as const
    ) {
      const { code, stderr } = await npm(dir, [...args, `--db-url=${db.url}`]);
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, "Nothing was done");
      assertStringIncludes(stderr, line);
    }
    assertEquals((await functions.list()).migrations, []);
  },
);
