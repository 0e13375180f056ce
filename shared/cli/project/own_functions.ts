/** `init --functions`: a project's own copy of the functions, which the Supabase CLI deploys from there. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readFunctions } from "../../local/functions/function_list.ts";
import { PACKAGE_ROOT, packageVersion } from "../../local/package_root.ts";
import { UsageError } from "../exit_codes.ts";
import { readIfThere } from "../files/paths.ts";
import { changeOf, type Changes, hashOf, together } from "./changes.ts";

/** Where the copy is, in the project. */
const FOLDER = "supabase/table-rename";

/** Lists what was copied, with hashes by which later changes are seen. */
const MANIFEST = `${FOLDER}/files.json`;

const CONFIG = "supabase/config.toml";

/** What of shared/ no function uses. */
const NOT_DEPLOYED = new Set([
  ...["cli", "client", "guides", "local", "package"],
  ...["contract", "examples", "openapi", "reference"].map((name) => `contract/${name}.ts`),
]);

export const hasOwnFunctions = (dir: string): boolean => existsSync(join(dir, MANIFEST));

/** @throws {UsageError} The project has no config.toml, or functions of the same names. */
export async function functionChanges(dir: string, overwrite: boolean): Promise<Changes> {
  const config = await configChange(dir);
  const known = await knownHashes(dir);
  const wanted = await deployedFiles();
  const paths = new Set([...wanted.keys(), ...known.keys()]);
  const files = together(
    await Promise.all(
      [...paths].map((path) => changeOf(dir, path, wanted.get(path), known.get(path), overwrite)),
    ),
  );
  // Of a file that is kept, the earlier hash still says that it was changed here.
  const hashes = new Map([...wanted].map(([path, text]) => [path, hashOf(text)]));
  for (const { path } of files.kept) hashes.set(path, known.get(path) ?? "");
  const manifest = `${
    JSON.stringify({ version: packageVersion(), files: Object.fromEntries(hashes) }, null, 2)
  }\n`;
  const there = await readIfThere(join(dir, MANIFEST));
  return together([
    files,
    {
      changes: there === manifest
        ? []
        : [{ path: MANIFEST, action: there === undefined ? "create" : "update", text: manifest }],
      kept: [],
    },
    config,
    // The CLI's local runtime wants the folder to be there.
    await changeOf(dir, "supabase/functions/.gitkeep", "", undefined, false)
      .then((change) => existsSync(join(dir, "supabase/functions")) ? together([]) : change),
  ]);
}

async function knownHashes(dir: string): Promise<Map<string, string>> {
  const text = await readIfThere(join(dir, MANIFEST));
  if (text === undefined) return new Map();
  try {
    const { files } = JSON.parse(text) as { files: Record<string, unknown> };
    return new Map(
      // Nothing outside of the folder is changed, whatever the list says.
      Object.entries(files).filter((entry): entry is [string, string] =>
        typeof entry[1] === "string" && entry[0].startsWith(`${FOLDER}/`) &&
        !entry[0].split("/").includes("..")
      ),
    );
  } catch {
    throw new UsageError(`${MANIFEST} is damaged: take it back from version control, or delete it`);
  }
}

/** Paths in the project, and texts. */
async function deployedFiles(): Promise<Map<string, string>> {
  const shared = await filesBelow(join(PACKAGE_ROOT, "shared"), "", NOT_DEPLOYED);
  const functions = await filesBelow(join(PACKAGE_ROOT, "functions"), "", new Set());
  const paths = [
    ...shared.filter((path) => path.endsWith(".ts")).map((path) => `shared/${path}`),
    ...functions.filter((path) => /\.(ts|json)$/.test(path)).map((path) => `functions/${path}`),
    "LICENSE",
  ];
  const texts = await Promise.all(
    paths.map(async (path) =>
      [`${FOLDER}/${path}`, await readFile(join(PACKAGE_ROOT, path), "utf8")] as const
    ),
  );
  return new Map(texts);
}

async function filesBelow(root: string, below: string, without: Set<string>): Promise<string[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  const found = await Promise.all(
    entries.map((entry) => {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (without.has(path)) return [];
      return entry.isDirectory() ? filesBelow(root, path, without) : [path];
    }),
  );
  return found.flat().sort();
}

/** Adds the functions' sections to config.toml. What is there is left as it is. */
async function configChange(dir: string): Promise<Changes> {
  const text = await readIfThere(join(dir, CONFIG));
  if (text === undefined) {
    throw new UsageError(
      `there is no ${CONFIG} in ${dir}. Make it with  npx supabase init  and run this again`,
    );
  }
  const ours = readFunctions(await readFile(join(PACKAGE_ROOT, CONFIG), "utf8"));
  const entrypointOf = (name: string) => `./table-rename/functions/${name}/index.ts`;
  const theirs = new Map(
    [...text.matchAll(/^\s*\[functions\.("?)([\w-]+)\1\]/gm)].map(([, , name]) => [name, ""]),
  );
  for (const { name, entrypoint } of readFunctions(text)) theirs.set(name, entrypoint);
  const taken = ours.map(({ name }) => name).filter((name) =>
    theirs.has(name)
      ? theirs.get(name) !== "" && theirs.get(name) !== entrypointOf(name)
      : existsSync(join(dir, "supabase", "functions", name))
  );
  if (taken.length > 0) {
    throw new UsageError(
      `the project has functions of these names already: ${
        taken.join(", ")
      }. Give yours other names, or use ` +
        "--db-url, which needs no functions in the project. Nothing was written.",
    );
  }
  const missing = ours.map(({ name }) => name).filter((name) => !theirs.has(name));
  if (missing.length === 0) return together([]);
  const sections = missing.map((name) =>
    `\n[functions.${name}]\nentrypoint = "${entrypointOf(name)}"\n` +
    'import_map = "./table-rename/functions/deno.json"\n' +
    "# The function checks its callers itself: it wants a secret key.\nverify_jwt = false\n"
  );
  return {
    changes: [{
      path: CONFIG,
      action: "update",
      text: `${text.replace(/\n*$/, "\n")}${sections.join("")}`,
      what: `adds the sections of ${missing.length} functions`,
    }],
    kept: [],
  };
}
