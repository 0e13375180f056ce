/** The page as it is built. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { gzipSync } from "node:zlib";
import { buildPage } from "../../../shared/console/server/build_page.ts";
import { INDEX } from "../../../shared/console/server/page_files.ts";

/** Largest sum of what a browser loads before it shows the first view, compressed, in bytes. */
const FIRST_LOAD = 300_000;

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** The files that a file needs before it runs, itself included. */
function needed(
  files: Map<string, Uint8Array>,
  name: string,
  found = new Set<string>(),
): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  if (!name.endsWith(".js")) return found;
  for (const [, other] of text(files.get(name)!).matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) {
    needed(files, other, found);
  }
  return found;
}

Deno.test("the first view loads less than 300 kB, and graphs, plots and the highlighter only where they are used", async () => {
  const files = await buildPage();
  const named = [...text(files.get(INDEX)!).matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, name]) =>
    name
  );
  const view = [...files.keys()].find((name) => name.startsWith("tables_view"));
  assert(view !== undefined);
  const first = new Set([INDEX, ...named, view].flatMap((name) => [...needed(files, name)]));
  const size = [...first].reduce((sum, name) => sum + gzipSync(files.get(name)!).length, 0);
  assertLess(size, FIRST_LOAD);
  const scripts = [...first].filter((name) => name.endsWith(".js")).map((name) =>
    text(files.get(name)!)
  );
  assertEquals(scripts.some((script) => script.includes("react-flow__")), false);
  assertEquals(scripts.some((script) => script.includes("hljs-")), false);
  // They are somewhere, or the test looks for the wrong words.
  const all = [...files].filter(([name]) => name.endsWith(".js")).map(([, bytes]) => text(bytes));
  assert(all.some((script) => script.includes("react-flow__")));
  assert(all.some((script) => script.includes("hljs-")));
});

Deno.test("what changes in the page changes the names of its files, so that no browser keeps an old one", async () => {
  const names = [...(await buildPage()).keys()].filter((name) =>
    name !== INDEX && name !== "icon.svg"
  );
  assertEquals(names.filter((name) => !/-[A-Z0-9]{8}\.(js|css)$/.test(name)), []);
});
