/** The answer of verify: whether an old name still does what its table does. */
import type { VerifyAnswer, VerifyCheck } from "../contract/responses.ts";
import {
  type Block,
  type BlockOf,
  type Document,
  documentOf,
  type Item,
  name,
  table,
  type Text,
  toned,
} from "./document/document.ts";
import { markdownOf } from "./document/markdown.ts";
import { counted } from "./document/text.ts";

interface CompatibilityContext {
  url?: string;
  subject?: { id: string; schema: string; old_name: string; table: string };
}

/** The answer for a page: that of the migration's old name and the table as it is called now. */
export const compatibilityInMarkdown = (
  { id, schema_name: schema, old_name }: { id: string; schema_name: string; old_name: string },
  { name: table }: { name: string },
  answer: VerifyAnswer,
): string =>
  markdownOf(describeCompatibility(answer, { subject: { id, schema, old_name, table } }));

const TITLES: Record<string, string> = {
  reads: "Reads",
  writes: "Writes",
  joins: "Joins with related tables",
  cost: "Cost of the view",
  data_api: "Data API",
};

export function describeCompatibility(
  { passed, session, checks }: VerifyAnswer,
  { url, subject }: CompatibilityContext,
): Document {
  const verdict = passed ? "passed" : "did not pass";
  const failed = checks.filter((check) => !check.passed).length;
  const skipped = checks.filter((check) => check.skipped).length;
  const numbers = [
    counted(checks.length, "test"),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(", ");
  return documentOf(
    [
      [
        { is: "title", tone: passed ? "good" : "bad", label: "Compatibility", text: verdict, url },
        {
          is: "text",
          text: subject ? [`${numbers}; migration `, name(subject.id), "."] : `${numbers}.`,
        },
      ],
      [{ is: "text", text: session.detail, only: session.executed ? "verbose" : undefined }],
      [{ is: "items", items: checks.filter(isPlain).map(checkItem), only: "terminal" }],
      [table(
        ["Test", "Result", "Failures"],
        checks.map((check) => [title(check), result(check), String(check.failures.length)]),
        { only: "page" },
      )],
      ...checks.map((check) =>
        isPlain(check)
          ? checkSection(check).map((block) => block && { ...block, only: "verbose" as const })
          : checkSection(check)
      ),
    ],
    subject && {
      heading: [
        name(`${subject.schema}.${subject.old_name}`),
        " stands for ",
        name(`${subject.schema}.${subject.table}`),
        `: ${verdict}`,
      ],
      level: 1,
    },
  );
}

/** Whether one line is enough. */
const isPlain = ({ passed, failures }: VerifyCheck) => passed && failures.length === 0;

const checkItem = (check: VerifyCheck): Item => ({
  mark: check.skipped ? toned("–", "warning") : toned("✓", "good"),
  text: `${title(check)}${check.skipped ? ", skipped" : ""}: ${check.detail}`,
});

const title = ({ name }: VerifyCheck) => TITLES[name] ?? name;

function result({ passed, skipped }: VerifyCheck): Text {
  if (skipped) return toned("skipped", "warning");
  return passed ? toned("passed", "good") : toned("failed", "bad");
}

function checkSection(check: VerifyCheck): (Block | null)[] {
  return [
    { is: "heading", text: title(check), note: result(check) },
    { is: "text", text: check.detail },
    check.failures.length === 0 ? null : {
      is: "comparison",
      head: ["Statement", "expected", "got"],
      rows: check.failures.map(({ statement, expected, got }) => [statement, expected, got]),
      sql: true,
    },
    ...figureTables(check),
  ];
}

/** Figures that are lists of similar objects, and the timed queries, as tables. */
function figureTables({ figures = {} }: VerifyCheck): (BlockOf<"table"> | null)[] {
  return Object.entries(figures).map(([figure, value]) => {
    const named = isObject(value)
      ? Object.entries(value).map(([query, figures]) => ({ query, ...asObject(figures) }))
      : Array.isArray(value)
      ? value.filter(isObject)
      : [];
    const rows = named.map(spread);
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    return table(
      columns.map((column) => column.replaceAll("_", " ")),
      rows.map((row) => columns.map((column) => cell(row[column]))),
      figure === "queries" ? {} : { only: "page" },
    );
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const asObject = (value: unknown): Record<string, unknown> => isObject(value) ? value : {};

/** An object among the figures of a row gets columns of its own. */
const spread = (row: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      isObject(value) ? Object.entries(value) : [[name, value]]
    ),
  );

const cell = (value: unknown): string | null =>
  value === undefined || value === null ? null : String(value);
