/**
 * Builds the page with esbuild, which is quick enough to do it at each start in a checkout. Views and what only one of
 * them needs are files of their own, which the browser loads when they are opened.
 */
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { PACKAGE_ROOT } from "../../local/package_root.ts";
import { INDEX, type PageFiles } from "./page_files.ts";

const PAGE = join(PACKAGE_ROOT, "shared", "console", "page");

/** The first browsers that know light-dark() in CSS, which the page needs: those of spring 2024. */
const TARGET = ["chrome123", "firefox121", "safari17.5"];

export async function buildPage(): Promise<PageFiles> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: PACKAGE_ROOT,
    entryPoints: { main: join(PAGE, "main.tsx"), style: join(PAGE, "styles", "style.css") },
    outdir: "/",
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: TARGET,
    jsx: "automatic",
    minify: true,
    legalComments: "none",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "warning",
  });
  const files: PageFiles = new Map(
    outputFiles.map(({ path, contents }) => [basename(path), new Uint8Array(contents)]),
  );
  const built = (source: string) =>
    basename(
      Object.entries(metafile.outputs).find(([, { entryPoint }]) =>
        entryPoint?.endsWith(source)
      )![0],
    );
  const template = await readFile(join(PAGE, INDEX), "utf8");
  const html = template.replace("main.tsx", built("main.tsx"))
    .replace("style.css", built("style.css"));
  files.set(INDEX, new TextEncoder().encode(html));
  files.set("icon.svg", new Uint8Array(await readFile(join(PAGE, "icon.svg"))));
  return files;
}
