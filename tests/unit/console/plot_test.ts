import { assert } from "@std/assert";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { SAFE_HEADERS } from "../../../shared/console/server/headers.ts";

const WRAPPER = new URL("../../../shared/console/page/parts/plot.tsx", import.meta.url);

Deno.test("the page's policy allows the style that its plots contain, and no other", async () => {
  const [, className] = (await readFile(WRAPPER, "utf8")).match(/CLASS_OF_PLOTS = "(\w+)"/)!;
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const plot = Plot.plot({
    className,
    document: document as unknown as Document,
    marks: [Plot.barY([1, 2, 3])],
  });
  const style = plot.querySelector("style")!.textContent!;
  const hash = createHash("sha256").update(style).digest("base64");
  const allowed = SAFE_HEADERS["content-security-policy"].match(/style-src ([^;]*)/)![1];
  assert(allowed === `'self' 'sha256-${hash}'`, `allowed is ${allowed}, the style has ${hash}`);
});
