import { assert, assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import {
  type Import,
  layerOf,
  moduleGraph,
  reachableFrom,
  ROOT_FOLDER,
} from "../support/module_graph.ts";

/** Which layers the modules of a layer may import beside their own (DESIGN, section 3). */
const MAY_IMPORT: Record<string, string[]> = {
  functions: ["http", "operations", "markdown", "contract"],
  http: ["notifications", "tracking", "execute", "markdown", "contract"],
  // Sends what the outbox holds; what is to be sent is written by the operations.
  notifications: ["tracking", "execute", "contract"],
  operations: [
    ...["tracking", "execute", "catalog", "aliases", "data_api", "proof", "plan", "contract"],
  ],
  aliases: ["contract"],
  tracking: ["plan", "contract"],
  execute: ["plan", "contract"],
  // The kinds of facts that verify needs are described where they are used.
  catalog: ["proof", "plan", "contract"],
  // What verify tries, as SQL texts, and what it makes of the outcomes: pure, as plans are.
  proof: ["plan", "markdown", "contract"],
  // Another service than the database, asked by verify alone.
  data_api: [],
  plan: ["contract"],
  // Answers as Markdown, for the endpoints and the commands alike: pure.
  markdown: ["contract"],
  contract: [],
  client: ["contract"],
  cli: ["client", "markdown", "contract"],
  // Runs the functions as they are: the gateway loads them by the name of their file.
  local: ["client", "cli", "catalog", "plan", "contract"],
};

/** Which packages a layer may import; what is not listed may import any. */
const MAY_USE: Record<string, string[]> = {
  functions: [],
  http: ["@supabase/server/core", "@supabase/supabase-js", "standardwebhooks"],
  notifications: ["standardwebhooks"],
  operations: [],
  tracking: [],
  aliases: [],
  // The platform's runtime has these; postgres.js stands on them.
  execute: ["postgres", "node:net", "node:tls", "node:stream"],
  catalog: [],
  proof: [],
  data_api: ["@supabase/supabase-js"],
  plan: [],
  markdown: [],
  contract: ["zod"],
  client: ["@supabase/functions-js", "eventsource-parser/stream"],
};

const NEVER_DEPLOYED = ["cli", "local", "client", "tests"];

/** The imports that break the rules, to be read. */
function violations(graph: Import[]): string[] {
  return graph.filter(({ from, specifier, to }) => {
    const layer = layerOf(from);
    if (to === null) return !(MAY_USE[layer]?.includes(specifier) ?? layer in MAY_IMPORT);
    return layerOf(to) !== layer && !MAY_IMPORT[layer]?.includes(layerOf(to));
  }).map(({ from, specifier }) => `${from} imports ${specifier}`);
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

Deno.test("every folder of shared/ has its place among the layers", () => {
  const layers = new Set(graph.map(({ from }) => layerOf(from)));
  assertEquals([...layers].filter((layer) => !(layer in MAY_IMPORT)), []);
});

Deno.test("no deployed function reaches the command line, the local stack, the client or the tests", () => {
  assertEquals(undeployable(graph), []);
  const reached = reachableFrom("functions/rename/index.ts", graph);
  assert(reached.has("shared/plan/quoting.ts"), "the graph is not walked to its end");
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
    await write("shared/plan/b.ts", 'export * from "../execute/c.ts"; export type T = 1;');
    await write("shared/execute/c.ts", 'export const c = () => import("../cli/main.ts");');
    await write("shared/http/d.ts", 'export type X = import("../catalog/e.ts").E;');
    await write("shared/catalog/e.ts", 'import "node:fs"; export type E = 1;');
    await write("functions/f/index.ts", 'import "../../shared/contract/a.ts";');
    const broken = await moduleGraph(["functions", "shared"], `${root}/`);
    assertEquals(violations(broken).sort(), [
      "shared/catalog/e.ts imports node:fs",
      "shared/contract/a.ts imports ../plan/b.ts",
      "shared/execute/c.ts imports ../cli/main.ts",
      "shared/http/d.ts imports ../catalog/e.ts",
      "shared/plan/b.ts imports ../execute/c.ts",
    ]);
    assertEquals(undeployable(broken), ["functions/f/index.ts reaches shared/cli/main.ts"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
