/** Which file of an application an import names. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname as folderOf, join as joined } from "node:path";
import { posix } from "node:path";
import type { Resolve } from "../../source/modules/program.ts";
import type { FoundFile } from "./source_files.ts";

const EXTENSIONS = [
  ...[".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"],
  ...[".vue", ".svelte", ".astro"],
];
/** What TypeScript reads where the JavaScript is named that is made of it. */
const OF_JAVASCRIPT: Record<string, string[]> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

/** `"@/*": ["./src/*"]` of compilerOptions, with the path from the caller's folder. */
interface Alias {
  before: string;
  after: string;
  targets: string[];
}

/**
 * Finds the files that relative imports name, those by `paths` and `baseUrl` of the next tsconfig.json or jsconfig.json,
 * and `$lib` of SvelteKit.
 */
export async function importResolver(files: FoundFile[]): Promise<Resolve> {
  const shown = new Set(files.map((file) => file.shown));
  const aliases = await aliasesOf(files);
  const fileAt = (path: string): string | null => {
    const extension = posix.extname(path);
    const stem = path.slice(0, path.length - extension.length);
    const candidates = [
      path,
      ...(OF_JAVASCRIPT[extension] ?? []).map((one) => stem + one),
      ...EXTENSIONS.map((one) => path + one),
      ...EXTENSIONS.map((one) => posix.join(path, `index${one}`)),
    ];
    return candidates.find((one) => shown.has(one)) ?? null;
  };
  return (from, specifier) => {
    const folder = posix.dirname(from);
    if (/^\.{1,2}(?:\/|$)/.test(specifier)) return fileAt(posix.join(folder, specifier));
    for (const { before, after, targets } of aliases.get(folder) ?? []) {
      const fits = specifier.startsWith(before) && specifier.endsWith(after) &&
        specifier.length >= before.length + after.length;
      if (!fits) continue;
      const star = specifier.slice(before.length, specifier.length - after.length);
      const found = targets.map((target) => fileAt(target.replace("*", () => star)))
        .find((one) => one !== null);
      if (found !== undefined) return found!;
    }
    return null;
  };
}

/** The aliases of each folder, by its path from the caller's folder. */
async function aliasesOf(files: FoundFile[]): Promise<Map<string, Alias[]>> {
  const byFolder = new Map<string, Alias[]>();
  const configs = new Map<string, Promise<Alias[]>>();
  for (const { path, shown } of files) {
    const folder = posix.dirname(shown);
    if (byFolder.has(folder)) continue;
    let [at, there] = [folderOf(path), folder];
    for (;;) {
      const config = ["tsconfig.json", "jsconfig.json"].find((one) => existsSync(joined(at, one)));
      // A repository's own folder is the last one.
      const isLast = config !== undefined || existsSync(joined(at, ".git")) || folderOf(at) === at;
      if (config !== undefined) {
        const file = joined(at, config);
        if (!configs.has(file)) configs.set(file, aliasesIn(file, there));
      }
      if (isLast) {
        const found = config === undefined ? [] : await configs.get(joined(at, config))!;
        byFolder.set(folder, [...found, { before: "$lib/", after: "", targets: libOf(folder) }]);
        break;
      }
      [at, there] = [folderOf(at), posix.join(there, "..")];
    }
  }
  return byFolder;
}

const libOf = (folder: string): string[] => {
  const at = `${folder}/`.indexOf("src/");
  return at < 0 ? [] : [`${folder.slice(0, at)}src/lib/*`];
};

/** @param folder The file's folder, from the caller's. */
async function aliasesIn(file: string, folder: string): Promise<Alias[]> {
  interface Config {
    compilerOptions?: { baseUrl?: unknown; paths?: Record<string, unknown> | null };
  }
  let config: Config | null;
  try {
    config = JSON.parse(withoutComments(await readFile(file, "utf8")));
  } catch {
    // Then its imports are not known, and what they name is not changed.
    return [];
  }
  const { baseUrl, paths } = config?.compilerOptions ?? {};
  const base = posix.join(folder, typeof baseUrl === "string" ? baseUrl : ".");
  const aliases = Object.entries(paths ?? {}).map(([pattern, targets]): Alias => {
    const [before, after] = pattern.split("*");
    return {
      before,
      after: after ?? "",
      targets: [targets].flat().filter((one) => typeof one === "string")
        .map((one) => posix.join(base, one)),
    };
  });
  return typeof baseUrl === "string"
    ? [...aliases, { before: "", after: "", targets: [posix.join(base, "*")] }]
    : aliases;
}

/** Comments and commas at the end, which TypeScript allows. */
const withoutComments = (text: string): string =>
  text.replace(
    /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//g,
    (part) => part[0] === '"' ? part : " ",
  )
    .replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (part) => part[0] === '"' ? part : "");
