import { assert, assertEquals, assertGreater } from "@std/assert";
import { dirname, join } from "node:path";
import {
  type Import,
  layerOf,
  moduleGraph,
  reachableFrom,
  ROOT_FOLDER,
} from "../support/documents/module_graph.ts";

/** No I/O: facts in, statements and findings out. */
const PURE = ["plan", "findings", "dependents", "drift", "usage", "facts", "sql", "contract"];

/** Which layers the modules of a layer may import beside their own (DESIGN, section 3). */
const MAY_IMPORT: Record<string, string[]> = {
  functions: ["http", "operations", "report", "contract"],
  http: ["notifications", "tracking", "postgres", "report", "contract"],
  // Sends what the outbox holds; what is to be sent is written by the operations.
  notifications: ["tracking", "postgres", "contract"],
  operations: ["verify", "tracking", "postgres", "catalog", "aliases", ...PURE],
  aliases: ["contract"],
  verify: ["postgres", "catalog", ...PURE],
  tracking: PURE,
  postgres: PURE,
  catalog: PURE,
  plan: PURE,
  findings: PURE,
  dependents: PURE,
  drift: PURE,
  usage: PURE,
  // What the catalog says, as types.
  facts: ["sql", "contract"],
  sql: ["contract"],
  // Answers as text, for the endpoints and the commands alike.
  report: ["contract"],
  contract: [],
  client: ["contract"],
  // Names of tables in people's code.
  source: ["sql"],
  cli: ["client", "report", "source", "console", "local", "sql", "contract"],
  // Runs the functions as they are: the gateway loads them by the name of their file.
  local: ["client", "catalog", ...PURE],
  // The page and its server, which calls the endpoints as any client does.
  console: ["client", "report", "local", "contract"],
  // What `npm start` shows.
  demo: ["local", "cli", "client", "report", "catalog", ...PURE],
  // Builds what npm packs.
  package: ["cli", "console", "local"],
};

/** Which packages a layer may import; what is not listed may import any. */
const MAY_USE: Record<string, string[]> = {
  functions: [],
  http: ["@supabase/server/core", "@supabase/supabase-js", "standardwebhooks"],
  notifications: ["standardwebhooks"],
  operations: [],
  aliases: [],
  // The Data API is asked as an application asks it.
  verify: ["@supabase/supabase-js"],
  tracking: [],
  // The platform's runtime has these; postgres.js needs them.
  postgres: ["postgres", "node:net", "node:tls", "node:stream"],
  catalog: [],
  plan: [],
  findings: [],
  dependents: [],
  drift: [],
  usage: [],
  facts: [],
  sql: [],
  report: [],
  source: ["@babel/parser", "@babel/traverse"],
  contract: ["zod"],
  client: ["@supabase/functions-js", "eventsource-parser/stream"],
};

const NEVER_DEPLOYED = ["cli", "console", "local", "demo", "client", "package", "tests"];

/** The imports that break the rules, to be read. */
function violations(graph: Import[]): string[] {
  return graph.filter(({ from, specifier, to }) => {
    const layer = layerOf(from);
    if (to === null) return !(MAY_USE[layer]?.includes(specifier) ?? layer in MAY_IMPORT);
    return layerOf(to) !== layer && !MAY_IMPORT[layer]?.includes(layerOf(to));
  }).map(({ from, specifier }) => `${from} imports ${specifier}`);
}

/** The modules that reach each other, group by group. */
function circles(graph: Import[]): string[][] {
  const modules = [...new Set(graph.map(({ from }) => from))];
  const reached = new Map(modules.map((module) => [module, reachedBy(module, graph)]));
  const groups = modules
    .filter((module) => reached.get(module)!.has(module))
    .map((module) => [...reached.get(module)!].filter((other) => reached.get(other)?.has(module)));
  return [...new Map(groups.map((group) => [group.sort().join(), group])).values()];
}

/** The modules that `start` imports, directly or by way of others. */
function reachedBy(start: string, graph: Import[]): Set<string> {
  const importsOf = (module: string) =>
    graph.flatMap(({ from, to }) => from === module && to !== null ? [to] : []);
  const seen = new Set(importsOf(start));
  for (const module of seen) for (const to of importsOf(module)) seen.add(to);
  return seen;
}

/** The modules that are deployed as functions. */
function entriesOf(graph: Import[]): string[] {
  const modules = new Set(graph.map(({ from }) => from));
  return [...modules].filter((module) => /^functions\/[^/]+\/index\.ts$/.test(module));
}

/** Modules that a deployed function reaches and must not. */
function undeployable(graph: Import[]): string[] {
  return entriesOf(graph).flatMap((entry) =>
    [...reachableFrom(entry, graph)]
      .filter((module) => NEVER_DEPLOYED.includes(layerOf(module)))
      .map((module) => `${entry} reaches ${module}`)
  );
}

const graph = await moduleGraph(["functions", "shared"]);

