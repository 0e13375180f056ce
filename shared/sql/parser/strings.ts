/**
 * SQL in strings: what EXECUTE is given, put together as far as it is known before it runs, and strings that
 * look like SQL elsewhere.
 */
import { isQuery } from "./expressions.ts";
import { fold, type Folded } from "./folding.ts";
import { lex } from "./lexer.ts";
import {
  indexOfWord,
  isGroup,
  isMark,
  isWord,
  nameAt,
  nest,
  type Node,
  statementsOf,
} from "./nodes.ts";
import { clausesOf } from "./clauses.ts";
import { readFrom, readSelect } from "./queries.ts";
import type { Reading } from "./reading.ts";
import { newLevel } from "./levels.ts";
import { withoutPlaceholders } from "../references/run_time_names.ts";
import { readStatement, STATEMENT_WORDS } from "./statements.ts";
import { readUpdate } from "./writes.ts";

/**
 * `execute`: the string is run. `beside execute`: it stands in a text that runs strings, this one perhaps, or
 * asks the catalog for names. `elsewhere`: nothing in the text does, but a function that it is given to may.
 */
export type StringContext = "execute" | "beside execute" | "elsewhere";

/** Statements whose strings are read with them, or say something to people. */
const OWN_STRINGS = ["do", "create", "alter", "comment", "security"];

/** Reads the strings of a statement or an expression. */
export function readStrings(nodes: Node[], context: StringContext, reading: Reading): void {
  if (!isWord(nodes[0], ...OWN_STRINGS)) readAmong(nodes, context, reading);
}

function readAmong(nodes: Node[], context: StringContext, reading: Reading): void {
  for (let i = 0; i < nodes.length;) {
    const folded = isMark(nodes[i - 1], ".") ? null : fold(nodes, i, reading.names);
    if (folded === null) {
      const node = nodes[i++];
      if (node.kind === "group") readAmong(node.nodes, context, reading);
      continue;
    }
    readString(folded, context, reading);
    for (const unread of folded.unread) readAmong(unread, context, reading);
    i = folded.next;
  }
}

function readString(folded: Folded, context: StringContext, reading: Reading): void {
  const { text, start, inner } = folded;
  const { nodes } = nest(lex(text, { blanks: false }));
  const [first] = nodes;
  if (first === undefined) return;
  const place = (at: number) => inner < 0 ? start : inner + at;
  const name = nameAt(nodes, 0);
  if (name !== null && name.next === nodes.length) {
    // No more than a name, which may be put into a statement, or compared with something.
    if (context === "elsewhere" || reading.isUnderstood(start)) return;
    // A name in a string means a table of any schema, unless it says which.
    const exact = reading.everyNamed(withoutPlaceholders(text));
    const tables = exact.length > 0
      ? exact
      : reading.everyNamed(name.parts.map(withoutPlaceholders).join("."));
    const possible = tables.map((table) => ({ table, certain: false }));
    return reading.within(text, "possible", place).use(possible, 0);
  }
  const isStatement = isGroup(first)
    ? isQuery(first)
    : first.kind === "word" && STATEMENT_WORDS.has(first.value);
  if (isStatement) {
    const certainty = context === "elsewhere" ? "possible" : "dynamic";
    const within = reading.within(text, certainty, place);
    for (const statement of statementsOf(nodes)) {
      readStatement(statement, null, within);
      readStrings(statement, "elsewhere", within);
    }
  } else if (context !== "elsewhere") {
    readFragment(nodes, reading.within(text, "possible", place));
  }
}

/** A part of a statement that begins somewhere in it. */
function readFragment(nodes: Node[], reading: Reading): void {
  const i = indexOfWord(nodes, 0, "from", "join", "into", "update", "using", "truncate", "table");
  if (i < 0) return;
  const word = nodes[i];
  if (isWord(word, "from")) return readSelect(nodes.slice(i), null, reading);
  if (isWord(word, "update")) return readUpdate(nodes.slice(i), null, reading);
  if (isWord(word, "truncate")) return readStatement(nodes.slice(i), null, reading);
  if (isWord(word, "join", "using")) {
    return readFrom(clausesOf(nodes.slice(i + 1)).list!, newLevel(null), reading);
  }
  const name = nameAt(nodes, i + 1);
  if (name !== null) reading.use(reading.resolve(name.parts), name.start);
}
