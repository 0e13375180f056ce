/** A refusal or failure as Markdown: what it is, the next step, and what belongs to the case. */
import type { Blocker, Finding } from "../contract/responses.ts";
import {
  code,
  codeInCell,
  counted,
  fenced,
  MAX_REPORT,
  prose,
  shortened,
  tableOf,
} from "./escape.ts";
import { breakingCodes, findingsInMarkdown } from "./findings.ts";

/** What of a problem document is shown; the client makes one for answers that were none. */
export interface ShownProblem {
  title?: unknown;
  status?: unknown;
  detail: string;
  code: string;
  hint?: unknown;
  [field: string]: unknown;
}

/** Longest text of an item of a list, in characters. */
const MAX_TEXT = 300;

/** How much is shown of what there is much of, the most first. */
const STEPS = [
  { findings: "each", items: 50 },
  { findings: "by_code", items: 50 },
  { findings: "by_code", items: 10 },
  { findings: "counts", items: 3 },
] as const;

/** The report; its first line is a comment that programs can read. */
export function problemInMarkdown(problem: ShownProblem, { limit = MAX_REPORT } = {}): string {
  const findings = (Array.isArray(problem.findings) ? problem.findings : []) as Finding[];
  let text = "";
  for (const step of STEPS) {
    text = rendered(problem, findingsInMarkdown(findings, step.findings), step.items);
    if (text.length <= limit) break;
  }
  return text;
}

function rendered(problem: ShownProblem, findings: string, most: number): string {
  const { detail, code: name, hint, status } = problem;
  const title = typeof problem.title === "string" ? problem.title : "It did not work";
  const acknowledge = name === "breaking_findings"
    ? breakingCodes((problem.findings ?? []) as Finding[])
    : [];
  return [
    // A code of another server's could be anything.
    `<!-- table-rename problem=${/^\w+$/.test(name) ? name : "unknown"} -->`,
    `## Not done: ${prose(title)}`,
    prose(shortened(detail, 2_000)),
    typeof hint === "string" ? `*Next:* ${prose(shortened(hint, 1_000))}` : "",
    `Code: ${code(name)}${typeof status === "number" ? ` (${status})` : ""}`,
    findings,
    ...Object.entries(LISTS).map(([field, describe]) => {
      const items = problem[field];
      return Array.isArray(items) && items.length > 0 ? describe(items as never[], most) : "";
    }),
    acknowledge.length === 0
      ? ""
      : `To go on all the same:\n\n${fenced(JSON.stringify({ acknowledge }, null, 2), "json")}`,
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

const cell = (value: unknown): string =>
  value === null || value === undefined ? "" : codeInCell(shortened(String(value), MAX_TEXT));

const text = (value: unknown): string => prose(shortened(String(value ?? ""), MAX_TEXT));

/** How each member that is a list is shown. */
const LISTS: Record<string, (items: never[], most: number) => string> = {
  issues: (items: { path: string; message: string; code?: string; hint?: string }[], most) =>
    items.every(({ code }) => code === undefined)
      ? list("What is not valid", items, most, ["Field", "Fault"], ({ path, message }) => [
        cell(path),
        text(message),
      ])
      // A single refusal is what the problem itself says.
      : items.length === 1
      ? ""
      : list("What is refused", items, most, ["Field", "Why", "Next step"], (one) => [
        cell(one.path),
        text(one.message),
        text(one.hint),
      ]),
  blockers: (items: Blocker[], most) =>
    list(
      "Who holds locks on the tables",
      items,
      most,
      ["Process", "Role", "Application", "State", "Since", "Query"],
      ({ pid, role, application_name, state, since, query, gid }) =>
        [gid ?? pid, role, application_name, state, since, query].map(cell),
    ),
  differences: (items: { object: string; message: string; remedy: string }[], most) =>
    list("Where database and record disagree", items, most, ["Object", "What", "Remedy"], (one) => [
      cell(one.object),
      text(one.message),
      text(one.remedy),
    ]),
  dependants: (items: { view: string; kind: string; identity: string; reason: string }[], most) =>
    list("Built on the view", items, most, ["Object", "View", "Reason"], (one) => [
      cell(`${one.kind} ${one.identity}`),
      cell(one.view),
      text(one.reason),
    ]),
  changes: (lines: string[], most) =>
    `### What is different\n\n${
      fenced(
        lines.slice(0, 2 * most).map((line) => shortened(line, MAX_TEXT)).join("\n"),
        "diff",
      )
    }`,
};

function list<Item>(
  heading: string,
  items: Item[],
  most: number,
  head: string[],
  row: (item: Item) => string[],
): string {
  const left = items.length - most;
  return [
    `### ${heading}`,
    tableOf(head, items.slice(0, most).map(row)),
    ...(left > 0 ? [`And ${counted(left, "more", "more")}.`] : []),
  ].join("\n\n");
}
