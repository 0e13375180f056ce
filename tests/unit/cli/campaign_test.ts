import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { readRenamesFile } from "../../../shared/cli/files/renames_file.ts";
import { UsageError } from "../../../shared/cli/exit_codes.ts";
import { inWaves } from "../../../shared/cli/campaign/waves.ts";
import { byPattern, type Wanted } from "../../../shared/contract/new_names.ts";
import { byList, patternsFrom, requirePossible } from "../../../shared/cli/campaign/wanted.ts";
import type { AnalyzedTable } from "../../../shared/contract/responses.ts";
import { KEY, runMain, withProject } from "../../support/programs/cli.ts";

/** A table, with the names that it had before, the first one first. */
const table = (name: string, { schema = "public", before = [], references = [] }: {
  schema?: string;
  before?: string[];
  references?: string[];
} = {}): AnalyzedTable => ({
  schema,
  table: name,
  kind: "table",
  owner: "postgres",
  migrations: before.map((old_name, index) => ({
    id: `${index}`,
    old_name,
    new_name: before[index + 1] ?? name,
  })).toReversed(),
  estimated_bytes: null,
  estimated_rows: null,
  dependants: {},
  findings: [],
  references: references.map((other) => ({ schema, table: other })),
});

const shown = (wanted: Wanted[]) =>
  wanted.map(({ schema, old_name, new_name, done }) =>
    `${schema}.${old_name} ${new_name}${done ? " done" : ""}`
  );

Deno.test("tables are renamed by the first pattern that matches, those that have the name already are not renamed again", () => {
  const patterns = patternsFrom(["^document_types$", "^document_(.*)$", "^(.)$"], [
    "kinds",
    "doc_$1",
    "x_$1",
  ]);
  const tables = [
    table("document_types"),
    table("document_pages", { schema: "shop" }),
    table("doc_notes", { before: ["document_notes"] }),
    // The pattern is true of the new name, too.
    table("x", { schema: "shop" }),
    table("teams"),
  ];
  assertEquals(shown(byPattern(tables, patterns)), [
    "public.document_types kinds",
    "shop.document_pages doc_pages",
    "public.document_notes doc_notes done",
    "shop.x x_x",
  ]);
  const again = patternsFrom(["^(.*)$"], ["app_$1"]);
  assertEquals(shown(byPattern([table("app_teams", { before: ["teams"] })], again)), [
    "public.teams app_teams done",
  ]);
  assertEquals(byPattern([table("a")], patternsFrom(["a"], ["a"])), []);
});

Deno.test("a list's renames are done where a tracked rename made them, also as a step to a later name", () => {
  const tables = [
    table("experts"),
    table("c", { before: ["a", "b"] }),
    table("people"),
  ];
  const renames = [["experts", "x"], ["a", "b"], ["b", "c"], ["a", "c"], ["persons", "people"]].map(
    ([old_name, new_name]) => ({ schema: "public", old_name, new_name }),
  );
  assertEquals(byList(tables, renames).map(({ done }) => done), [false, true, true, true, false]);
});

Deno.test("all names that clash or cannot be are listed at once", () => {
  const long = "x".repeat(64);
  const tables = ["a_1", "a_2", "b_1", "c_1", "free", "taken", "d"].map((name) => table(name));
  const wanted = byList(
    tables,
    [["a_1", "a"], ["a_2", "a"], ["b_1", "taken"], ["c_1", long], ["d", "b_1"]]
      .map(([old_name, new_name]) => ({ schema: "public", old_name, new_name })),
  );
  const { message } = assertThrows(() => requirePossible(wanted, tables), UsageError);
  assertEquals(message.split("\n").slice(1), [
    "  a_1 → a: a_2 would get the same name",
    "  a_2 → a: a_1 would get the same name",
    "  b_1 → taken: there is a table of that name",
    `  c_1 → ${long}: a name can have at most 63 bytes in UTF-8, this one has 64`,
    "  d → b_1: that is a table which is to be renamed itself; rename it before, on its own",
  ]);
  // The same name in another schema is another name.
  const others = [table("a", { schema: "shop" }), table("a_1")];
  requirePossible(byPattern(others, patternsFrom(["_1$"], [""])), others);
});

const waves = (tables: AnalyzedTable[], most: number) =>
  inWaves(byPattern(tables, patternsFrom(["^"], ["new_"])), tables, most)
    .map((wave) => wave.map(({ old_name }) => old_name).join(" "));

Deno.test("neighbours by foreign key are in one wave, in an order that does not depend on how tables are listed", () => {
  const tables = [
    table("a", { references: ["z"] }),
    table("b"),
    table("c", { references: ["y"] }),
    table("d"),
    table("y"),
    table("z"),
  ];
  assertEquals(waves(tables, 3), ["a z b", "c y d"]);
  assertEquals(waves(tables.toReversed(), 3), waves(tables, 3));
  assertEquals(waves(tables, 2), ["a z", "b", "c y", "d"]);
  assertEquals(waves(tables, 100), ["a z b c y d"]);
});

