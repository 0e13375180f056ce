/** The answer of verify as Markdown, for people and for pull requests. */
import type { VerifyAnswer, VerifyCheck } from "../contract/responses.ts";
import { code, fenced, prose, tableOf } from "./escape.ts";

/** What each test is about. */
const TITLES: Record<string, string> = {
  reads: "Reads",
  writes: "Writes",
  joins: "Joins with neighbours",
  cost: "Cost of the view",
  data_api: "Data API",
};

/** The report: a summary first, then each test with its figures and failures. */
export function compatibilityInMarkdown(
  migration: { id: string; schema_name: string; old_name: string },
  table: { name: string },
  { passed, session, checks }: VerifyAnswer,
): string {
  const name = (text: string) => code(`${migration.schema_name}.${text}`);
  const failed = checks.filter(({ passed }) => !passed);
  const skipped = checks.filter(({ skipped }) => skipped);
  return [
    `# ${name(migration.old_name)} stands for ${name(table.name)}: ${
      passed ? "passed" : "did not pass"
    }`,
    `${
      [
        `${checks.length} tests`,
        ...(failed.length > 0 ? [`${failed.length} failed`] : []),
        ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
      ].join(", ")
    }; migration ${code(migration.id)}.`,
    prose(session.detail),
    tableOf(
      ["Test", "Result", "Failures"],
      checks.map((check) => [
        title(check),
        result(check),
        String(check.failures.length),
      ]),
    ),
    ...checks.map(section),
  ].join("\n\n") + "\n";
}

const title = ({ name }: VerifyCheck) => TITLES[name] ?? name;

const result = ({ passed, skipped }: VerifyCheck) =>
  skipped ? "skipped" : passed ? "passed" : "**failed**";

function section(check: VerifyCheck): string {
  const parts = [`## ${title(check)}: ${result(check).replaceAll("*", "")}`, prose(check.detail)];
  for (const [index, { statement, expected, got }] of check.failures.entries()) {
    parts.push(
      `### Failure ${index + 1}`,
      fenced(statement),
      `- expected: ${code(expected)}\n- got: ${code(got)}`,
    );
  }
  parts.push(...figures(check));
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Figures that are lists of alike objects, and the timed queries, as tables. */
function figures({ figures = {} }: VerifyCheck): string[] {
  return Object.entries(figures).flatMap(([, value]) => {
    const named = isObject(value)
      ? Object.entries(value).map(([query, figures]) => ({ query, ...asObject(figures) }))
      : Array.isArray(value)
      ? value.filter(isObject)
      : [];
    if (named.length === 0) return [];
    const rows = named.map(spread);
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    return [tableOf(
      columns.map((column) => prose(column.replaceAll("_", " "))),
      rows.map((row) => columns.map((column) => prose(cell(row[column])))),
    )];
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const asObject = (value: unknown): Record<string, unknown> => isObject(value) ? value : {};

/** An object among the figures of a row has columns of its own. */
const spread = (row: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      isObject(value) ? Object.entries(value) : [[name, value]]
    ),
  );

const cell = (value: unknown): string => value === undefined || value === null ? "" : String(value);
