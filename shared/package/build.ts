/**
 * Builds dist/, which npm packs: the command and the functions for Node.js, the page, the client and the contract with
 * their types, and the schema of the project file. `npm pack` runs it.
 *
 * esbuild, because a compiler alone would do less: it puts what is used into few files, so that the command starts
 * quickly, keeps each command in a file of its own, and writes newer syntax in the way of the oldest Node.js. The
 * packages that our code depends on stay outside, for npm to install and update.
 */
import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectFileSchema } from "../cli/project/project_file.ts";
import { buildPage } from "../console/server/build_page.ts";
import { listFunctions } from "../local/functions/function_list.ts";
import { PACKAGE_ROOT } from "../local/package_root.ts";
import { pathToFileURL } from "node:url";

const DIST = join(PACKAGE_ROOT, "dist");

const inRoot = (...path: string[]) => join(PACKAGE_ROOT, ...path);

/** The oldest Node.js of "engines". */
const TARGET = "node20";

await rm(DIST, { recursive: true, force: true });
const functions = await listFunctions(pathToFileURL(`${PACKAGE_ROOT}/`));
await build({
  absWorkingDir: PACKAGE_ROOT,
  outdir: DIST,
  entryPoints: {
    "table-rename": "shared/cli/main.ts",
    ...Object.fromEntries(
      functions.map(({ name }) => [`functions/${name}`, `functions/${name}/index.ts`]),
    ),
  },
  inject: [inRoot("shared/package/older_node.ts")],
  // The command's own module is the one that is run.
  define: { "import.meta.main": "true" },
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: TARGET,
  minify: true,
  packages: "external",
  logLevel: "warning",
});
await build({
  absWorkingDir: PACKAGE_ROOT,
  outdir: DIST,
  entryPoints: { client: "shared/client/client.ts", contract: "shared/contract/contract.ts" },
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "neutral",
  target: "es2023",
  packages: "external",
  logLevel: "warning",
});
await chmod(join(DIST, "table-rename.js"), 0o755);
declarations();
await mkdir(join(DIST, "console"));
for (const [name, bytes] of await buildPage()) await writeFile(join(DIST, "console", name), bytes);
await writeFile(
  join(DIST, "table-rename.schema.json"),
  `${JSON.stringify(projectFileSchema(), null, 2)}\n`,
);

/** Writes dist/types. Its modules name each other with the ending that they have there. */
function declarations(): void {
  const { status, stdout, stderr } = spawnSync("node", [
    inRoot("node_modules/typescript/bin/tsc"),
    ...["--ignoreConfig", "--skipLibCheck", "--strict", "--declaration", "--emitDeclarationOnly"],
    ...["--target", "es2023", "--module", "nodenext", "--types", ""],
    ...["--lib", "es2024,esnext,dom,dom.iterable,dom.asynciterable"],
    ...["--rewriteRelativeImportExtensions", "--rootDir", inRoot("shared")],
    ...["--outDir", join(DIST, "types")],
    inRoot("shared/client/client.ts"),
    inRoot("shared/contract/contract.ts"),
  ], { encoding: "utf8" });
  if (status !== 0) throw new Error(`tsc failed:\n${stdout}${stderr}`);
  if (readdirSync(join(DIST, "types")).length === 0) throw new Error("tsc wrote no declarations");
}