Deno.test("a group that is larger than a wave is in waves next to each other, and none is too large", () => {
  const names = Array.from({ length: 7 }, (_, index) => `t${index}`);
  const chain = names.map((name, index) =>
    table(name, { references: index > 0 ? [names[index - 1]] : [] })
  );
  assertEquals(waves([...chain, table("u")], 3), ["t0 t1 t2", "t3 t4 t5", "t6 u"]);
});

Deno.test("the waves stay the same while they are done", () => {
  const before = ["a", "b", "c", "d"].map((name, index, names) =>
    table(name, { references: index % 2 ? [names[index - 1]] : [] })
  );
  const half = before.map((one, index) =>
    index > 1 ? one : table(`new_${one.table}`, {
      before: [one.table],
      references: index ? ["new_a"] : [],
    })
  );
  assertEquals(waves(half, 2), waves(before, 2));
});

/** Runs a command against a project with these tables, which renames whatever it is asked to. */
async function againstTables(
  tables: AnalyzedTable[],
  args: string[],
  { refuse, cwd, passed = true }: { refuse?: string; cwd?: string; passed?: boolean } = {},
) {
  const asked: string[] = [];
  const batches: { names: string[]; key: string | null; mode?: string }[] = [];
  let ended!: Awaited<ReturnType<typeof runMain>>;
  await withProject(async (request) => {
    const { pathname, search } = new URL(request.url);
    const endpoint = pathname.split("/").at(-1)!;
    if (endpoint === "analyze") {
      asked.push(search);
      return Response.json({ tables });
    }
    if (endpoint === "list-migrations") {
      return Response.json({ migrations: [], next_cursor: null });
    }
    const { renames, mode } = await request.json();
    const names = renames.map(({ old_name }: { old_name: string }) => old_name);
    batches.push({ names, mode, key: request.headers.get("idempotency-key") });
    if (names.includes(refuse)) {
      return Response.json({ code: "name_taken", title: "Taken", status: 409, detail: "It is." }, {
        status: 409,
        headers: { "content-type": "application/problem+json" },
      });
    }
    const migrations = renames.map((one: object, id: number) => ({ ...one, id, status: "active" }));
    const answer = { batch_id: null, mode: mode ?? "apply", plan_hash: "sha256:0", statements: [] };
    const more = { findings: [], lock: null, verification: { passed, checks: [] } };
    return Response.json({ ...answer, ...more, migrations });
  }, async (url) => {
    ended = await runMain(args, { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY }, { cwd });
  });
  return { ...ended, asked, batches };
}

const FOUR = ["document_a", "document_b", "document_c", "teams"].map((name) => table(name));
const DOCUMENTS = ["rename-table", "--match", "^document_(.*)$", "--to", "doc_$1"];

Deno.test("what matches is shown first, and renamed in one batch", async () => {
  const { code, stderr, batches, asked } = await againstTables(FOUR, DOCUMENTS);
  assertEquals([code, batches.map(({ names }) => names)], [0, [[
    "document_a",
    "document_b",
    "document_c",
  ]]]);
  assertEquals(asked, ["?detail=names&schema=public"]);
  assertStringIncludes(stderr, "To rename  3 tables\n\n  document_a → doc_a\n");
});

Deno.test("waves stop at the first refusal, and the same command is shown to go on", async () => {
  const args = [...DOCUMENTS, "--wave", "1"];
  const { code, stdout, stderr, batches } = await againstTables(FOUR, args, {
    refuse: "document_b",
  });
  assertEquals([code, batches.map(({ names }) => names)], [5, [["document_a"], ["document_b"]]]);
  assertStringIncludes(
    stdout,
    "Stopped  1 of 3 waves are done: 1 of 3 tables have their new names.",
  );
  assertStringIncludes(
    stdout,
    "To go on:\n  npm run cli -- rename-table --match '^document_(.*)$' --to 'doc_$1' --wave 1\n",
  );
  assertStringIncludes(stderr, "name_taken (409)");
  // The tables that are renamed already are left out, and the keys are made of the content.
  const left = [table("doc_a", { before: ["document_a"] }), ...FOUR.slice(1)];
  const again = await againstTables(left, args);
  assertEquals([again.code, again.batches.map(({ names }) => names)], [0, [
    ["document_b"],
    ["document_c"],
  ]]);
  assertStringIncludes(again.stdout, "done before");
  assertStringIncludes(again.stderr, "1 table has its new name already, and is left out.");
  assertEquals(batches.every(({ key }) => /^wave-[0-9a-f]{64}$/.test(key!)), true);
  assertEquals(batches[0].key === batches[1].key, false);
});

