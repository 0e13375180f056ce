/** Where the files of this package are: in a checkout, or in node_modules. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder with package.json. Built modules are at another depth than their sources. */
export const PACKAGE_ROOT = nearestPackage(dirname(fileURLToPath(import.meta.url)));

/** Whether this is the built package, in Node.js, and not a checkout. */
export const IS_BUILT = import.meta.url.endsWith(".js");

export const packageVersion = (): string =>
  JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")).version;

function nearestPackage(dir: string): string {
  return existsSync(join(dir, "package.json")) ? dir : nearestPackage(dirname(dir));
}
