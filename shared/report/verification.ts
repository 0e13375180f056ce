/** What the database said afterwards, and where it is not what it should be. */
import type { Difference, Verification } from "../contract/responses.ts";
import { codeInCell, counted, prose, shortened, tableOf } from "./escape.ts";

/** Most checks that are shown, most differences of one, and longest side of one, in characters. */
const MAX_CHECKS = 5;
const MAX_DIFFERENCES = 10;
const MAX_SIDE = 200;

export function verificationInMarkdown({ passed, checks }: Verification): string {
  const failed = checks.filter((check) => !check.passed);
  return [
    `### Verification: ${passed ? "passed" : "**did not pass**"}`,
    passed
      ? `${counted(checks.length, "check")}.`
      : failed.slice(0, MAX_CHECKS).map(({ name, detail, differences = [] }) =>
        [
          `- ${prose(name)}${detail ? `: ${prose(shortened(detail, 1_000))}` : ""}`,
          ...(differences.length === 0 ? [] : ["", differencesInMarkdown(differences), ""]),
        ].join("\n")
      ).join("\n"),
  ].join("\n\n");
}

/** As a table; what is beyond the first ones is counted. */
export function differencesInMarkdown(differences: Difference[]): string {
  const side = (text: string | null) =>
    text === null ? "nothing" : codeInCell(shortened(text, MAX_SIDE));
  const shown = differences.slice(0, MAX_DIFFERENCES);
  const left = differences.length - shown.length;
  const table = tableOf(
    ["Object", "Before", "Now"],
    shown.map(({ object, before, after }) => [
      codeInCell(shortened(object, MAX_SIDE)),
      side(before),
      side(after),
    ]),
  );
  return left === 0 ? table : `${table}\n\nAnd ${counted(left, "more difference")}.`;
}
