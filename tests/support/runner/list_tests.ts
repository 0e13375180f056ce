/**
 * Names the tests of files without running them: `deno run -A tests/support/runner/list_tests.ts files…` prints a
 * JSON object, from each file to its tests' names. It loads the files with a Deno.test that only takes notes,
 * since `deno test` itself has no such option.
 */
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const names: Record<string, string[]> = {};

let current: string[] = [];

function note(first: unknown, second?: unknown, third?: unknown): void {
  const named = [first, second, third].find((argument) =>
    typeof argument === "string" || (typeof argument === "object" && argument !== null) ||
    (typeof argument === "function" && argument.name !== "")
  );
  current.push(typeof named === "string" ? named : (named as { name?: string })?.name ?? "");
}

const never = () => {};
const hooks = { beforeAll: never, afterAll: never, beforeEach: never, afterEach: never };

Object.assign(Deno, { test: Object.assign(note, { ignore: note, only: note }, hooks) });

for (const file of Deno.args) {
  current = names[file] = [];
  await import(pathToFileURL(resolve(file)).href);
}
// What a file prints while it is loaded stands on lines before this one.
console.log("\n" + JSON.stringify(names));
Deno.exit(0);