Deno.test("imports run one way: functions, then http and operations, then what they stand on, then plan, then contract", () => {
  assertGreater(graph.length, 100);
  assertEquals(violations(graph), []);
});

Deno.test("no module imports itself by way of others, types included", () => {
  assertEquals(circles(graph), []);
  const edge = (from: string, to: string) => ({ from, specifier: to, to });
  assertEquals(circles([edge("a", "b"), edge("b", "c"), edge("c", "b"), edge("c", "d")]), [
    ["b", "c"],
  ]);
});

Deno.test("every folder of shared/ has its place among the layers", () => {
  const layers = new Set(graph.map(({ from }) => layerOf(from)));
  assertEquals([...layers].filter((layer) => !(layer in MAY_IMPORT)), []);
});

Deno.test("no folder has more than 18 modules beside its folders: a larger one is split by subject", () => {
  const modules = new Set(graph.map(({ from }) => from));
  const folders = Map.groupBy(modules, (module) => dirname(module));
  const large = [...folders].filter(([, inside]) => inside.length > 18).map(([name]) => name);
  assertEquals(large, []);
});

Deno.test("what a module exports is used by another one; the client exports what others import by the package", async () => {
  const folders = [
    "unit",
    "integration",
    "support",
    "browser",
    "acceptance",
    "types",
    "attack",
    "bench",
    "load",
  ];
  const inTests = (await moduleGraph(folders.map((name) => `tests/${name}`))).map(({ from }) =>
    from
  );
  const paths = [...new Set([...graph.map(({ from }) => from), ...inTests, "tests/run.ts"])];
  const sources = await Promise.all(
    paths.map((path) => Deno.readTextFile(join(ROOT_FOLDER, path))),
  );
  const words = sources.map((source) => new Set(source.match(/\w+/g)));
  const exported = /^export (?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;
  const unused = paths.flatMap((path, index) =>
    !path.startsWith("shared/") || path.startsWith("shared/client/")
      ? []
      : [...sources[index].matchAll(exported)].map(([, name]) => name)
        .filter((name) => !words.some((used, other) => other !== index && used.has(name)))
        .map((name) => `${name} of ${path}`)
  );
  assertEquals(unused, []);
});

Deno.test("no deployed function reaches the command line, the local stack, the client or the tests", () => {
  assertEquals(undeployable(graph), []);
  const reached = reachableFrom("functions/rename/index.ts", graph);
  assert(reached.has("shared/sql/quoting.ts"), "the graph is not walked to its end");
});

Deno.test("deployed code imports nothing by a name that is made at run time", async () => {
  const deployed = new Set(entriesOf(graph).flatMap((entry) => [...reachableFrom(entry, graph)]));
  for (const module of deployed) {
    const source = await Deno.readTextFile(join(ROOT_FOLDER, module));
    assertEquals(
      source.match(/\bimport\s*\((?!\s*")|\brequire\s*\(|\bcreateRequire\b/g),
      null,
      module,
    );
  }
});

Deno.test("deployed code has the answers' schemas as types only: a function makes answers and does not parse them", async () => {
  const deployed = new Set(entriesOf(graph).flatMap((entry) => [...reachableFrom(entry, graph)]));
  const loading = /^import (?!type )[^;]*contract\/(?:responses|migration|notifications)\.ts"/m;
  const loads: string[] = [];
  for (const module of deployed) {
    if (loading.test(await Deno.readTextFile(join(ROOT_FOLDER, module)))) loads.push(module);
  }
  assertEquals(loads, []);
});

Deno.test("an import against the arrows is found, be it of a type, dynamic or an export", async () => {
  const root = await Deno.makeTempDir();
  try {
    const write = async (path: string, source: string) => {
      await Deno.mkdir(join(root, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(root, path), source);
    };
    await write("shared/cli/main.ts", "export type T = 1; export const x = 1;");
    await write(
      "shared/contract/a.ts",
      'import type { T } from "../plan/b.ts"; export type U = T;',
    );
    await write("shared/plan/b.ts", 'export * from "../postgres/c.ts"; export type T = 1;');
    await write("shared/postgres/c.ts", 'export const c = () => import("../cli/main.ts");');
    await write("shared/http/d.ts", 'export type X = import("../catalog/e.ts").E;');
    await write("shared/catalog/e.ts", 'import "node:fs"; export type E = 1;');
    await write("functions/f/index.ts", 'import "../../shared/contract/a.ts";');
    const broken = await moduleGraph(["functions", "shared"], `${root}/`);
    assertEquals(violations(broken).sort(), [
      "shared/catalog/e.ts imports node:fs",
      "shared/contract/a.ts imports ../plan/b.ts",
      "shared/http/d.ts imports ../catalog/e.ts",
      "shared/plan/b.ts imports ../postgres/c.ts",
      "shared/postgres/c.ts imports ../cli/main.ts",
    ]);
    assertEquals(undeployable(broken), ["functions/f/index.ts reaches shared/cli/main.ts"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
