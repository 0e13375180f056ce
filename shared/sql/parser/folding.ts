/** Constant folding of strings: '…' || x, format(), concat(), quote_ident() and their like. */
import { ident, literal } from "../quoting.ts";
import { commaSeparated, isGroup, isMark, isOperator, isWord, nameAt, type Node } from "./nodes.ts";
import {
  hasPlaceholder,
  type RunTimeNames,
  TRIGGER_TABLE,
  UNKNOWN,
} from "../references/run_time_names.ts";

export interface Folded {
  /** What is known of the string; placeholders stand for the rest. */
  text: string;
  /** Where it begins in the text that it is part of. */
  start: number;
  /** Where the text stands there letter by letter; -1 where it does not. */
  inner: number;
  /** Index of the node behind it. */
  next: number;
  /** What stands in it and is not part of the text: arguments, and what was not known. */
  unread: Node[][];
}

/** A part of a string: its text is null where nothing of it is known. */
interface Part {
  text: string | null;
  next: number;
  unread: Node[][];
}

/** Folds the string expression that begins at index `i`; null where none begins there. */
export function fold(nodes: Node[], i: number, names: RunTimeNames): Folded | null {
  const first = knownPart(nodes, i, names);
  if (first === null) return null;
  const node = nodes[i];
  const continues = isOperator(nodes[i - 1], "||");
  const parts: Part[] = [first];
  let { next } = first;
  while (isOperator(nodes[next], "||")) {
    const part = knownPart(nodes, next + 1, names) ?? unknownPart(nodes, next + 1);
    parts.push(part);
    next = part.next;
  }
  const text = (continues ? UNKNOWN : "") + parts.map((part) => part.text ?? UNKNOWN).join("");
  const alone = node.kind === "string" && !continues && parts.length === 1;
  const unread = parts.flatMap((part) => part.unread);
  return { text, start: node.start, inner: alone ? node.inner : -1, next, unread };
}

/** A part that begins with something known: a constant, one in parentheses, a call of a function known here. */
function knownPart(nodes: Node[], i: number, names: RunTimeNames): Part | null {
  const node = nodes[i];
  if (node?.kind === "string") {
    return { text: node.value, next: behindCasts(nodes, i + 1), unread: [] };
  }
  if (isGroup(node)) {
    const inside = fold(node.nodes, 0, names);
    if (inside?.next !== node.nodes.length) return null;
    return { text: inside.text, next: behindCasts(nodes, i + 1), unread: inside.unread };
  }
  const name = nameAt(nodes, i);
  const call = name && nodes[name.next];
  if (name !== null && !isGroup(call)) {
    const variable = names.placeholderAt(nodes, i);
    return variable &&
      { text: variable.text, next: behindCasts(nodes, variable.next), unread: [] };
  }
  if (!name || !isGroup(call)) return null;
  const read = CALLS.get(name.parts.at(-1)!);
  if (read === undefined) return null;
  const args = commaSeparated(call.nodes).map((argument) => argumentOf(argument, names));
  const text = read(args.map((argument) => argument.text));
  if (text === null) return null;
  const unread = args.flatMap((argument) => argument.unread);
  return { text, next: behindCasts(nodes, name.next + 1), unread };
}

/** Words that end an operand of which nothing is known. */
const ENDS =
  "and as else end from group having in into is like limit loop or order returning then union using when where"
    .split(" ");

function unknownPart(nodes: Node[], i: number): Part {
  let next = i;
  let cases = 0;
  for (; next < nodes.length; next++) {
    const node = nodes[next];
    if (isWord(node, "case")) cases++;
    else if (isWord(node, "end") && cases > 0) cases--;
    else if (cases === 0 && !isMark(nodes[next - 1], ".")) {
      const ends = isOperator(node, "||") || isMark(node, ",") || isMark(node, ";");
      if (ends || isWord(node, ...ENDS)) break;
    }
  }
  return { text: null, next, unread: [nodes.slice(i, next)] };
}

/** `::text` and the like. */
function behindCasts(nodes: Node[], from: number): number {
  let i = from;
  while (isMark(nodes[i], "::")) i = nameAt(nodes, i + 1)?.next ?? i + 1;
  return i;
}

/** An argument, folded as a whole or not at all. */
function argumentOf(nodes: Node[], names: RunTimeNames): Omit<Part, "next"> {
  const folded = fold(nodes, 0, names);
  return folded?.next === nodes.length ? folded : { text: null, unread: [nodes] };
}

type Call = (values: (string | null)[]) => string | null;

/** What functions answer to arguments that are null where unknown; null where the answer is unknown, too. */
const CALLS = new Map<string, Call>([
  ["format", ([text, ...values]) => text == null ? null : format(text, values)],
  ["concat", (values) => values.map((value) => value ?? UNKNOWN).join("")],
  ["quote_ident", ([value]) => value == null ? UNKNOWN : identifier(value)],
  ["quote_literal", ([value]) => value == null ? UNKNOWN : constant(value)],
  ["quote_nullable", ([value]) => value == null ? UNKNOWN : constant(value)],
  ...["lower", "upper", "btrim", "trim", "coalesce"].map((name) => [name, unchanged] as const),
  ...[
    "replace",
    "regexp_replace",
    "substr",
    "substring",
    "left",
    "right",
    "split_part",
    "translate",
  ]
    .map((name) => [name, changed] as const),
]);

/** Names are in lower case, without blanks, nearly always. */
function unchanged([value]: (string | null)[]): string | null {
  return value != null && hasPlaceholder(value) ? value : null;
}

/** What is made of the name of the trigger's table is another name. */
function changed([value]: (string | null)[]): string | null {
  return value?.includes(TRIGGER_TABLE) ? TRIGGER_TABLE + UNKNOWN : null;
}

/** format() of the manual, 9.4.1: %s, %I and %L, by position or in order, widths passed by. */
function format(text: string, values: (string | null)[]): string {
  let index = 0;
  return text.replace(
    /%(?:%|(?:(\d+)\$)?-?(?:\d+|\*(?:\d+\$)?)?([sIL]))/g,
    (found, position: string | undefined, kind: string | undefined, at: number) => {
      if (kind === undefined) return "%";
      if (position !== undefined) index = Number(position) - 1;
      const value = values[index++];
      if (value == null) return UNKNOWN;
      if (kind === "L") return constant(value);
      // Where more of the name follows or came before, the server's answer has no quotes there either.
      const isPart = /\w/.test(text[at - 1] ?? "") || /\w/.test(text[at + found.length] ?? "");
      return kind === "s" || isPart ? value : identifier(value);
    },
  );
}

// A text of the server's has no NUL characters, and what puts quotes around one refuses them.
const identifier = (value: string) =>
  hasPlaceholder(value) ? value : ident(value.replaceAll("\0", ""));
const constant = (value: string) => literal(value.replaceAll("\0", ""));
