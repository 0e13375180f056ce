import { assertEquals, assertGreater } from "@std/assert";
import { join, relative } from "node:path";
import { FINDING_CODES } from "../../../shared/contract/findings.ts";
import { PROBLEMS } from "../../../shared/contract/problems.ts";
import { contractReference } from "../../../shared/contract/openapi/reference.ts";
import { modulesBelow, ROOT_FOLDER } from "../../support/documents/module_graph.ts";

/** Where findings and differences are made. A code that is in no list there is a type error. */
const MAKERS = ["findings", "dependents", "drift", "usage", "facts", "plan", "operations"].map((
  folder,
) => join(ROOT_FOLDER, "shared", folder));

Deno.test("every finding code of the contract is one that a plan or a look at drift can have", async () => {
  const made = new Set<string>();
  for (const path of (await Promise.all(MAKERS.map(modulesBelow))).flat()) {
    const source = await Deno.readTextFile(path);
    // A code stands there as a string, or as the name of a rule about texts.
    for (
      const [, quoted, rule] of source.matchAll(
        /"([a-z_]+)"|^ {2}([a-z_]+): (?:\{$|worksDifferently)/gm,
      )
    ) {
      made.add(quoted ?? rule);
    }
    assertGreater(made.size, 0, relative(ROOT_FOLDER, path));
  }
  assertEquals(FINDING_CODES.filter((code) => !made.has(code)), []);
});

Deno.test("the page of codes has every finding code and every problem code", () => {
  const page = contractReference();
  const codes = [...page.matchAll(/^\|(?: \d+ \|)? `([a-z_]+)` \|/gm)].map(([, code]) => code);
  assertEquals(codes, [...Object.keys(PROBLEMS), ...FINDING_CODES]);
});
