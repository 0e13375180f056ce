/** Tokens without white space and comments, with what is in brackets as one nested node. */
import { type Fault, lex, type Token } from "./lexer.ts";

export interface Group {
  kind: "group";
  open: "(" | "[";
  nodes: Node[];
  start: number;
  end: number;
}

export type Node = Token | Group;

type Word = Token & { kind: "word" };
type Identifier = Token & { kind: "word" | "quoted" };

/** Deeper nesting is a fault: nobody writes it, and the readers recurse once for each level. */
const MAX_DEPTH = 200;

interface Parsed {
  nodes: Node[];
  faults: Fault[];
}

/** Parses a text. Never throws. A bracket without a partner is a fault; one that is not closed extends to the end. */
export function parse(text: string): Parsed {
  const { tokens, faults } = lex(text, { blanks: false });
  const top: Node[] = [];
  const open: Group[] = [];
  let nodes = top;
  let tooDeep = 0;
  for (const token of tokens) {
    const bracket = token.kind === "mark" ? token.value : "";
    if (bracket === "(" || bracket === "[") {
      if (open.length >= MAX_DEPTH) {
        if (tooDeep++ === 0) faults.push({ at: token.start, what: "brackets nested too deep" });
        continue;
      }
      const { start, end } = token;
      const group: Group = { kind: "group", open: bracket, nodes: [], start, end };
      nodes.push(group);
      open.push(group);
      nodes = group.nodes;
    } else if (bracket === ")" || bracket === "]") {
      if (tooDeep > 0) {
        tooDeep--;
        continue;
      }
      const group = open.at(-1);
      if (group === undefined || group.open !== (bracket === ")" ? "(" : "[")) {
        faults.push({ at: token.start, what: `a ${bracket} that closes nothing` });
        continue;
      }
      open.pop();
      group.end = token.end;
      nodes = open.at(-1)?.nodes ?? top;
    } else nodes.push(token);
  }
  for (const group of open) {
    faults.push({ at: group.start, what: `a ${group.open} that is not closed` });
    group.end = tokens.at(-1)!.end;
  }
  return { nodes: top, faults };
}

/** Splits SQL at its semicolons, which separate the statements of a BEGIN ATOMIC body as well. */
export const statementsOf = (nodes: Node[]): Node[][] => separated(nodes, ";");

export const commaSeparated = (nodes: Node[]): Node[][] => separated(nodes, ",");

function separated(nodes: Node[], mark: string): Node[][] {
  const parts: Node[][] = [[]];
  for (const node of nodes) {
    if (isMark(node, mark)) parts.push([]);
    else parts.at(-1)!.push(node);
  }
  return parts.filter((part) => part.length > 0);
}

/** Whether it is one of these key words, given in lower case. */
export function isWord(node: Node | undefined | null, ...words: string[]): node is Word {
  return node?.kind === "word" && words.includes(node.value);
}

export function isMark(node: Node | undefined, mark: string): node is Token & { kind: "mark" } {
  return node?.kind === "mark" && node.value === mark;
}

export function isOperator(
  node: Node | undefined,
  ...operators: string[]
): node is Token & { kind: "operator" } {
  return node?.kind === "operator" && operators.includes(node.value);
}

/** Whether it is a pair of parentheses. */
export function isGroup(node: Node | undefined | null): node is Group & { open: "(" } {
  return node?.kind === "group" && node.open === "(";
}

export function isIdentifier(node: Node | undefined | null): node is Identifier {
  return node?.kind === "word" || node?.kind === "quoted";
}

/** Whether the words follow each other from index `i` on. */
export function areWords(nodes: Node[], i: number, ...words: string[]): boolean {
  return words.every((word, n) => isWord(nodes[i + n], word));
}

/** Index of the first of these words from `from` on, or -1. A name after a dot is not counted. */
export function indexOfWord(nodes: Node[], from: number, ...words: string[]): number {
  for (let i = from; i < nodes.length; i++) {
    if (isWord(nodes[i], ...words) && !isMark(nodes[i - 1], ".")) return i;
  }
  return -1;
}

/** The same, but the number of nodes if none of the words is there. */
export function endAtWord(nodes: Node[], from: number, ...words: string[]): number {
  const i = indexOfWord(nodes, from, ...words);
  return i < 0 ? nodes.length : i;
}

export interface Name {
  parts: string[];
  last: string;
  /** Whether it is a single word without quotes, which may be a key word. */
  bare: boolean;
  start: number;
  /** Index of the node after it. */
  next: number;
}

/** The name that begins at index `i`, or null. */
export function nameAt(nodes: Node[], i: number): Name | null {
  const first = nodes[i];
  if (!isIdentifier(first)) return null;
  const parts = [first.value];
  let next = i + 1;
  while (isMark(nodes[next], ".")) {
    const part = nodes[next + 1];
    if (!isIdentifier(part)) break;
    parts.push(part.value);
    next += 2;
  }
  const bare = parts.length === 1 && first.kind === "word";
  return { parts, last: parts.at(-1)!, bare, start: first.start, next };
}

/** The name after the first of these words from `from` on, or null. */
export function nameAfter(nodes: Node[], from: number, ...words: string[]): Name | null {
  const i = indexOfWord(nodes, from, ...words);
  return i < 0 ? null : nameAt(nodes, i + 1);
}

/** The name that is the whole of the nodes, or null. */
export function onlyName(nodes: Node[]): Name | null {
  const name = nameAt(nodes, 0);
  return name?.next === nodes.length ? name : null;
}
