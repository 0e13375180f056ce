/** A recorded statement as it may be shown: on one line, cut, without comments and without any value. */
import { lex } from "../sql/parser/lexer.ts";

/** Most characters of an example. */
const MAX_LENGTH = 200;

const VALUES = new Set(["string", "bits", "number", "other"]);

/**
 * The statement without what may be somebody's data: the extension leaves constants in some statements (in
 * all but queries before 16) and comments in all of them.
 */
export function showable(statement: string): string {
  let text = "";
  for (const { kind, start, end } of lex(statement).tokens) {
    if (kind === "space" || kind === "comment") text += " ";
    else text += VALUES.has(kind) ? "?" : statement.slice(start, end);
    // A list of a thousand values needs no reading to its end.
    if (text.length > 4 * MAX_LENGTH) break;
  }
  const line = [...text.replace(/\s+/g, " ").trim()];
  return line.length <= MAX_LENGTH ? line.join("") : `${line.slice(0, MAX_LENGTH - 1).join("")}…`;
}
