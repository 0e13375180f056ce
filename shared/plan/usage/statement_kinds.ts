/** What kind of statement a recorded text is, as far as counting its calls needs to know. */
import { lex, type Token } from "../texts/lexer.ts";

export type StatementKind =
  /** What an application sends: it is counted by what it was resolved to, which before 18 is the relation. */
  | "query"
  /** A statement that is counted by its text or its names, so that calls before and after the rename add up. */
  | "command"
  /** Definitions, grants, explanations, and what we send ourselves: no use of the name. */
  | "no use";

/** Name of a WITH query that marks a statement as ours; it must be one that no application writes. */
const OWN_MARK = "table_rename_own";

/** Begins the names of our prepared statements and the tags of our blocks. */
const OWN_PREFIX = "table_rename_";

/** Tags of our anonymous blocks. */
const OWN_BLOCKS = new Set(["check", "forget", "lock"]);

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
  const tokens = significant(text);
  const [first, second, third] = tokens;
  if (first?.kind !== "word") return "query";
  const holdsQuery = serverVersion < 160_000 ? "command" : "query";
  switch (first.value) {
    case "with":
      return (second?.value === "recursive" ? third : second)?.value === OWN_MARK
        ? "no use"
        : "query";
    case "prepare":
      // What is recorded under it are the executions of the query.
      return second?.value.startsWith(OWN_PREFIX) ? "no use" : "query";
    case "do":
      return isOwnBlock(text, tokens) ? "no use" : "command";
    case "create":
      return isTableAs(tokens) ? holdsQuery : "no use";
    case "declare":
      return holdsQuery;
    case "select":
      return isSelectInto(tokens) ? holdsQuery : "query";
    case "lock":
      return DEFINING_LOCKS.test(text) ? "no use" : "command";
    case "copy":
    case "call":
      return "command";
  }
  return DEFINITIONS.has(first.value) ? "no use" : "query";
}

/** A query that is marked as ours: it is counted apart from every query of an application's. */
export function ownQuery(query: string): string {
  const mark = `${OWN_MARK} as (select)`;
  const others = /^\s*with\s+(?!recursive\b)/i.exec(query);
  if (others) return `with ${mark}, ${query.slice(others[0].length)}`;
  const recursive = /^\s*with\s+recursive\s+/i.exec(query);
  if (recursive) return `with recursive ${mark}, ${query.slice(recursive[0].length)}`;
  return `with ${mark} ${query}`;
}

const significant = (text: string): Token[] =>
  lex(text).tokens.filter(({ kind }) => kind !== "space" && kind !== "comment");

function isOwnBlock(text: string, tokens: Token[]): boolean {
  const body = tokens.find(({ kind }) => kind === "string");
  if (body === undefined || !text.startsWith("$", body.start)) return false;
  const tag = text.slice(body.start + 1, text.indexOf("$", body.start + 1));
  return OWN_BLOCKS.has(tag) || tag.startsWith(OWN_PREFIX);
}

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
