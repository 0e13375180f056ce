import { COMMANDS } from "../../shared/cli/commands.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { readFlowchart } from "../support/documents/markdown.ts";
import {
  deadLinks,
  type Document,
  missingPaths,
  readDocument,
  readDocuments,
  testNames,
} from "../support/documents/documents.ts";
import { ROOT_FOLDER } from "../support/documents/module_graph.ts";

/** Written by programs. */
const GENERATED = ["shared/contract/README.md", "tests/bench/results/README.md"];

/** Characters of a table's row that a page shows without breaking every cell. */
const MAX_ROW = 120;

const documents = await readDocuments();
const written = documents.filter(({ path }) => !GENERATED.includes(path));

const documentOf = (path: string): Document => documents.find((one) => one.path === path)!;
const readJson = async (path: string) =>
  JSON.parse(await Deno.readTextFile(join(ROOT_FOLDER, path)));

/** What each document has of something, where it has any. */
async function each<T>(of: Document[], find: (document: Document) => T[] | Promise<T[]>) {
  const found = await Promise.all(of.map(async (one) => [one.path, await find(one)] as const));
  return Object.fromEntries(found.filter(([, list]) => list.length > 0));
}

Deno.test("every link in the documents leads somewhere", async () => {
  assertEquals(await each(documents, (one) => deadLinks(one, documents)), {});
});

Deno.test("every path that a document names exists", async () => {
  const tests = await testNames();
  assertEquals(await each(documents, (one) => missingPaths(one, tests)), {});
});

Deno.test("a page shows the rows of every table, and READMEs are read in one go", async () => {
  assertEquals(await each(written, ({ rows }) => rows.filter((row) => row.length > MAX_ROW)), {});
  for (const path of ["README.md", "shared/README.md"]) {
    const { lines } = documentOf(path);
    assertEquals(lines <= 250, true, `${path} has ${lines} lines`);
  }
});

/** All text in a folder and in those below it. */
async function textIn(folder: string): Promise<string> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const texts = await Promise.all(
    entries.map(({ name, isDirectory }) =>
      isDirectory ? textIn(join(folder, name)) : Deno.readTextFile(join(folder, name))
    ),
  );
  return texts.join("\n");
}

/** Options of other programs. */
const OPTIONS_OF_OTHERS = ["--include-all"];

Deno.test("npm scripts and options that are named exist", async () => {
  const { scripts } = await readJson("package.json");
  /** The source of the program that a script runs; that of the commands is in several files. */
  const sourceOf = async (script: string): Promise<string> => {
    const file = /deno run -A (\S+)/.exec(scripts[script] ?? "")?.[1];
    if (file === undefined) return "";
    if (!file.startsWith("shared/cli/")) return await Deno.readTextFile(join(ROOT_FOLDER, file));
    return await textIn(join(ROOT_FOLDER, "shared/cli"));
  };
  const sources = new Map(
    await Promise.all(
      Object.keys(scripts).map(async (script) => [script, await sourceOf(script)] as const),
    ),
  );
  const unknownIn = (text: string): string[] =>
    [...text.matchAll(/\bnpm (?:run (?:--silent )?)?([\w:]+)([^\n#]*)/g)].flatMap(
      ([command, script, rest]) => {
        if (script === "install" || script === "ci") return [];
        const options = [...rest.matchAll(/ --([\w-]+)/g)].map(([, option]) => option);
        const source = sources.get(script);
        return source !== undefined && options.every((option) => source.includes(option))
          ? []
          : [command];
      },
    );
  const all = [...sources.values()].join();
  const commands = [...COMMANDS.map(({ name }) => name), "help"];
  const unknownCommands = (text: string): string[] =>
    [...text.matchAll(/\bnpx table-rename ([\w-]+)([^\n#]*)/g)].flatMap(([call, name, rest]) => {
      const options = [...rest.matchAll(/ --([\w-]+)/g)].map(([, option]) => option);
      const known = commands.includes(name) && options.every((option) => all.includes(option));
      return known ? [] : [call];
    });
  const unknown = await each(documents, ({ code, blocks }) => [
    ...[...code, ...blocks.map(({ text }) => text)]
      .flatMap((text) => [...unknownIn(text), ...unknownCommands(text)]),
    ...code.flatMap((text) => /^--[\w-]+/.exec(text)?.[0] ?? [])
      .filter((option) => !all.includes(option) && !OPTIONS_OF_OTHERS.includes(option)),
  ]);
  assertEquals(unknown, {});
  assertEquals(unknownIn("npm run soke"), ["npm run soke"]);
  assertEquals(unknownCommands("npx table-rename rename a b"), ["npx table-rename rename a b"]);
  assertEquals(unknownCommands("npx table-rename init --soke"), ["npx table-rename init --soke"]);
  assertEquals(unknownIn("npm run attack -- --quick"), ["npm run attack -- --quick"]);
});

Deno.test("every guide is in the README's list", () => {
  const guides = documents.map(({ path }) => path).filter((path) => path.includes("/guides/"));
  assertEquals(guides.filter((path) => !documentOf("README.md").links.includes(path)), []);
});

Deno.test("the page on the code has every room, every dependency, and a diagram that is drawn", async () => {
  const page = documentOf("shared/README.md");
  const rooms = (await Array.fromAsync(Deno.readDir(join(ROOT_FOLDER, "shared"))))
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => `${name}/`);
  const inTables = (text: string) => page.rows.some((row) => row.startsWith(text));
  assertEquals(rooms.filter((room) => !inTables(room)), []);

  const { dependencies, devDependencies } = await readJson("package.json");
  const { imports } = await readJson("functions/deno.json");
  const packages = [
    ...Object.keys({ ...dependencies, ...devDependencies }),
    ...Object.values<string>(imports).map((npm) => npm.replace(/^npm:(.+)@[^@/]+(\/.*)?$/, "$1")),
  ];
  assertEquals([...new Set(packages)].filter((name) => !page.code.includes(name)), []);

  const diagrams = page.blocks.filter(({ language }) => language === "mermaid");
  for (const { text } of diagrams) await readFlowchart(text);
  assertEquals(diagrams.length, 1);
});

Deno.test("what is wrong in a document is found", async () => {
  const document = readDocument(
    "shared/x.md",
    `# A head, \`code\`

[a](README.md#the-code) [b](gone.md) [c](#a-head-code) [d](#other) [e](https://example.com)
\`sql/quoting.ts\` \`shared/gone.ts\` \`gone_test.ts\` \`and/or\` \`text/plain\`

Run it (needs Docker; not run by the tests):

\`\`\`sh
docker
\`\`\`

\`\`\`sh
run
\`\`\`

- one

  \`\`\`sh
  nested
  \`\`\`

Text:

    indented

| a | **b** |
| - | - |
| ${"x".repeat(100)} | [y](z.md) |
`,
  );
  const readme = readDocument("shared/README.md", "# The code");
  assertEquals(await deadLinks(document, [document, readme]), ["gone.md", "#other", "z.md"]);
  assertEquals(await missingPaths(document, []), ["shared/gone.ts", "gone_test.ts", "and/or"]);
  assertEquals(
    document.blocks.map(({ place, language, notRun }) => [place, language, notRun]),
    [
      ["shared/x.md:9", "sh", "needs Docker"],
      ["shared/x.md:13", "sh", undefined],
      ["shared/x.md:16", "", undefined],
      ["shared/x.md:24", "", undefined],
    ],
  );
  assertEquals(document.rows.map((row) => row.length), [5, 104]);
  assertStringIncludes(document.rows[0], "a | b");
});
