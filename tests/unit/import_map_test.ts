import { assert, assertEquals, assertFalse } from "@std/assert";
import { moduleGraph, packageSpecifiers } from "../support/documents/module_graph.ts";

const ROOT = new URL("../../", import.meta.url);
const readJson = async (path: string) => JSON.parse(await Deno.readTextFile(new URL(path, ROOT)));

/** `npm:@scope/name@version/path` in its parts. */
function npmSpecifier(specifier: string) {
  const match = /^npm:((?:@[^/@]+\/)?[^/@]+)@([^/]+)(\/.*)?$/.exec(specifier);
  assert(match, `not npm:name@version: ${specifier}`);
  return { name: match[1], version: match[2] };
}

/** The sections `[functions.NAME]` with their settings as they are written. */
async function declaredFunctions(): Promise<Map<string, Record<string, string>>> {
  const declared = new Map<string, Record<string, string>>();
  let settings: Record<string, string> | undefined;
  for (const line of (await Deno.readTextFile(new URL("supabase/config.toml", ROOT))).split("\n")) {
    const section = /^\[(.*)\]\s*$/.exec(line)?.[1];
    if (section !== undefined) {
      const name = /^functions\.([\w-]+)$/.exec(section)?.[1];
      settings = name === undefined ? undefined : {};
      if (settings) {
        assertFalse(declared.has(name!), `[${section}] twice`);
        declared.set(name!, settings);
      }
      continue;
    }
    const [, key, value] = /^(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (settings && key) settings[key] = value;
  }
  return declared;
}

Deno.test("the import map names exactly the packages that deployed code imports", async () => {
  const { imports } = await readJson("functions/deno.json");
  const graph = await moduleGraph(["functions"]);
  const used = packageSpecifiers(graph).filter((specifier) => !specifier.startsWith("node:"));
  assert(used.length > 0);
  assertEquals(Object.keys(imports).sort(), used);
});

Deno.test("the import map holds imports and nothing else, which the hosted runtime would trip over", async () => {
  assertEquals(Object.keys(await readJson("functions/deno.json")), ["imports"]);
});

Deno.test("deployed code runs the package versions that are installed and tested here", async () => {
  const { imports } = await readJson("functions/deno.json");
  const { dependencies } = await readJson("package.json");
  for (const [bare, target] of Object.entries<string>(imports)) {
    const { name, version } = npmSpecifier(target);
    assert(bare === name || bare.startsWith(`${name}/`), `${bare} is mapped to ${name}`);
    assertEquals(version, dependencies[name], name);
    assertEquals(version, (await readJson(`node_modules/${name}/package.json`)).version, name);
  }
});

Deno.test("a package that a deployed one needs as its peer is in the import map, so that its version is ours", async () => {
  const { imports } = await readJson("functions/deno.json");
  const mapped = new Set(Object.values<string>(imports).map((to) => npmSpecifier(to).name));
  for (const name of mapped) {
    const { peerDependencies = {}, peerDependenciesMeta = {} } = await readJson(
      `node_modules/${name}/package.json`,
    );
    for (const peer of Object.keys(peerDependencies)) {
      if (!peerDependenciesMeta[peer]?.optional) assert(mapped.has(peer), `${name} needs ${peer}`);
    }
  }
});

Deno.test("every declared function has its folder, and every folder is declared", async () => {
  const folders: string[] = [];
  for await (const entry of Deno.readDir(new URL("functions/", ROOT))) {
    if (entry.isDirectory) folders.push(entry.name);
  }
  assertEquals([...(await declaredFunctions()).keys()].sort(), folders.sort());
});

Deno.test("every function authenticates its callers itself and has the one import map", async () => {
  for (const [name, settings] of await declaredFunctions()) {
    assertEquals(settings, {
      entrypoint: `"../functions/${name}/index.ts"`,
      import_map: '"../functions/deno.json"',
      verify_jwt: "false",
    }, name);
  }
});

Deno.test("every function is a default export with fetch, and a screenful at most", async () => {
  for (const name of (await declaredFunctions()).keys()) {
    const url = new URL(`functions/${name}/index.ts`, ROOT);
    const module = await import(url.href);
    assertEquals(Object.keys(module.default), ["fetch"]);
    assertEquals(typeof module.default.fetch, "function");
    const lines = (await Deno.readTextFile(url)).split("\n").length;
    assert(lines <= 40, `${name}: ${lines} lines`);
  }
});
