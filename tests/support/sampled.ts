/** What the usual run does in part; `npm run test:full` does the whole of it. */

const FULL = Deno.env.get("TEST_FULL") === "1";

/** The whole, or the part of it that the usual run has time for. */
export function sampled<T>(whole: T, part: T): T {
  return FULL ? whole : part;
}
