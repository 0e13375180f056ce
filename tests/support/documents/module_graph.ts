/** The module graph of our own code, as Deno itself reads it: type imports and dynamic ones included. */
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT_FOLDER = fileURLToPath(new URL("../../../", import.meta.url));

/** One import that a module of ours writes down. */
export interface Import {
  /** The importing module, as a path from the root with slashes. */
  from: string;
  /** As it is written. */
  specifier: string;
  /** The imported module of ours as a path from the root; null where it is a package. */
  to: string | null;
}

/**
 * Every import in the modules below `folders` (from the root), and in what they lead to.
 *
 * @throws {Error} a module does not parse, or imports something that is not there.
 */
export async function moduleGraph(folders: string[], root = ROOT_FOLDER): Promise<Import[]> {
  const modules = (await Promise.all(folders.map((folder) => modulesBelow(join(root, folder)))))
    .flat();
  // One graph for all: a module that imports each of them.
  const entry = modules.map((path) => `import ${JSON.stringify(pathToFileURL(path).href)};\n`).join(
    "",
  );
  const info = await denoInfo(`data:application/typescript,${encodeURIComponent(entry)}`);
  const found: Import[] = [];
  for (const { specifier: module, dependencies = [], error } of info.modules) {
    if (error) throw new Error(error);
    if (!isOurs(module, root)) continue;
    for (const { specifier, code, type } of dependencies) {
      const failed = code?.error ?? type?.error;
      if (failed) throw new Error(`${module}: ${failed}`);
      const target = code?.specifier ?? type?.specifier ?? specifier;
      const to = isOurs(target, root) ? pathOf(target, root) : null;
      found.push({ from: pathOf(module, root), specifier, to });
    }
  }
  return found;
}

/** Modules that can be reached from `start`, itself included. */
export function reachableFrom(start: string, graph: Import[]): Set<string> {
  const seen = new Set([start]);
  for (const module of seen) {
    for (const { from, to } of graph) if (from === module && to !== null) seen.add(to);
  }
  return seen;
}

/** The bare specifiers of packages in `graph`, each once, sorted. */
export function packageSpecifiers(graph: Import[]): string[] {
  const bare = graph.filter(({ to }) => to === null).map(({ specifier }) => specifier);
  return [...new Set(bare)].sort();
}

/** The modules below a folder, as absolute paths. */
export async function modulesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) found.push(...await modulesBelow(path));
    else if (/\.(ts|mts|tsx|js|mjs)$/.test(entry.name)) found.push(path);
  }
  return found.sort();
}

interface Resolution {
  specifier?: string;
  error?: string;
}

interface DenoInfo {
  modules: {
    specifier: string;
    error?: string;
    dependencies?: { specifier: string; code?: Resolution; type?: Resolution }[];
  }[];
}

async function denoInfo(entry: string): Promise<DenoInfo> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", entry],
    cwd: ROOT_FOLDER,
    env: { NO_COLOR: "1" },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`deno info failed: ${decode(stderr)}`);
  return JSON.parse(decode(stdout));
}

const isOurs = (specifier: string, root: string) =>
  specifier.startsWith(pathToFileURL(root).href) && !specifier.includes("/node_modules/");

const pathOf = (specifier: string, root: string) =>
  relative(root, fileURLToPath(specifier)).replaceAll("\\", "/");

/** The folder under shared/, or the first folder elsewhere: `plan` of `shared/plan/rename.ts`. */
export function layerOf(path: string): string {
  const parts = dirname(path).split("/");
  return parts[0] === "shared" ? parts[1] ?? "shared" : parts[0];
}
