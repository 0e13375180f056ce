/** The project's functions, read from supabase/config.toml as the deployment does. */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { IS_BUILT, PACKAGE_ROOT } from "../package_root.ts";

export interface FunctionEntry {
  name: string;
  /** The module whose default export has a `fetch`. */
  entrypoint: URL;
}

/**
 * The functions that supabase/config.toml declares, in the folder `root` (a URL that ends in a slash). Others are not
 * deployed either.
 *
 * @throws {Error} there is no supabase/config.toml
 */
export async function listFunctions(root: URL): Promise<FunctionEntry[]> {
  const config = new URL("supabase/config.toml", root);
  return readFunctions(await readFile(config, "utf8")).map(({ name, entrypoint }) => ({
    name,
    entrypoint: new URL(entrypoint, config),
  }));
}

/** The functions of this package: their sources or, installed, what is built from them. */
export async function ourFunctions(): Promise<FunctionEntry[]> {
  const root = pathToFileURL(`${PACKAGE_ROOT}/`);
  const functions = await listFunctions(root);
  if (!IS_BUILT) return functions;
  return functions.map(({ name }) => ({
    name,
    entrypoint: new URL(`dist/functions/${name}.js`, root),
  }));
}

/**
 * The `[functions.NAME]` sections of a config.toml, with their entry points relative to it, except those with
 * `enabled = false`. Of TOML it understands what `supabase init` writes: section headers and `key = value` lines.
 */
export function readFunctions(toml: string): { name: string; entrypoint: string }[] {
  const found = new Map<string, { entrypoint: string; enabled: boolean }>();
  let current: { entrypoint: string; enabled: boolean } | undefined;
  for (const line of toml.split(/\r?\n/)) {
    const header = /^\s*\[(.+?)\]\s*(#.*)?$/.exec(line)?.[1];
    if (header !== undefined) {
      const name = /^functions\.("?)([\w-]+)\1$/.exec(header.trim())?.[2];
      current = name ? { entrypoint: `functions/${name}/index.ts`, enabled: true } : undefined;
      if (name) found.set(name, current!);
    } else if (current) {
      const entrypoint = /^\s*entrypoint\s*=\s*(["'])(.*?)\1/.exec(line)?.[2];
      if (entrypoint !== undefined) current.entrypoint = entrypoint;
      if (/^\s*enabled\s*=\s*false\b/.test(line)) current.enabled = false;
    }
  }
  return [...found].filter(([, { enabled }]) => enabled)
    .map(([name, { entrypoint }]) => ({ name, entrypoint }));
}
