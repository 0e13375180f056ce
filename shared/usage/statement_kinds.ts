/** What kind of statement a recorded text is, as far as counting its calls needs to know. */
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { PREPARED_PREFIX } from "../plan/plan.ts";
import { lex, type Token } from "../sql/parser/lexer.ts";

export type StatementKind =
  /** What an application sends: it is counted by what it was resolved to, which before 18 is the relation. */
  | "query"
  /** A statement that is counted by its text or its names, so that calls before and after the rename add up. */
  | "command"
  /** Definitions, grants, explanations, and what we send ourselves: no use of the name. */
  | "no use";

const DEFINITIONS = new Set([
  ...["alter", "comment", "drop", "grant", "revoke", "security", "reassign", "import", "truncate"],
  ...["analyze", "cluster", "explain", "reindex", "refresh", "vacuum"],
]);

/** Locks that only changes of definitions take; ours are among them. */
const DEFINING_LOCKS = /\b(access\s+exclusive|share\s+update\s+exclusive)\s+mode\b/i;

/**
 * The kind of a recorded statement.
 *
 * @param serverVersion `server_version_num`. Before 16 every utility statement was counted by its text, since
 *   then those that hold a query (CREATE TABLE AS, DECLARE) by what that was resolved to.
 */
export function statementKind(text: string, serverVersion: number): StatementKind {
  if (text.includes(OWN_STATEMENT)) return "no use";
  const tokens = significant(text);
  const [first, second] = tokens;
  if (first?.kind !== "word") return "query";
  const holdsQuery = serverVersion < 160_000 ? "command" : "query";
  switch (first.value) {
    case "prepare":
      // What is recorded under it are the executions of the query.
      return second?.value.startsWith(PREPARED_PREFIX) ? "no use" : "query";
    case "create":
      return isTableAs(tokens) ? holdsQuery : "no use";
    case "declare":
      return holdsQuery;
    case "select":
      return isSelectInto(tokens) ? holdsQuery : "query";
    case "lock":
      return DEFINING_LOCKS.test(text) ? "no use" : "command";
    case "copy":
    case "do":
    case "call":
      return "command";
  }
  return DEFINITIONS.has(first.value) ? "no use" : "query";
}

const significant = (text: string): Token[] =>
  lex(text).tokens.filter(({ kind }) => kind !== "space" && kind !== "comment");

/** CREATE TABLE … AS; every other CREATE defines something that stands on what it names. */
function isTableAs(tokens: Token[]): boolean {
  const words = tokens.slice(1, 5).map(({ value }) => value);
  const table = words.indexOf("table");
  return table >= 0 && !words.slice(0, table).includes("foreign") &&
    tokens.some(({ kind, value }) => kind === "word" && value === "as");
}

/** Before the server sees it so, it is a CREATE TABLE AS. */
const isSelectInto = (tokens: Token[]): boolean =>
  tokens.some(({ kind, value }) => kind === "word" && value === "into");
