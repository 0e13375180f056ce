/** `find-uses`: which files it reads and changes, how it ends, and what it prints. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import {
  answered,
  type Ended,
  run,
  runMain,
  withProject as withEndpoints,
} from "../../support/programs/cli.ts";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";
import { typeErrors, withTypeScriptProject } from "../../support/programs/type_check.ts";

const CALL = `import { db } from "./db";\nawait db.from("old").select();\n`;
const CHANGED = CALL.replace("old", "new");

interface Project {
  dir: string;
  find(...args: string[]): Promise<Ended>;
  read(path: string): Promise<string>;
}

/** A folder with these files, in a git repository that has them all, unless `git` is false. */
async function withProject(
  files: Record<string, string>,
  work: (project: Project) => Promise<void>,
  { git = true } = {},
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "find-uses-" }));
  try {
    for (const [path, text] of Object.entries({ "renames.json": `{"old": "new"}`, ...files })) {
      await Deno.mkdir(join(dir, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(dir, path), text);
    }
    if (git) {
      const args = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "-c",
        "commit.gpgsign=false",
      ];
      for (const command of [["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]]) {
        assertEquals((await run("git", [...args, ...command], { env: {}, cwd: dir })).code, 0);
      }
    }
    await work({
      dir,
      find: (...args) =>
        runMain(["find-uses", "--from-file", "renames.json", ...args], {
          npm_lifecycle_event: "cli",
          INIT_CWD: dir,
        }),
      read: (path) => Deno.readTextFile(join(dir, path)),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const filesIn = ({ stdout }: Ended): string[] => [
  ...new Set<string>(JSON.parse(stdout).uses.map(({ file }: { file: string }) => file)),
];

Deno.test({
  name: "files behind a folder that has become a link are neither read nor changed",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withProject({ "app/lib/a.ts": CALL, "elsewhere/a.ts": CALL }, async ({ dir, find, read }) => {
      await Deno.remove(join(dir, "app", "lib"), { recursive: true });
      await Deno.symlink(join(dir, "elsewhere"), join(dir, "app", "lib"));
      assertEquals(filesIn(await find("app", "--json", "--write", "--force")), []);
      assertEquals(await read("elsewhere/a.ts"), CALL);
    }),
});

Deno.test("a tsconfig.json of any form costs no more than its aliases", async () => {
  const configs = ["", "null", "[]", '{"compilerOptions":{"paths":null}}', '{"compilerOptions":7}'];
  for (const config of configs) {
    await withProject({ "tsconfig.json": config, "a.ts": CALL, "db.ts": "" }, async ({ find }) => {
      assertEquals(filesIn(await find("--json")), ["a.ts"], config);
    });
  }
});

Deno.test("uses are listed with their places, and --check fails while any is left", async () => {
  await withProject({ "src/a.ts": CALL, "src/b.py": `x("old")` }, async ({ find }) => {
    const listed = await find();
    assertEquals(listed.code, 0);
    assertMatch(listed.stdout, /^Found {2}2 uses of 1 name in 2 of 2 files: 1 certain, 1 possible/);
    assertMatch(listed.stdout, /src\/a\.ts\n.*\n {2}2:16 {3}table {2}old {3}new\n/);
    assertMatch(listed.stdout, /possible: a string that may name the table/);
    assertEquals((await find("--check")).code, 1);
    assertEquals((await find("--check", "--certain", "src/b.py")).code, 0);
    const written = await find("--write", "--check");
    assertEquals(written.code, 1);
    assertMatch(written.stdout, /^✓ 1 use changed in 1 file, 1 is left/);
    assertEquals((await find("--check", "--certain")).code, 0);
  });
});

Deno.test("JSON, SARIF and Markdown say the same", async () => {
  await withProject({ "a b/c.ts": CALL }, async ({ find }) => {
    const { uses, certain } = JSON.parse((await find("--json")).stdout);
    assertEquals(certain, 1);
    const [{ file, line, column, offset, text, replacement, renamed_to }] = uses;
    assertEquals([file, line, column, text, replacement, renamed_to], [
      "a b/c.ts",
      2,
      16,
      "old",
      "new",
      "new",
    ]);
    assertEquals(CALL.slice(offset, offset + 3), "old");
    const sarif = JSON.parse((await find("--sarif")).stdout);
    assertEquals(sarif.version, "2.1.0");
    const [{ level, locations: [{ physicalLocation }], fixes }] = sarif.runs[0].results;
    assertEquals([level, physicalLocation.artifactLocation.uri], ["warning", "a%20b/c.ts"]);
    assertEquals(physicalLocation.region.startLine, 2);
    assertEquals(fixes[0].artifactChanges[0].replacements[0].insertedContent.text, "new");
    assertMatch((await find("--markdown")).stdout, /\| 2:16 \| table \| `old` \| `new` \|/);
    assertEquals((await find("--json", "--sarif")).code, 2);
  });
});

Deno.test("a file with uncommitted changes, or unknown to git, is changed only with --force", async () => {
  await withProject({ "a.ts": CALL, "b.ts": CALL }, async ({ dir, find, read }) => {
    await Deno.writeTextFile(join(dir, "a.ts"), `${CALL}// more\n`);
    await Deno.writeTextFile(join(dir, "c.ts"), CALL);
    const { code, stdout } = await find("--write");
    assertEquals(code, 5);
    assertMatch(stdout, /a\.ts {2}it has uncommitted changes/);
    assertMatch(stdout, /c\.ts {2}git does not track it/);
    assertEquals([await read("a.ts"), await read("b.ts"), await read("c.ts")], [
      `${CALL}// more\n`,
      CHANGED,
      CALL,
    ]);
    assertEquals((await find("--write", "--force")).code, 0);
    assertEquals([await read("a.ts"), await read("c.ts")], [`${CHANGED}// more\n`, CHANGED]);
    assertEquals((await find("--write", "--to-old", "--force")).code, 0);
    assertEquals(await read("c.ts"), CALL);
    assertEquals((await find("--force")).code, 2);
  });
});

const SKIPPED = {
  ".gitignore": "build/\n*.tmp.ts\n",
  "build/a.ts": CALL,
  "x.tmp.ts": CALL,
  "node_modules/p/a.ts": CALL,
  "supabase/migrations/1_a.sql": "select * from old",
  "supabase/migrations/deep/1_a.sql": "select * from old",
  "db/migrations/1_a.ts": CALL,
  "src/database.types.ts": CALL,
  "src/made.ts": `// Code generated by sqlc. DO NOT EDIT.\n${CALL}`,
  "src/read.ts": CALL,
  "supabase/seed.sql": "select * from old",
};

Deno.test("what git ignores, generated files, migrations and packages are not read", async () => {
  for (const git of [true, false]) {
    await withProject(SKIPPED, async ({ dir, find }) => {
      await Deno.symlink("/", join(dir, "everything"));
      await Deno.symlink(join(dir, "src", "read.ts"), join(dir, "link.ts"));
      assertEquals(filesIn(await find("--json")), ["src/read.ts", "supabase/seed.sql"]);
      assertEquals(filesIn(await find("--json", "src", "src/read.ts")), ["src/read.ts"]);
      assertEquals((await find("nowhere")).code, 2);
    }, { git });
  }
});

Deno.test("a written file keeps its permissions, and nothing is left beside it", async () => {
  await withProject({ "a.ts": CALL }, async ({ dir, find, read }) => {
    await Deno.chmod(join(dir, "a.ts"), 0o755);
    assertEquals((await find("--write", "--force")).code, 0);
    assertEquals(await read("a.ts"), CHANGED);
    assertEquals((await Deno.stat(join(dir, "a.ts"))).mode! & 0o777, 0o755);
    const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
    assertEquals(names.sort(), [".git", "a.ts", "renames.json"]);
  }, { git: true });
});

const migration = (old_name: string, new_name: string, status: string) => ({
  ...{ schema_name: "public", old_name, new_name, status },
});

/** An endpoint with these migrations, newest first. */
const listing = (...migrations: { status: string }[]) => (request: Request) => {
  const status = new URL(request.url).searchParams.get("status");
  const found = migrations.filter((one) => status === null || one.status === status);
  return Response.json({ migrations: found, next_cursor: null });
};

Deno.test("the project's active renames are looked for; proposed and rolled-back ones where asked", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = join(dir, "a.sql");
    await Deno.writeTextFile(path, "select * from a, b, c, d, e, f;");
    const project = listing(
      migration("a", "a2", "active"),
      migration("b", "b2", "pending"),
      migration("c2", "c", "rolled_back"),
      migration("d2", "d", "finalized"),
      // A later rename has the name.
      migration("d3", "d", "rolled_back"),
    );
    const names = async (...args: string[]) => {
      const { stdout, stderr } = await answered(project, ["find-uses", path, "--json", ...args]);
      assertEquals(stderr, "");
      return JSON.parse(stdout).uses.map(({ text }: { text: string }) => text);
    };
    assertEquals(await names(), ["a"]);
    assertEquals(await names("--proposed"), ["b"]);
    assertEquals(await names("--to-old"), ["c"]);
    assertEquals(await names("--table", "a2"), ["a"]);
    assertEquals((await answered(project, ["find-uses", path, "--table", "x"])).code, 2);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** Uses in the application that a person has to change. */
const LEFT = [
  "scripts/import.py:5 experts",
  "scripts/import.py:6 experts",
  "src/queries/experts.ts:71 experts",
  "src/queries/experts.ts:71 bookings",
  "supabase/tests/bookings.test.sql:3 bookings",
  "supabase/tests/bookings.test.sql:4 experts",
];

Deno.test("an application compiles with the new names, but for what was listed as possible", async () => {
  const source = join(ROOT_FOLDER, "tests/corpus/application");
  await withTypeScriptProject(async (dir) => {
    const { code } = await run("cp", ["-r", `${source}/.`, dir], { env: {} });
    assertEquals(code, 0);
    const config = join(dir, "tsconfig.json");
    const written = await Deno.readTextFile(config);
    await Deno.writeTextFile(config, written.replace('"types":[]', '"types":["node"]'));
    const types = join(dir, "src/lib/database.types.ts");
    const renamed = await Deno.readTextFile(join(dir, "renamed.database.types.ts"));
    await Deno.remove(join(dir, "renamed.database.types.ts"));
    const before = await run("cp", ["-r", dir, `${dir}-before`], { env: {} });
    assertEquals(before.code, 0);
    try {
      const find = (...args: string[]) =>
        runMain(["find-uses", dir, "--from-file", join(dir, "renames.json"), "--json", ...args]);
      const { stdout } = await find("--write");
      const answer = JSON.parse(stdout);
      assert(answer.certain > 90, stdout);
      const left = answer.uses.filter(({ changed }: { changed: boolean }) => !changed);
      assertEquals(
        left.map(({ file, line, text }: { file: string; line: number; text: string }) =>
          `${
            file.slice(file.lastIndexOf(dir.split("/").at(-1)!) + dir.split("/").at(-1)!.length + 1)
          }:${line} ${text}`
        ).sort(),
        LEFT.toSorted(),
      );
      await Deno.writeTextFile(types, renamed);
      const errors = await typeErrors("typescript", dir);
      assertEquals(errors.map(({ file, line }) => `${file}:${line}`), [
        "src/queries/experts.ts:72",
      ]);
      // And back, with no difference but the types.
      await find("--write", "--to-old");
      await Deno.copyFile(join(`${dir}-before`, "src/lib/database.types.ts"), types);
      const same = await run("diff", ["-r", "--exclude=node_modules", dir, `${dir}-before`], {
        env: {},
      });
      assertEquals(same.stdout, "");
    } finally {
      await Deno.remove(`${dir}-before`, { recursive: true });
    }
  });
});

Deno.test("a constant is followed into other files, by the paths of tsconfig.json, but not out of the given folders", async () => {
  const files = {
    "tsconfig.json": `{
      // As create-next-app writes it.
      "compilerOptions": { "paths": { "@/*": ["./src/*"], }, },
    }`,
    "src/lib/tables.ts": `export const TABLE = "old";\n`,
    "src/app/page.tsx":
      `import { db } from "@/lib/db";\nimport { TABLE } from "@/lib/tables";\nawait db.from(TABLE).select();\n`,
    "src/lib/db.ts": "export const db = create();\n",
  };
  await withProject(files, async ({ find, read }) => {
    const alone = await find("src/lib", "--write");
    assertEquals(alone.code, 0, alone.stderr);
    assertEquals(await read("src/lib/tables.ts"), files["src/lib/tables.ts"]);
    const all = await find("src", "--write");
    assertEquals(all.code, 0, all.stderr);
    assertEquals(await read("src/lib/tables.ts"), `export const TABLE = "new";\n`);
    assertEquals(await read("src/app/page.tsx"), files["src/app/page.tsx"]);
  });
});

Deno.test("--report sends how many uses are left of each name, and nothing of the source", async () => {
  await withProject({
    "src/a.ts": `${CALL}await db.from("old").select();\n`,
    "src/b.py": `x("old")`,
  }, async ({ dir }) => {
    const sent: unknown[] = [];
    const migrations = ["old", "unused"].map((old_name) => (
      { schema_name: "public", old_name, new_name: `new_${old_name}` }
    ));
    const find = async (...args: string[]) => {
      let ended!: Ended;
      await withEndpoints(async (request) => {
        if (request.method === "GET") return Response.json({ migrations, next_cursor: null });
        const body = await request.json();
        sent.push([new URL(request.url).pathname.split("/").at(-1), body]);
        return Response.json({ uses: [] });
      }, async (url) => {
        ended = await runMain(["find-uses", "--report", ...args], {
          ...{ SUPABASE_URL: url, SUPABASE_SECRET_KEY: "sb_secret_x", INIT_CWD: dir },
          npm_lifecycle_event: "cli",
        });
      });
      return ended;
    };
    const counts = (certain: number, possible: number) => [
      { schema: "public", old_name: "old", certain, possible },
      { schema: "public", old_name: "unused", certain: 0, possible: 0 },
    ];
    const repository = dir.split("/").at(-1)!;
    const { code, stderr } = await find();
    assertEquals(code, 0);
    assertMatch(stderr, /Reported what is left of 2 old names in find-uses-/);
    await find("--write", "--repository", "web");
    assertEquals(sent, [
      ["report-uses", { uses: counts(2, 1), repository }],
      ["report-uses", { uses: counts(0, 1), repository: "web" }],
    ]);
    assertEquals((await find("--certain")).code, 2);
    assertEquals(sent.length, 2);
  });
});

Deno.test("without a rename there is nothing to find, and the message says where else to look", async () => {
  const { code, stdout } = await answered(
    () => Response.json({ migrations: [], next_cursor: null }),
    ["find-uses", "tests/golden"],
  );
  assertEquals(code, 0);
  assertMatch(stdout, /there is no active rename/);
  assertMatch(stdout, /find-uses --proposed\n.*find-uses --from-file/);
});

Deno.test("after --write what is left is listed, and what was changed is counted", async () => {
  const files = { "src/a.ts": CALL, "src/b.py": `x("old")` };
  await withProject(files, async ({ find }) => {
    const { stdout } = await find("--write");
    assertMatch(stdout, /^✓ 1 use changed in 1 file, 1 is left/);
    assertMatch(stdout, /src\/b\.py/);
    assert(!stdout.includes("src/a.ts"), stdout);
    assertMatch(stdout, /generate-types/);
  });
});

Deno.test("without a path the source folders of the project file are read, and named", async () => {
  const files = { "app/a.ts": CALL, "lib/b.ts": CALL, "table-rename.json": `{"source": ["app"]}` };
  await withProject(files, async ({ find }) => {
    const found = await find("--json");
    assertEquals(filesIn(found), ["app/a.ts"]);
    assertMatch(found.stderr, /Reads app, as table-rename\.json says/);
    assertEquals(filesIn(await find("--json", ".")), ["app/a.ts", "lib/b.ts"]);
  });
});
