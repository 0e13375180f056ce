/** What is built for Node.js 20, its oldest version, uses nothing that is newer. */
import { assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import { listFunctions } from "../../shared/local/functions/function_list.ts";
import { run } from "../support/programs/cli.ts";
import { ROOT_FOLDER } from "../support/documents/module_graph.ts";
import { pathToFileURL } from "node:url";
import { slowTest } from "../support/runner/sampled.ts";

/** Newer than the library ES2023: Node.js 20 has the first two, and the build adds the others. */
const THERE = ["isWellFormed", "toWellFormed", "groupBy", "withResolvers"];

slowTest(
  "the command and the functions use no method that Node.js 20 lacks and the build does not add",
  async () => {
    const functions = await listFunctions(pathToFileURL(ROOT_FOLDER));
    const { stdout } = await run("node", [
      join(ROOT_FOLDER, "node_modules/typescript/bin/tsc"),
      ...["--ignoreConfig", "--noEmit", "--skipLibCheck", "--strict", "--pretty", "false"],
      ...["--allowImportingTsExtensions", "--module", "esnext", "--moduleResolution", "bundler"],
      ...["--target", "esnext", "--types", "node", "--typeRoots", "node_modules/@types"],
      ...["--lib", "es2023,dom,dom.iterable,dom.asynciterable,esnext.disposable"],
      "shared/cli/main.ts",
      ...functions.map(({ name }) => `functions/${name}/index.ts`),
    ], { env: {}, cwd: ROOT_FOLDER });
    const missing = [...stdout.matchAll(/TS2550: Property '(\w+)' does not exist/g)]
      .map(([, name]) => name);
    // Without any the compiler has not looked.
    assertGreater(missing.filter((name) => name === "groupBy").length, 5);
    assertEquals(missing.filter((name) => !THERE.includes(name)), [], stdout);
  },
);
