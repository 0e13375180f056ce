/** Files of tests that are loaded together: what they all import is then loaded and compiled once. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Writes modules that import the files, and answers their paths.
 *
 * @param files Absolute paths.
 * @param name Beginning of the modules' names.
 * @param count How many modules: some more than run at the same time, so that all end at about the same time.
 * @param dir Where they are written.
 */
export async function grouped(
  files: string[],
  { name, count, dir }: { name: string; count: number; dir: string },
): Promise<string[]> {
  const groups = Array.from(
    { length: count },
    (_, group) => files.filter((_, index) => index % count === group),
  ).filter(({ length }) => length > 0);
  return await Promise.all(groups.map(async (group, index) => {
    const path = join(dir, `${name}_${String(index + 1).padStart(2, "0")}_test.ts`);
    const imports = group.map((file) => `import ${JSON.stringify(pathToFileURL(file).href)};\n`);
    await Deno.writeTextFile(path, imports.join(""));
    return path;
  }));
}
