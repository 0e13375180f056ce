/**
 * `deno run -A tests/support/runner/renew_slow_tests.ts report.xml`: writes the names of the slow tests anew, from the report of
 * a run of all of them, such as `TEST_SLOW=all TEST_REPORT=report.xml npm test`.
 */
import { withoutServer } from "./sampled.ts";

/** Tests that take longer are slow, in seconds, of which two or three run at the same time. */
const LIMIT_S = 1.5;

const [report] = Deno.args;
const seconds = new Map<string, number>();
for (
  const [, name, time] of (await Deno.readTextFile(report))
    .matchAll(/<testcase name="([^"]*)"[^>]*? time="([\d.]+)"/g)
) {
  // A step belongs to its test.
  if (name.includes(" &gt; ")) continue;
  const plain = withoutServer(unescaped(name));
  seconds.set(plain, Math.max(Number(time), seconds.get(plain) ?? 0));
}
const slow = [...seconds].filter(([, time]) => time > LIMIT_S).toSorted(([, a], [, b]) => b - a);
await Deno.writeTextFile(
  new URL("slow_tests.json", import.meta.url),
  JSON.stringify(slow.map(([name]) => name), null, 2) + "\n",
);
console.log(`${slow.length} of ${seconds.size} tests are slow`);

function unescaped(text: string): string {
  const characters = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(
    /&(lt|gt|quot|apos|amp);/g,
    (_, name: keyof typeof characters) => characters[name],
  );
}