Deno.test("waves stop after one whose verification did not pass", async () => {
  const args = [...DOCUMENTS, "--wave", "2"];
  const { code, stdout, batches } = await againstTables(FOUR, args, { passed: false });
  assertEquals([code, batches.length], [8, 1]);
  assertStringIncludes(stdout, "Stopped  1 of 2 waves are done: 2 of 3 tables have");
});

Deno.test("more tables than a batch takes are renamed in waves", async () => {
  const many = Array.from({ length: 1_001 }, (_, index) => table(`document_${index}`));
  const { code, batches } = await againstTables(many, DOCUMENTS);
  assertEquals([code, batches.map(({ names }) => names.length)], [0, [1_000, 1]]);
});

Deno.test("the renames can be kept as a file, which reads the same, in place of being made", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    const odd = [...FOUR, table('document_x "y", z', { schema: "Shop;EU" })];
    for (const file of ["renames.csv", "renames.json"]) {
      const path = `${cwd}/${file}`;
      const { code, stdout, batches } = await againstTables(odd, [...DOCUMENTS, "--write", path]);
      assertEquals([code, batches], [0, []]);
      assertStringIncludes(stdout, `rename-table --from-file ${path}\n`);
      const { renames, faults } = await readRenamesFile(path);
      assertEquals(faults, []);
      assertEquals(renames.map(({ new_name }) => new_name), [
        'doc_x "y", z',
        "doc_a",
        "doc_b",
        "doc_c",
      ]);
      assertEquals(renames[0].schema, "Shop;EU");
      assertEquals((await againstTables(odd, [...DOCUMENTS, "--write", path])).code, 2);
    }
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("what cannot be meant is an error, and nothing is sent", async () => {
  const wrong: [string[], string][] = [
    [
      ["--match", "^nothing$", "--to", "x"],
      "no table matches ^nothing$; 4 tables in public do not",
    ],
    [["--match", "a"], "each --match needs its --to; there are 1 --match and 0 --to"],
    [["--match", "(", "--to", "x"], "--match (: "],
    [["--to", "x"], "--to and --schemas go with --match"],
    [["--match", "a", "--to", "b", "--schema", "x", "--schemas", "y"], "give either --schema or"],
    [["a", "b", "--match", "a", "--to", "b"], "give one of OLD and NEW"],
    [["a", "b", "--wave", "5"], "--wave and --write go with"],
    [[...DOCUMENTS.slice(1), "--wave", "0"], "--wave should be 1 to 1000"],
    [[...DOCUMENTS.slice(1), "--wave", "1", "--migration-file"], "these are 3 waves"],
    [[...DOCUMENTS.slice(1), "--write", "x.txt"], "the name should end in .csv or .json"],
    [["--match", "^document_.*$", "--to", "one"], "3 tables cannot be renamed like this"],
    [["--phase", "x"], "--phase needs a table-rename.json"],
  ];
  for (const [args, message] of wrong) {
    const { code, stderr, batches } = await againstTables(FOUR, ["rename-table", ...args]);
    assertEquals([code, batches], [2, []], stderr);
    assertStringIncludes(stderr, message);
  }
});

Deno.test("a schema with an asterisk in it is a pattern", async () => {
  const { asked } = await againstTables(FOUR, [...DOCUMENTS, "--schemas", "tenant_*,shop"]);
  assertEquals(asked, ["?detail=names&schema=shop", "?detail=names&schemas=tenant_*"]);
});

Deno.test("a phase is a list, a pattern or a file of the project file", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/rest.csv`, "document_c,doc_c\nteams,squads,public\n");
    await Deno.writeTextFile(
      `${cwd}/table-rename.json`,
      JSON.stringify({
        phases: [
          { name: "first", renames: [{ from: "teams", to: "squads" }] },
          { name: "documents", match: "^document_(.*)$", to: "doc_$1" },
          { name: "rest", file: "rest.csv" },
        ],
      }),
    );
    const names = async (phase: string) =>
      (await againstTables(FOUR, ["rename-table", "--phase", phase], { cwd })).batches
        .map(({ names }) => names.join(" "));
    assertEquals(await names("first"), ["teams"]);
    assertEquals(await names("documents"), ["document_a document_b document_c"]);
    assertEquals(await names("rest"), ["document_c teams"]);
    const { code, stderr } = await againstTables(FOUR, ["rename-table", "--phase", "x"], { cwd });
    assertEquals(code, 2);
    assertStringIncludes(stderr, 'there is no phase "x"');
    assertStringIncludes(stderr, '"first", "documents", "rest"');
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("tables with the wanted names are no error", async () => {
  const { code, stdout, batches } = await againstTables(
    [table("doc_a", { before: ["document_a"] })],
    DOCUMENTS,
  );
  assertEquals([code, stdout, batches], [
    0,
    "Nothing to do: the table has its new name already.\n",
    [],
  ]);
});
