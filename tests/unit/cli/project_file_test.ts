import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { COMMANDS } from "../../../shared/cli/commands.ts";
import { UsageError } from "../../../shared/cli/exit_codes.ts";
import { findProjectFile } from "../../../shared/cli/project/find_project_file.ts";
import {
  parseProjectFile,
  projectFileSchema,
  projectFileText,
  readProjectFile,
} from "../../../shared/cli/project/project_file.ts";
import { KEY, run, runMain, withProject } from "../../support/programs/cli.ts";

const parse = (value: unknown) =>
  parseProjectFile(typeof value === "string" ? value : JSON.stringify(value), "f.json");

const fault = (value: unknown) => assertThrows(() => parse(value), UsageError).message;

Deno.test("a project file is read as it is written", () => {
  const settings = {
    $schema: "./x.json",
    project_url: "https://abcd.supabase.co",
    keys: { secret_key: "PROD_KEY", database_url: "PROD_DB_URL" },
    schemas: ["public", "shop"],
    migrations: "supabase/migrations",
    types: "src/database.types.ts",
    source: ["src", "lib"],
    phases: [
      { name: "one", renames: [{ from: "experts", to: "expert_profiles" }] },
      { name: "two", match: "^document_(.*)$", to: "doc_$1", schemas: ["shop"] },
      { name: "three", file: "renames.csv" },
    ],
  };
  assertEquals(parse(settings), settings);
  assertEquals(parse(projectFileText(settings)), settings);
  assertEquals(parse("\uFEFF{}"), {});
});

Deno.test("what is wrong in a project file is an error with line, field and next step", () => {
  assertEquals(
    fault(`{
  "project_ulr": "https://x.co",
  "schemas": [],
  "phases": [
    { "name": "a", "file": "a.csv" },
    { "name": "a",
      "match": "(",
      "to": "b" },
    { "name": "c", "file": "a.csv", "renames": [{ "from": "a", "to": "${"b".repeat(64)}" }] }
  ]
}`).split("\n"),
    [
      "f.json is not valid:",
      "  line 2: project_ulr: there is no such field",
      "  line 3: schemas: expected at least one",
      '  line 6: phases.1.name: there is a phase "a" before',
      "  line 7: phases.1.match: not a regular expression: Invalid regular expression: /(/u: Unterminated group",
      `  line 9: phases.2.renames.0.to: a name can have at most 63 bytes in UTF-8, this one has 64`,
      '  line 9: phases.2: give exactly one of "renames", "match" and "file"',
      "Correct the file and run the command again. Nothing was done.",
    ],
  );
  assertMatch(
    fault('{\n"schemas": ["a"],\n"schemas": ["b"] }'),
    /line 3: schemas: it is given twice/,
  );
  assertMatch(fault('{\n"schemas" ["a"] }'), /line 2: not JSON: column 11/);
  assertMatch(fault({ phases: [{ name: "a", file: "x", match: "y", to: "z" }] }), /exactly one of/);
  assertMatch(fault({ phases: [{ name: "a" }] }), /exactly one of/);
  assertMatch(fault({ phases: [{ name: "a", match: "x" }] }), /"match" needs "to"/);
  const twice = [{ name: "a", file: "x" }, { name: "a", file: "y" }];
  assertMatch(fault({ phases: twice }), /phases\.1\.name: there is a phase "a" before/);
});

