/** Finds the project file of a folder. What checks its content is loaded only if there is one. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export const PROJECT_FILE = "table-rename.json";

/** The path of the project file of a folder, or of the nearest folder above that has one. */
export function findProjectFile(from: string): string | undefined {
  for (let dir = resolve(from);; dir = dirname(dir)) {
    const path = join(dir, PROJECT_FILE);
    if (existsSync(path)) return path;
    if (dirname(dir) === dir) return undefined;
  }
}
