import { assert, assertEquals } from "@std/assert";
import slowTests from "../../support/runner/slow_tests.json" with { type: "json" };
import { chooser, slowPartAt } from "../../support/runner/sampled.ts";

const SLOW = ["a", "b", "c", "d", "e"];

Deno.test("of the slow tests each is in one part, and what is not slow is in all", () => {
  const parts = ["1/3", "2/3", "3/3"].map((part) => [...SLOW, "quick"].filter(chooser(SLOW, part)));
  assertEquals(parts, [["a", "d", "quick"], ["b", "e", "quick"], ["c", "quick"]]);
});

Deno.test("without a part all tests are run", () => {
  for (const part of [undefined, "all", ""]) {
    assertEquals([...SLOW, "quick"].filter(chooser(SLOW, part)), [...SLOW, "quick"]);
  }
});

Deno.test("a slow test is slow on every server", () => {
  assertEquals(["[pg15] b", "[pg17] b"].map(chooser(SLOW, "2/3")), [true, true]);
  assertEquals(["[pg15] b", "[pg17] b"].map(chooser(SLOW, "1/3")), [false, false]);
});

Deno.test("which part is run follows from the commit, and each comes at some commit", () => {
  const commits = Array.from({ length: 500 }, (_, index) => `${index}c0ffee`);
  const parts = commits.map(slowPartAt);
  assertEquals(parts, commits.map(slowPartAt));
  const [, count] = parts[0].split("/").map(Number);
  assertEquals(
    new Set(parts),
    new Set(Array.from({ length: count }, (_, index) => `${index + 1}/${count}`)),
  );
});

Deno.test("no slow test is listed twice, or with a server", () => {
  assertEquals(new Set(slowTests).size, slowTests.length);
  assert(slowTests.every((name) => !name.startsWith("[pg")));
});
