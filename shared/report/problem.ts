/** A refusal or failure: what it is, the next step, and what belongs to the case. */
import type { Blocker, Finding } from "../contract/responses.ts";
import {
  type Block,
  type BlockOf,
  type CommandFor,
  type Document,
  documentOf,
  type Item,
  itemsOf,
  name,
  section,
  table,
  toned,
} from "./document/document.ts";
import { findingsSection } from "./findings.ts";
import { markdownOf } from "./document/markdown.ts";
import { nextSteps } from "./next_steps.ts";
import { inUtc, shortened } from "./document/text.ts";

/** What of a problem document is shown; the client makes one for answers that were none. */
export interface ShownProblem {
  title?: unknown;
  status?: unknown;
  detail: string;
  code: string;
  hint?: unknown;
  [field: string]: unknown;
}

interface ProblemContext {
  requestId?: string;
  /** Command lines with names that exist. Default: none. */
  corrected?: string[];
  commandFor?: CommandFor;
}

const MAX_TEXT = 2_000;
const MAX_LINE = 300;
const MAX_LINES = 100;

/** The problem for an endpoint's caller. */
export const problemInMarkdown = (problem: ShownProblem): string =>
  markdownOf(describeProblem(problem));

export function describeProblem(problem: ShownProblem, context: ProblemContext = {}): Document {
  const { code, title } = problem;
  const { corrected = [], commandFor } = context;
  const heading = `Not done: ${typeof title === "string" ? title : "It did not work"}`;
  return documentOf([
    [{ is: "fields", fields: fieldsOf(problem, context) }],
    ...Object.entries(problem).map(([field, items]) =>
      Object.hasOwn(LISTS, field) && Array.isArray(items) && items.length > 0
        ? LISTS[field](items as never[])
        : []
    ),
    corrected.length === 0 ? [] : [{ is: "step", text: "Perhaps you meant", commands: corrected }],
    ...nextSteps(problem, commandFor).map((block) => [block]),
    // The code of another server could be anything.
  ], { comment: `problem=${/^\w+$/.test(code) ? code : "unknown"}`, heading });
}

/** Fields that are shown otherwise, or say nothing to a person. */
const SHOWN = new Set([
  ...["type", "title", "status", "detail", "code", "hint", "earliest", "schema", "table"],
  ...["issues_total", "attempts", "waited_ms", "migration_id", "batch_id"],
]);

function fieldsOf(problem: ShownProblem, { requestId }: ProblemContext) {
  const { detail, hint, code, status } = problem;
  // What was refused is in no log.
  const known = typeof status === "number" && status < 500;
  const request = requestId === undefined || known ? "" : `, request ${requestId}`;
  const fields: BlockOf<"fields">["fields"] = [{
    label: "Error",
    text: shortened(detail, MAX_TEXT),
    tone: "bad",
  }];
  if (typeof hint === "string") fields.push({ label: "Hint", text: shortened(hint, MAX_TEXT) });
  fields.push({
    label: "Code",
    text: [name(code), `${typeof status === "number" ? ` (${status})` : ""}${request}`],
  });
  for (const [field, value] of Object.entries(problem)) {
    if (SHOWN.has(field) || (typeof value !== "string" && typeof value !== "number")) continue;
    const label = field.replace(/^rollback_/, "rolled_back_").replaceAll("_", " ");
    const shown = typeof value === "string" && field.endsWith("_at") ? inUtc(value) : String(value);
    const text = `${label}: ${shortened(shown, MAX_TEXT)}`;
    fields.push({ text });
  }
  return fields;
}

const named = (value: unknown) =>
  value === null || value === undefined || value === "" ? null : name(String(value));

interface Issue {
  path: string;
  message: string;
  code?: string;
  hint?: string;
  /** Where the rename was written, such as a line of a file. */
  place?: string;
}

const LISTS: Record<string, (items: never[]) => Block[]> = {
  findings: (findings: Finding[]) => findingsSection(findings),
  issues: (issues: Issue[]) => {
    // A single refusal is the problem itself.
    if (issues.length === 1 && issues[0].code !== undefined && issues[0].place === undefined) {
      return [];
    }
    const refused = issues.some(({ code }) => code !== undefined);
    const items = issues.map(({ path, message, hint, place }): Item => ({
      text: [place, path].filter(Boolean).map((part) => name(part!)).flatMap((part) => [", ", part])
        .slice(1),
      body: [message],
      ...(hint !== undefined && { remedy: hint }),
    }));
    return section(refused ? "What is refused" : "What is not valid", itemsOf(items));
  },
  blockers: (blockers: Blocker[]) => {
    const rows = blockers.map(({ gid, pid, role, application_name, state, since, query }) =>
      [gid ?? pid, role, application_name, state, since, query].map(named)
    );
    const head = ["PID", "Role", "Application", "State", "Since", "Query"];
    return section("Who holds locks on the tables", table(head, rows));
  },
  differences: (differences: { message: string; remedy: string }[]) => {
    const mark = toned("✗", "bad");
    const items = differences.map(({ message, remedy }) => ({ mark, text: message, remedy }));
    return section("Where the database differs from the record", itemsOf(items));
  },
  dependants: (
    dependants: { view: string; kind: string; identity: string; reason?: string }[],
  ) => {
    const rows = dependants.map(({ kind, identity, view, reason }) => [
      kind,
      named(identity),
      named(view),
      reason ?? null,
    ]);
    return section("Built on the view", table(["Kind", "Object", "View", "Reason"], rows));
  },
  changes: (lines: string[]) =>
    section("What has changed", {
      is: "diff",
      lines: lines.slice(0, MAX_LINES).map((line) => shortened(line, MAX_LINE)),
    }),
};
