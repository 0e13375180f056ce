/** Constant folding of string expressions: '…' || x, format(), concat(), quote_ident() and the like. */
import { ident, literal } from "../quoting.ts";
import { commaSeparated, isGroup, isMark, isOperator, isWord, nameAt, type Node } from "./nodes.ts";
import { hasPlaceholder, type RunTimeNames, TRIGGER_TABLE, UNKNOWN } from "./run_time_names.ts";

export interface FoldedString {
  /** What is known of the string, with placeholders for the rest. */
  text: string;
  /** Index at which the expression begins in the source. */
  start: number;
  /** Index at which the text is there character for character; -1 if it is not. */
  inner: number;
  next: number;
  /** Nodes in it whose values are not known. */
  unread: Node[][];
}

/** A part of a string; its text is null if nothing of it is known. */
type Part = { text: string | null } & Pick<FoldedString, "next" | "unread">;

/** Folds the string expression that begins at index `i`; null if none begins there. */
export function foldString(nodes: Node[], i: number, names: RunTimeNames): FoldedString | null {
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

/** A constant, a variable, one in parentheses, or a call of one of the functions below. */
function knownPart(nodes: Node[], i: number, names: RunTimeNames): Part | null {
  const part = (text: string, next: number, unread: Node[][] = []): Part => ({
    text,
    next: afterCasts(nodes, next),
    unread,
  });
  const node = nodes[i];
  if (node?.kind === "string") return part(node.value, i + 1);
  if (isGroup(node)) {
    const inside = foldString(node.nodes, 0, names);
    return inside?.next === node.nodes.length ? part(inside.text, i + 1, inside.unread) : null;
  }
  const name = nameAt(nodes, i);
  if (name === null) return null;
  const call = nodes[name.next];
  if (!isGroup(call)) {
    const variable = names.placeholderAt(nodes, i);
    return variable && part(variable.text, variable.next);
  }
  const evaluate = FUNCTIONS.get(name.last);
  if (evaluate === undefined) return null;
  const args = commaSeparated(call.nodes).map((argument) => argumentOf(argument, names));
  const text = evaluate(args.map((argument) => argument.text));
  const unread = args.flatMap((argument) => argument.unread);
  return text === null ? null : part(text, name.next + 1, unread);
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

/** The index after `::text` and the like. */
function afterCasts(nodes: Node[], from: number): number {
  let i = from;
  while (isMark(nodes[i], "::")) i = nameAt(nodes, i + 1)?.next ?? i + 1;
  return i;
}

/** An argument, folded as a whole or not at all. */
function argumentOf(nodes: Node[], names: RunTimeNames): Omit<Part, "next"> {
  const folded = foldString(nodes, 0, names);
  return folded?.next === nodes.length ? folded : { text: null, unread: [nodes] };
}

/** An argument or a result is null if it is not known. */
type StringFunction = (values: (string | null)[]) => string | null;

/** Assumes that a name is in lower case and without blanks. */
const sameName: StringFunction = ([value]) => value != null && hasPlaceholder(value) ? value : null;
/** What is made of the name of the trigger's table is another name. */
const otherName: StringFunction = ([value]) =>
  value?.includes(TRIGGER_TABLE) ? TRIGGER_TABLE + UNKNOWN : null;
const quotedConstant: StringFunction = ([value]) => value == null ? UNKNOWN : constant(value);

const FUNCTIONS = new Map<string, StringFunction>([
  ["format", ([text, ...values]) => text == null ? null : format(text, values)],
  ["concat", (values) => values.map((value) => value ?? UNKNOWN).join("")],
  ["quote_ident", ([value]) => value == null ? UNKNOWN : identifier(value)],
  ["quote_literal", quotedConstant],
  ["quote_nullable", quotedConstant],
]);
for (const name of "lower upper btrim trim coalesce".split(" ")) FUNCTIONS.set(name, sameName);
for (
  const name of "replace regexp_replace substr substring left right split_part translate".split(" ")
) FUNCTIONS.set(name, otherName);

/** format() (manual, 9.4.1): %s, %I and %L, by position or in order; widths are ignored. */
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
      // Within a longer name the server would not add quotes either.
      const isPart = /\w/.test(text[at - 1] ?? "") || /\w/.test(text[at + found.length] ?? "");
      return kind === "s" || isPart ? value : identifier(value);
    },
  );
}

// The server's strings contain no NUL characters, which the quoting functions refuse.
const identifier = (value: string) =>
  hasPlaceholder(value) ? value : ident(value.replaceAll("\0", ""));
const constant = (value: string) => literal(value.replaceAll("\0", ""));
