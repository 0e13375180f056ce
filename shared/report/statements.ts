/** The SQL of a plan, folded away. */
import type { Statement } from "../contract/responses.ts";
import { counted, fenced, visible } from "./escape.ts";

/** `all`; `changes`: checks and what prepares them by their purpose alone; `none`. */
export type StatementsDetail = "all" | "changes" | "none";

const ELSEWHERE = "the same request has all of it with `Accept: application/json` (`--json`)";

/**
 * A fold with the statements; an empty text where there are none.
 *
 * @param room Most characters that it may take; statements that do not fit are left out as a whole.
 */
export function statementsInMarkdown(
  statements: Statement[],
  { planned, detail = "all", room = Infinity }: {
    planned: boolean;
    detail?: StatementsDetail;
    room?: number;
  },
): string {
  if (statements.length === 0) return "";
  const count = counted(statements.length, "statement");
  const title = `${count} of SQL${planned ? "" : " that were run"}`;
  if (detail === "none") return `${title}: left out here; ${ELSEWHERE}.`;
  const texts = statements.map((statement) => textOf(statement, detail));
  const fits = fitting(texts, room - 400);
  const left = texts.length - fits;
  if (fits === 0) return statementsInMarkdown(statements, { planned, detail: "none" });
  return [
    `<details><summary>${title}</summary>`,
    ...(left === 0 ? [] : [
      `The first ${fits.toLocaleString("en-US")}; ${left.toLocaleString("en-US")} are left out, ` +
      `and ${ELSEWHERE}.`,
    ]),
    ...(detail === "changes" ? ["Checks are named only."] : []),
    fenced(texts.slice(0, fits).join("\n")),
    "</details>",
  ].join("\n\n");
}

function textOf({ sql, purpose }: Statement, detail: StatementsDetail): string {
  const comment = `-- ${visible(purpose)}`;
  return detail === "changes" && isCheck(sql) ? comment : `${comment}\n${sql};`;
}

/** How many texts, from the first one on, take no more than `room` together. */
function fitting(texts: string[], room: number): number {
  let taken = 0;
  const beyond = texts.findIndex((text) => (taken += text.length + 1) > room);
  return beyond < 0 ? texts.length : beyond;
}

/** Checks, and what plans them ahead. */
const isCheck = (sql: string) =>
  /^(do\s+\$|prepare\s+table_rename_|explain\s.*execute\s+table_rename_)/i.test(sql);
