/** The files of the page: those of the package or, in a checkout, built when the server starts. */
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { IS_BUILT, PACKAGE_ROOT } from "../../local/package_root.ts";
import { INDEX, type PageFiles } from "./page_files.ts";

/** Answers a request for a file of the page. A path without an ending is a view of the page. */
export type Assets = (request: Request) => Response;

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const compressed = promisify(gzip);

/** @param projectId Written into the page. */
export async function loadAssets(projectId: string): Promise<Assets> {
  const files = new Map(IS_BUILT ? await packedFiles() : await builtFiles());
  const html = new TextDecoder().decode(files.get(INDEX));
  files.set(INDEX, new TextEncoder().encode(html.replace('content=""', `content="${projectId}"`)));
  const answers = new Map(
    await Promise.all([...files].map(async ([name, bytes]) => {
      return [name, { bytes, gzip: await compressed(bytes) as Uint8Array<ArrayBuffer> }] as const;
    })),
  );
  return (request) => {
    const path = new URL(request.url).pathname.slice(1);
    const name = extname(path) === "" ? INDEX : path;
    const file = answers.get(name);
    if (file === undefined) return new Response("There is no such file.\n", { status: 404 });
    const headers = new Headers({
      "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      // The other names change with what is in them.
      "cache-control": name === INDEX ? "no-store" : "public, max-age=31536000, immutable",
      vary: "accept-encoding",
    });
    const zipped = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
    if (zipped) headers.set("content-encoding", "gzip");
    return new Response(zipped ? file.gzip : file.bytes, { headers });
  };
}

async function packedFiles(): Promise<PageFiles> {
  const dir = join(PACKAGE_ROOT, "dist", "console");
  const names = await readdir(dir);
  return new Map(
    await Promise.all(names.map(async (name) => {
      return [name, new Uint8Array(await readFile(join(dir, name)))] as const;
    })),
  );
}

let built: Promise<PageFiles> | undefined;

function builtFiles(): Promise<PageFiles> {
  return built ??= import("./build_page.ts").then(({ buildPage }) => buildPage());
}