Deno.test("a secret in a project file is refused, and not repeated", () => {
  for (const secret of ["sb_secret_abc", "postgresql://u:secret@h/d", "eyJhbGciOi"]) {
    const said = fault({ keys: { secret_key: secret } });
    assertMatch(said, /keys\.secret_key: this is a secret itself/);
    assertEquals(said.includes(secret), false);
  }
  for (const project_url of ["postgresql://u:secret@h/d", "https://u:secret@h", "abcd"]) {
    const said = fault({ project_url });
    assertMatch(said, /project_url: expected the project's URL/);
    assertEquals(said.includes("secret@"), false);
  }
});

Deno.test("the project file is found from any folder below it", async () => {
  const root = await Deno.makeTempDir();
  try {
    const deep = join(root, "a", "b");
    await Deno.mkdir(deep, { recursive: true });
    assertEquals(findProjectFile(deep), undefined);
    const path = join(root, "table-rename.json");
    await Deno.writeTextFile(path, '{ "schemas": ["shop"] }');
    assertEquals(findProjectFile(deep), path);
    assertEquals(await readProjectFile(path), { path, dir: root, settings: { schemas: ["shop"] } });
    await Deno.writeTextFile(join(root, "a", "table-rename.json"), '{ "schema": "shop" }');
    const error = await assertRejects(() => readProjectFile(findProjectFile(deep)!), UsageError);
    assertMatch(error.message, /a.table-rename\.json is not .*\n {2}line 1: schema: there is no/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("editors get a schema of the project file that names each field", () => {
  const { properties, additionalProperties } = projectFileSchema() as {
    properties: Record<string, { description?: string }>;
    additionalProperties: boolean;
  };
  assertEquals(additionalProperties, false);
  for (const [name, { description }] of Object.entries(properties)) {
    assertEquals(typeof description, "string", name);
  }
});

async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const BATCH = "6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10";

Deno.test("commands take project, key and schema from the project file, and options win", () =>
  inFolder(async (dir) => {
    const sent: unknown[] = [];
    await withProject(async (request) => {
      sent.push([request.headers.get("apikey"), await request.json()]);
      return Response.json({ code: "table_not_found", status: 404, detail: "x" }, {
        status: 404,
        headers: { "content-type": "application/problem+json" },
      });
    }, async (url) => {
      const settings = { project_url: url, keys: { secret_key: "MY_KEY" }, schemas: ["shop"] };
      await Deno.writeTextFile(join(dir, "table-rename.json"), projectFileText(settings));
      const call = (args: string[], env: Record<string, string> = { MY_KEY: KEY }) =>
        runMain(args, { LOCAL_DIR: dir, ...env }, { cwd: dir });
      assertEquals((await call(["rename-table", "a", "b", "--plan"])).code, 4);
      await call(["rename-table", "a", "b", "--plan", "--schema", "app"]);
      await call(["rollback-rename", "a", "--plan"]);
      await call(["rollback-rename", "--batch-id", BATCH, "--plan"]);
      // The variable that the file names is the only one.
      const without = await call(["rollback-rename", "a"], { SUPABASE_SECRET_KEY: "other" });
      assertEquals(without.code, 2);
    });
    const names = { old_name: "a", new_name: "b" };
    assertEquals(sent, [
      [KEY, { renames: [{ schema: "shop", ...names }], mode: "plan" }],
      [KEY, { renames: [{ schema: "app", ...names }], mode: "plan" }],
      [KEY, { table: "a", schema: "shop", mode: "plan" }],
      [KEY, { batch_id: BATCH, mode: "plan" }],
    ]);
    await Deno.writeTextFile(join(dir, "table-rename.json"), '{ "schema": "shop" }');
    const { code, stderr } = await runMain(["list-migrations"], {}, { cwd: dir });
    assertEquals(code, 2);
    assertMatch(stderr, /line 1: schema: there is no such field\nCorrect the file/);
  }));

Deno.test("init shows what it would write before it asks, and writes after a yes only", () =>
  inFolder(async (dir) => {
    for (const answer of ["", "no", "y"]) {
      const questions: string[] = [];
      const ask = (question: string) => {
        questions.push(question);
        return Promise.resolve(answer);
      };
      const ended = await runMain(["init"], {}, { cwd: dir, ask });
      assertEquals([ended.code, questions], [0, ["Write this? [y/N] "]], ended.stderr);
      assertMatch(ended.stdout, /^What .* init writes in .*\n {2}create +table-rename\.json\n/);
      const written = [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
      assertEquals(written, answer === "y" ? ["supabase", "table-rename.json"] : []);
    }
    const wrong = await runMain(
      ["init", "--project-url", "postgresql://u:secret@h/d"],
      {},
      { cwd: dir },
    );
    assertEquals([wrong.code, wrong.stderr.includes("secret@")], [2, false]);
    assertMatch(wrong.stderr, /project_url: expected the project's URL/);
  }));

Deno.test("bash completes commands, options and their values", async () => {
  const { stdout: script } = await runMain(["completion", "bash"]);
  const complete = async (...words: string[]) => {
    const line = ["table-rename", ...words].map((word) => `'${word}'`).join(" ");
    const { stdout } = await run("bash", [
      "-c",
      `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _table_rename; echo "\${COMPREPLY[@]}"`,
    ], { env: {} });
    return stdout.trim().split(" ");
  };
  const commands = await complete("");
  for (const { name } of COMMANDS) assertEquals(commands.includes(name), true, name);
  assertEquals(await complete("re"), ["rename-table", "refresh-view"]);
  assertEquals(await complete("rename-table", "--pl"), ["--plan"]);
  assertEquals(await complete("list-migrations", "--status", "fin"), ["finalized"]);
  for (const shell of ["zsh", "fish"]) {
    const { code, stdout } = await runMain(["completion", shell]);
    assertEquals([code, stdout.includes("test-view-compatibility")], [0, true]);
  }
});
