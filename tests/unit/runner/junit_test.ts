import { assertEquals, assertThrows } from "@std/assert";
import { countTests, describeCounts } from "../../support/runner/junit.ts";

const report = (tests: number, cases: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="${tests}" failures="0" errors="0" time="0.1">
    <testsuite name="./a_test.ts" tests="${tests}" disabled="0" errors="0" failures="0">
${cases}
    </testsuite>
</testsuites>`;

const PASSED = `<testcase name="a &gt; b" classname="x" time="0.1" line="1" col="1">
        </testcase>`;
const FAILED = `<testcase name="c" classname="x" time="0.1" line="1" col="1">
            <failure message="Uncaught">a &lt;skipped/&gt; b</failure>
        </testcase>`;
const SKIPPED = `<testcase name="d" classname="x" time="0" line="1" col="1">
            <skipped/>
        </testcase>`;

Deno.test("a report's passed, failed and skipped tests are counted", () => {
  assertEquals(countTests(report(4, PASSED + FAILED + SKIPPED + PASSED)), {
    passed: 2,
    failed: 1,
    skipped: 1,
  });
});

Deno.test("a report that does not list as many tests as it says is refused", () => {
  assertThrows(() => countTests(report(3, PASSED + FAILED)), Error, "says 3 tests and lists 2");
});

Deno.test("a report that breaks off is refused", () => {
  const whole = report(2, PASSED + FAILED);
  assertThrows(() => countTests(whole.slice(0, -20)), Error, "not complete");
  assertThrows(() => countTests(""), Error, "not complete");
});

Deno.test("skipped tests are mentioned only where there are any", () => {
  assertEquals(describeCounts({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
  assertEquals(
    describeCounts({ passed: 3, failed: 1, skipped: 2 }),
    "3 passed, 1 failed, 2 skipped",
  );
});
