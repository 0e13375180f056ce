/** Tokens put together: without white space and comments, brackets nested, statements apart. */
import type { Fault, Lexed, Token } from "./lexer.ts";

/** What stands between a pair of brackets. */
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

/** Deeper nesting is taken for a fault: nobody writes it, and readers call themselves for each level. */
const MAX_DEPTH = 200;

export interface Nested {
  nodes: Node[];
  faults: Fault[];
}

/** Nests brackets. One that has no partner is a fault; what it opens goes to the end. */
export function nest({ tokens, faults }: Lexed): Nested {
  const top: Node[] = [];
  const open: Group[] = [];
  const found = [...faults];
  let nodes = top;
  let tooDeep = 0;
  for (const token of tokens) {
    if (token.kind === "space" || token.kind === "comment") continue;
    const bracket = token.kind === "mark" ? token.value : "";
    if (bracket === "(" || bracket === "[") {
      if (open.length >= MAX_DEPTH) {
        if (tooDeep++ === 0) found.push({ at: token.start, what: "brackets nested too deep" });
        continue;
      }
      const group: Group = {
        kind: "group",
        open: bracket,
        nodes: [],
        start: token.start,
        end: token.end,
      };
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
        found.push({ at: token.start, what: `a ${bracket} that closes nothing` });
        continue;
      }
      open.pop();
      group.end = token.end;
      nodes = open.at(-1)?.nodes ?? top;
    } else nodes.push(token);
  }
  for (const group of open) {
    found.push({ at: group.start, what: `a ${group.open} that is not closed` });
    group.end = tokens.at(-1)!.end;
  }
  return { nodes: top, faults: found };
}

/** Splits SQL at its semicolons; those of a BEGIN ATOMIC body stand between statements as well. */
export function statementsOf(nodes: Node[]): Node[][] {
  return separated(nodes, ";");
}

/** Splits at commas. */
export function commaSeparated(nodes: Node[]): Node[][] {
  return separated(nodes, ",");
}

function separated(nodes: Node[], mark: string): Node[][] {
  const parts: Node[][] = [[]];
  for (const node of nodes) {
    if (isMark(node, mark)) parts.push([]);
    else parts.at(-1)!.push(node);
  }
  return parts.filter((part) => part.length > 0);
}

/** Whether it is one of these key words, all in lower case. */
export function isWord(node: Node | undefined | null, ...words: string[]): node is Word {
  return node?.kind === "word" && words.includes(node.value);
}

export function isMark(
  node: Node | undefined,
  mark: string,
): node is Token & { kind: "mark" } {
  return node?.kind === "mark" && node.value === mark;
}

export function isOperator(
  node: Node | undefined,
  ...operators: string[]
): node is Token & { kind: "operator" } {
  return node?.kind === "operator" && operators.includes(node.value);
}

/** Whether it is a pair of parentheses and what is in them. */
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

/** Index of the first of these words from `from` on, not counting names behind a dot; or -1. */
export function indexOfWord(nodes: Node[], from: number, ...words: string[]): number {
  for (let i = from; i < nodes.length; i++) {
    if (isWord(nodes[i], ...words) && !isMark(nodes[i - 1], ".")) return i;
  }
  return -1;
}

/** A name of one or more parts, as it stands in a text. */
export interface Name {
  parts: string[];
  /** Whether the only part is a word without quotes, which can be a key word. */
  bare: boolean;
  start: number;
  end: number;
  /** Index of the node behind it. */
  next: number;
}

/** The name that begins at index `i`, or null. */
export function nameAt(nodes: Node[], i: number): Name | null {
  const first = nodes[i];
  if (!isIdentifier(first)) return null;
  const parts = [first.value];
  let end = first.end;
  let next = i + 1;
  while (isMark(nodes[next], ".")) {
    const part = nodes[next + 1];
    if (!isIdentifier(part)) break;
    parts.push(part.value);
    end = part.end;
    next += 2;
  }
  return {
    parts,
    bare: parts.length === 1 && first.kind === "word",
    start: first.start,
    end,
    next,
  };
}
