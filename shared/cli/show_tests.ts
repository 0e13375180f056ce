/** The answer of verify, for a person to read. */
import type { VerifyAnswer, VerifyCheck, VerifyFailure } from "../contract/responses.ts";
import { paragraph, safe, type Stream, table } from "./terminal.ts";

type Page = Pick<Stream, "colors" | "width">;

/** Whether it passed, and each test with its failures; what the view costs as a table. */
export function describeTests(
  { passed, checks }: VerifyAnswer,
  page: Page & { url: string },
): string {
  const { colors } = page;
  return [
    `${colors.bold("Compatibility")}  ${
      passed ? colors.green("passed") : colors.red(colors.bold("did not pass"))
    }  ${colors.dim(`on ${safe(page.url)}`)}`,
    ...checks.map((check) => describeTest(check, page)),
  ].join("\n\n");
}

function describeTest(check: VerifyCheck, page: Page): string {
  const { colors, width } = page;
  const mark = check.skipped
    ? colors.yellow("–")
    : check.passed
    ? colors.green("✓")
    : colors.red("✗");
  return [
    `  ${mark} ${colors.bold(safe(check.name))}${check.skipped ? colors.yellow(" skipped") : ""}`,
    paragraph(safe(check.detail), width, 4),
    ...check.failures.map((failure) => describeFailure(failure, page)),
    costTable(check, page),
  ].filter((part) => part !== "").join("\n");
}

function describeFailure({ statement, expected, got }: VerifyFailure, page: Page): string {
  const side = (name: string, text: string) =>
    `        ${page.colors.dim(name)} ${paragraph(safe(text), page.width, 17).trimStart()}`;
  return [
    paragraph(safe(statement), page.width, 6),
    side("expected", expected),
    side("got     ", got),
  ].join("\n");
}

/** Runs of the same query by both names, where the test has any. */
function costTable({ figures = {} }: VerifyCheck, page: Page): string {
  const { queries } = figures;
  if (typeof queries !== "object" || queries === null) return "";
  const entries = Object.entries(queries as Record<string, Record<string, number>>);
  if (entries.length === 0) return "";
  const names = Object.keys(entries[0][1]);
  return table(
    ["QUERY", ...names.map((name) => name.replaceAll("_", " ").toUpperCase())],
    entries.map(([query, figures]) => [query, ...names.map((name) => String(figures[name]))]),
    page,
  );
}
