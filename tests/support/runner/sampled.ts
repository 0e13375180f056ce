/**
 * What the usual run does in part; `npm run test:full` does the whole of it.
 *
 * TEST_FULL   1: the whole of everything
 * TEST_SLOW   which of the slow tests are run, such as 3/12: the third of twelve parts. Default: all
 */

import slowTests from "./slow_tests.json" with { type: "json" };

const FULL = Deno.env.get("TEST_FULL") === "1";

/** The whole, or the part of it that the usual run has time for. */
export function sampled<T>(whole: T, part: T): T {
  return FULL ? whole : part;
}

/** A number that a name decides. */
export function hash(name: string): number {
  return [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)!) % 65_521, 7);
}

/** Parts that the slow tests are divided into, so that each takes about as long. */
const SLOW_PARTS = 12;

/** The part of the slow tests that is run at a commit, as TEST_SLOW: another one at the next. */
export const slowPartAt = (commit: string): string =>
  `${hash(commit) % SLOW_PARTS + 1}/${SLOW_PARTS}`;

/**
 * Makes the function that decides by its name whether a test is run.
 *
 * @param slow Names of slow tests, the slowest first.
 * @param part As TEST_SLOW.
 */
export function chooser(slow: string[], part: string | undefined): (name: string) => boolean {
  const [number, parts] = (part ?? "").split("/").map(Number);
  if (!parts) return () => true;
  const leftOut = new Set(slow.filter((_, index) => index % parts !== number - 1));
  return (name) => !leftOut.has(withoutServer(name));
}

/** A test's name without the server that it runs on, `[pg17] `. */
export const withoutServer = (name: string): string => name.replace(/^\[pg[\d,]+\] /, "");

/** Whether this run does the test of that name. */
export const isChosen = chooser(slowTests, Deno.env.get("TEST_SLOW"));

/** Registers a test that takes long, if this run does it. */
export function slowTest(
  test: string | { name: string; ignore?: boolean },
  run: () => Promise<void>,
): void {
  const options = typeof test === "string" ? { name: test } : test;
  if (isChosen(options.name)) Deno.test(options, run);
}
