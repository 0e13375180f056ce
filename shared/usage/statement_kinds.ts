/** What kind of statement a recorded text is, as far as it matters for counting its calls. */
import { PREPARED_PREFIX } from "../plan/plan.ts";
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { lex, type Token } from "../sql/parser/lexer.ts";

export type StatementKind =
  /** Sent by an application and counted by what it resolves to, which before 18 is the relation. */
  | "query"
  /** Counted by its text or its names, so that calls before and after the rename are added up. */
  | "command"
  /** Definitions, grants, explanations, and our own statements: no use of the name. */
  | "no use";

const DEFINITIONS = new Set([
  ...["alter", "comment", "drop", "grant", "revoke", "security", "reassign", "import", "truncate"],
  ...["analyze", "cluster", "explain", "reindex", "refresh", "vacuum"],
]);

/** Locks that only changes of definitions take, ours among them. */
const DEFINING_LOCKS = /\b(access\s+exclusive|share\s+update\s+exclusive)\s+mode\b/i;

/**
 * The kind of a recorded statement.
 *
 * @param serverVersion `server_version_num`. Before 16 every utility statement was counted by its text; since then
 *   those that contain a query (CREATE TABLE AS, DECLARE) are counted by what that resolves to.
 */
export function statementKind(text: string, serverVersion: number): StatementKind {
  if (text.includes(OWN_STATEMENT)) return "no use";
  const tokens = lex(text).tokens.filter(({ kind }) => kind !== "space" && kind !== "comment");
  const [first, second] = tokens;
  if (first?.kind !== "word") return "query";
  const containsQuery = serverVersion < 160_000 ? "command" : "query";
  switch (first.value) {
    case "prepare":
      // Its entry counts the executions of the query.
      return second?.value.startsWith(PREPARED_PREFIX) ? "no use" : "query";
    case "create":
      return isTableAs(tokens) ? containsQuery : "no use";
    case "declare":
      return containsQuery;
    case "select":
      // SELECT INTO is a CREATE TABLE AS.
      return hasWord(tokens, "into") ? containsQuery : "query";
    case "lock":
      return DEFINING_LOCKS.test(text) ? "no use" : "command";
    case "copy":
    case "do":
    case "call":
      return "command";
  }
  return DEFINITIONS.has(first.value) ? "no use" : "query";
}

const hasWord = (tokens: Token[], word: string): boolean =>
  tokens.some(({ kind, value }) => kind === "word" && value === word);

/** CREATE TABLE … AS; every other CREATE defines something that depends on what it names. */
function isTableAs(tokens: Token[]): boolean {
  const words = tokens.slice(1, 5).map(({ value }) => value);
  const table = words.indexOf("table");
  return table >= 0 && !words.slice(0, table).includes("foreign") && hasWord(tokens, "as");
}
