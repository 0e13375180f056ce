import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { linesChanged } from "../../../shared/plan/accept_plan.ts";

Deno.test("lines that are the same are not shown, those that are gone or new are, in order", () => {
  assertEquals(linesChanged(["a", "b", "c", "d"], ["a", "x", "c", "d", "e"]), [
    "- b",
    "+ x",
    "+ e",
  ]);
  assertEquals(linesChanged(["a"], ["a"]), []);
  assertEquals(linesChanged([], ["a", "b"]), ["+ a", "+ b"]);
  assertEquals(linesChanged(["a", "b"], []), ["- a", "- b"]);
});

Deno.test("what is shown makes the one list out of the other", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 30 });
  fc.assert(fc.property(lines, lines, (before, after) => {
    const changed = linesChanged(before, after);
    const of = (sign: string) =>
      changed.filter((line) => line.startsWith(sign)).map((line) => line.slice(2));
    const removed = of("-");
    const added = of("+");
    assertEquals(before.length - removed.length, after.length - added.length);
    assertEquals(
      without(before, removed).toSorted(),
      without(after, added).toSorted(),
      "what is kept is the same",
    );
  }));
});

/** Takes each of these out once. */
function without(lines: string[], these: string[]): string[] {
  const rest = [...lines];
  for (const line of these) rest.splice(rest.indexOf(line), 1);
  return rest;
}

Deno.test("a list of differences stays readable, however long the plans are", () => {
  const many = (prefix: string) => Array.from({ length: 5_000 }, (_, n) => `${prefix}${n}`);
  const changed = linesChanged(many("a"), many("b"));
  assertEquals(changed.length, 101);
  assertEquals(changed.at(-1), "… and 9900 more lines");
});
