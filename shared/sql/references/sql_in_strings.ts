/** SQL in strings: what EXECUTE is given, as far as it is known before it runs, and strings that look like SQL. */
import {
  indexOfWord,
  isGroup,
  isMark,
  isWord,
  nameAt,
  type Node,
  onlyName,
  parse,
  statementsOf,
} from "../parser/nodes.ts";
import type { Scope } from "../parser/scope.ts";
import { clausesOf, isQuery } from "../parser/query_syntax.ts";
import { withoutPlaceholders } from "../parser/run_time_names.ts";
import { type FoldedString, foldString } from "../parser/string_folding.ts";
import { readUpdate } from "./data_changes.ts";
import { readFrom } from "./from_clause.ts";
import { readSelect } from "./queries.ts";
import { beginsStatement, readStatement } from "./statements.ts";

/**
 * `execute`: the string is run. `beside execute`: the source runs strings, maybe this one, or looks names up in the
 * catalog. `elsewhere`: the source does neither, but a function that is given the string may.
 */
export type StringContext = "execute" | "beside execute" | "elsewhere";

/** Statements whose strings are read with them, or are messages to people. */
const OWN_STRINGS = ["do", "create", "alter", "comment", "security"];

/** Reads the strings of a statement or an expression. */
export function readStrings(nodes: Node[], context: StringContext, scope: Scope): void {
  if (!isWord(nodes[0], ...OWN_STRINGS)) readAmong(nodes, context, scope);
}

function readAmong(nodes: Node[], context: StringContext, scope: Scope): void {
  for (let i = 0; i < nodes.length;) {
    const folded = isMark(nodes[i - 1], ".") ? null : foldString(nodes, i, scope.names.runTime);
    if (folded === null) {
      const node = nodes[i++];
      if (node.kind === "group") readAmong(node.nodes, context, scope);
      continue;
    }
    readString(folded, context, scope);
    for (const unread of folded.unread) readAmong(unread, context, scope);
    i = folded.next;
  }
}

function readString(folded: FoldedString, context: StringContext, scope: Scope): void {
  const { text, start, inner } = folded;
  const { nodes } = parse(text);
  const [first] = nodes;
  if (first === undefined) return;
  const place = (at: number) => inner < 0 ? start : inner + at;
  const name = onlyName(nodes);
  if (name !== null) {
    // Just a name, which may become part of a statement, or be compared with something.
    if (context === "elsewhere" || scope.names.isReadString(start)) return;
    const exact = scope.names.inAnySchema(withoutPlaceholders(text));
    const tables = exact.length > 0
      ? exact
      : scope.names.inAnySchema(name.parts.map(withoutPlaceholders).join("."));
    const possible = tables.map((table) => ({ table, certain: false }));
    return scope.within(text, "possible", place).note(possible, 0);
  }
  const isStatement = isGroup(first)
    ? isQuery(first)
    : first.kind === "word" && beginsStatement(first.value);
  if (isStatement) {
    const certainty = context === "elsewhere" ? "possible" : "dynamic";
    const within = scope.within(text, certainty, place);
    for (const statement of statementsOf(nodes)) {
      readStatement(statement, within);
      readStrings(statement, "elsewhere", within);
    }
  } else if (context !== "elsewhere") {
    readFragment(nodes, scope.within(text, "possible", place));
  }
}

/** A part of a statement, from the first word on that can be followed by a table. */
function readFragment(nodes: Node[], scope: Scope): void {
  const i = indexOfWord(nodes, 0, "from", "join", "into", "update", "using", "truncate", "table");
  if (i < 0) return;
  const fragment = nodes.slice(i);
  const [word, ...rest] = fragment;
  if (isWord(word, "from")) return readSelect(fragment, scope);
  if (isWord(word, "update")) return readUpdate(fragment, scope);
  if (isWord(word, "truncate")) return readStatement(fragment, scope);
  if (isWord(word, "join", "using")) {
    return readFrom(clausesOf(rest).list, scope.inner());
  }
  const name = nameAt(rest, 0);
  if (name !== null) scope.noteName(name);
}
