/** Reads what `deno test --junit-path` writes: its own report, not any JUnit file. */

export interface TestCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Counts the test cases of a report, steps included.
 *
 * @throws {Error} the text is not a complete report, or does not agree with its own total
 */
export function countTests(report: string): TestCounts {
  const total = /<testsuites [^>]*\btests="(\d+)"/.exec(report)?.[1];
  if (total === undefined || !report.includes("</testsuites>")) {
    throw new Error("the test report is not complete");
  }
  const counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  // Output of the tests is escaped in the report: a literal tag is the report's own.
  for (const [, body = ""] of report.matchAll(/<testcase\b[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g)) {
    if (/<(failure|error)\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    else counts.passed++;
  }
  const found = counts.passed + counts.failed + counts.skipped;
  if (found !== Number(total)) {
    throw new Error(`the test report says ${total} tests and lists ${found}`);
  }
  return counts;
}

/** `3 passed, 0 failed`, and `, 1 skipped` where any were. */
export function describeCounts({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed` + (skipped ? `, ${skipped} skipped` : "");
}
