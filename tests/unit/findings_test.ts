import { assertEquals, assertGreater } from "@std/assert";
import { join, relative } from "node:path";
import { FINDING_CODES } from "../../shared/contract/findings.ts";
import { modulesBelow, ROOT_FOLDER } from "../support/module_graph.ts";

/** Where findings and differences are made. A code that is in no list there is a type error. */
const MAKERS = ["plan", "operations"].map((folder) => join(ROOT_FOLDER, "shared", folder));

Deno.test("every finding code of the contract is one that a plan or a look at drift can have", async () => {
  const made = new Set<string>();
  for (const path of (await Promise.all(MAKERS.map(modulesBelow))).flat()) {
    const source = await Deno.readTextFile(path);
    // A code stands there as a string, or as the name of a rule about texts.
    for (const [, quoted, rule] of source.matchAll(/"([a-z_]+)"|^ {2}([a-z_]+): \{$/gm)) {
      made.add(quoted ?? rule);
    }
    assertGreater(made.size, 0, relative(ROOT_FOLDER, path));
  }
  assertEquals(FINDING_CODES.filter((code) => !made.has(code)), []);
});

Deno.test("the README tells of every finding code, and of no other", async () => {
  const readme = await Deno.readTextFile(join(ROOT_FOLDER, "README.md"));
  const section = (heading: string) => {
    const [, after] = readme.split(`\n### ${heading}\n`);
    return after.split(/\n#+ /)[0];
  };
  const rows = `${section("Findings")}\n${section("GET list-migrations")}`.split("\n")
    .filter((line) => /^\| `/.test(line));
  const told = rows.flatMap((row) =>
    [...row.split("|")[1].matchAll(/`([a-z_]+)`/g)].map(([, code]) => code)
  );
  assertEquals([...new Set(told)].toSorted(), FINDING_CODES.toSorted());
});
