import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { UsageError } from "../../shared/cli/exit_codes.ts";
import { findProjectFile } from "../../shared/cli/project/find_project_file.ts";
import {
  parseProjectFile,
  projectFileSchema,
  projectFileText,
  readProjectFile,
} from "../../shared/cli/project/project_file.ts";

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
      "f.json is not as it should be:",
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
