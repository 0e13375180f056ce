/**
 * The answer to an operation as Markdown, for a pull request: what it is about, the findings, the dependency
 * graph, the SQL, and how to go on. What is too long for a comment becomes shorter in steps, says what it left
 * out and how to get it, and is never cut in the middle of something.
 */
import type { OperationAnswer } from "../contract/responses.ts";
import { counted, MAX_REPORT } from "./escape.ts";
import { type DiagramDetail, type Operation } from "./diagram.ts";
import {
  breakingCodes,
  findingsCounted,
  type FindingsDetail,
  findingsInMarkdown,
} from "./findings.ts";
import { nextInMarkdown } from "./next_step.ts";
import { type StatementsDetail, statementsInMarkdown } from "./statements.ts";
import { diagramInMarkdown, tablesInMarkdown, tablesOf } from "./tables.ts";
import { verificationInMarkdown } from "./verification.ts";

export type { Operation } from "./diagram.ts";

export interface OperationReport {
  operation: Operation;
  /** The command line that goes on with exactly this plan. Default: the fields of a request. */
  command?: string;
  /** Codes that the request acknowledged. Default: none. */
  acknowledged?: string[];
  /** Longest text, in UTF-16 code units. Default: {@linkcode MAX_REPORT}. */
  limit?: number;
}

/** How much is told of each part. */
interface Detail {
  statements: StatementsDetail | "fitting";
  findings: FindingsDetail;
  diagram: DiagramDetail;
  /** Most rows of the table of tables. */
  rows: number;
}

const WHOLE: Detail = { statements: "all", findings: "each", diagram: "all", rows: Infinity };

/** What is left out, one step after the other, until the text is short enough. */
const STEPS: Partial<Detail>[] = [
  { statements: "changes" },
  { statements: "fitting" },
  { statements: "none" },
  { findings: "by_code" },
  { diagram: "grave" },
  { rows: 200 },
  { rows: 50 },
  { diagram: "none" },
  { findings: "counts" },
  { rows: 10 },
];

/** Fewest characters in which it is worth showing some of the statements. */
const LEAST_ROOM = 4_000;

/** The report. Its first line is a comment that programs can read: operation, mode, plan hash, batch. */
export function operationInMarkdown(answer: OperationAnswer, report: OperationReport): string {
  const limit = report.limit ?? MAX_REPORT;
  const detail = { ...WHOLE };
  // Of a thousand tables there are megabytes of SQL, which need not be written to see that they are too long.
  const sql = answer.statements.reduce((length, { sql }) => length + sql.length, 0);
  let text = sql > limit ? null : rendered(answer, report, detail);
  for (const step of STEPS) {
    if (text !== null && text.length <= limit) break;
    const before = text;
    Object.assign(detail, step);
    if (detail.statements === "fitting") {
      const rest = rendered(answer, report, { ...detail, statements: "none" });
      const room = limit - rest.length;
      if (room < LEAST_ROOM) {
        text = before;
        continue;
      }
      text = rendered(answer, report, detail, room);
    } else text = rendered(answer, report, detail);
  }
  return text ?? rendered(answer, report, detail);
}

function rendered(
  answer: OperationAnswer,
  report: OperationReport,
  detail: Detail,
  room = Infinity,
): string {
  const tables = tablesOf(answer);
  const planned = answer.mode !== "apply";
  const { statements, findings } = answer;
  return [
    head(answer, report),
    `## ${title(answer, report, tables.length)}`,
    summary(answer, report),
    tablesInMarkdown(answer, report.operation, detail.rows),
    findingsInMarkdown(findings, detail.findings),
    diagramInMarkdown(tables, report.operation, detail.diagram),
    statementsInMarkdown(statements, {
      planned,
      detail: detail.statements === "fitting" ? "changes" : detail.statements,
      room,
    }),
    answer.verification === null ? "" : verificationInMarkdown(answer.verification),
    nextInMarkdown(answer, report),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

/** Nothing of a caller's is in it. */
function head({ mode, plan_hash, batch_id }: OperationAnswer, { operation }: OperationReport) {
  const batch = batch_id === null ? "" : ` batch_id=${batch_id}`;
  return `<!-- table-rename operation=${operation} mode=${mode} plan_hash=${plan_hash}${batch} -->`;
}

const NOUNS: Record<Operation, string> = {
  rename: "rename",
  rollback: "rollback of the rename",
  finalize: "finalization of the rename",
  refresh: "new compatibility view",
};

const DONE: Record<Operation, (tables: string) => string> = {
  rename: (tables) => `Renamed ${tables}`,
  rollback: (tables) => `Rolled the rename of ${tables} back`,
  finalize: (tables) => `Finalized the rename of ${tables}`,
  refresh: (tables) => `Made the compatibility view of ${tables} again`,
};

function title({ mode }: OperationAnswer, { operation }: OperationReport, count: number): string {
  const tables = counted(count, "table");
  if (mode === "apply") return DONE[operation](tables);
  const noun = `${NOUNS[operation]} of ${tables}`;
  return mode === "plan" ? `Plan: ${noun}` : `Proposed: ${noun}`;
}

function summary(answer: OperationAnswer, { acknowledged = [] }: OperationReport): string {
  const { mode, findings, lock } = answer;
  const said = findingsCounted(findings) || "no findings";
  if (mode === "apply") {
    const held = lock === null
      ? ""
      : ` Clients were kept waiting for ${lock.held_ms} ms at most, in ${
        counted(lock.attempts, "attempt")
      }.`;
    return `Done, with ${said}.${held}`;
  }
  const open = breakingCodes(findings).filter((code) => !acknowledged.includes(code));
  const changed = mode === "plan" ? "Nothing was changed" : "No table was changed";
  const refused = open.length === 0 || mode !== "plan"
    ? ""
    : " **As it is, applying this is refused**: something would break.";
  return `${changed}: ${said}.${refused}`;
}
