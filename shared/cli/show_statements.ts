/** The statements of a plan, fit to be read and pasted. */
import type { Statement } from "../contract/responses.ts";
import { safe, safeLines, type Stream } from "./terminal.ts";

/** Most statements that are shown of what is done already; a plan is always shown as a whole. */
const MAX_DONE_SHOWN = 20;

/**
 * Each statement under its purpose. Checks that raise if something moved are long and of no interest until
 * then, so they are one line; `verbose` shows them, too.
 */
export function describeStatements(
  statements: Statement[],
  { colors }: Pick<Stream, "colors">,
  options: { planned: boolean; verbose: boolean },
): string {
  const heading = colors.bold(options.planned ? "Statements" : "Statements that were run");
  if (!options.planned && !options.verbose && statements.length > MAX_DONE_SHOWN) {
    return `${heading}  ${statements.length}, shown with --verbose`;
  }
  const shown = statements.map(({ sql, purpose }) => {
    const comment = (text: string) => colors.dim(`-- ${safe(text)}`);
    if (isCheck(sql) && !options.verbose) {
      const lines = sql.split("\n").length;
      const size = lines === 1 ? "" : `${lines} lines, `;
      return comment(`${purpose} (${size}shown with --verbose)`);
    }
    return `${comment(purpose)}\n${safeLines(sql)};`;
  });
  return `${heading}\n${shown.join("\n")}`;
}

/** Checks, and what plans them ahead. */
const isCheck = (sql: string) =>
  /^(do\s+\$|prepare\s+table_rename_|explain\s.*execute\s+table_rename_)/i.test(sql);
