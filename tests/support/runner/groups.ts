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

/** What the runner prints before a test's name where files run in parallel, of such a module, with its colours. */
const GROUP_PREFIX =
  /^(?:\p{Cc}\[[\d;]*m)*\S*\/(?:unit|integration)_\d\d_test\.ts => (?:\p{Cc}\[[\d;]*m)*/u;

/** The runner's output without the modules' names, which say nothing of the test. */
export function withoutGroups(output: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = "";
  return output.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
        rest = lines.pop()!;
        const whole = lines.map((line) => `${line.replace(GROUP_PREFIX, "")}\n`).join("");
        controller.enqueue(encoder.encode(whole));
      },
      flush: (controller) =>
        controller.enqueue(encoder.encode((rest + decoder.decode()).replace(GROUP_PREFIX, ""))),
    }),
  );
}
