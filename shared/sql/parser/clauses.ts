/** The clauses of a SELECT. */
import { isMark, isWord, type Node } from "./nodes.ts";

/** The clauses of a SELECT, by the word that begins them; the select list is `list`. */
export type Clauses = Partial<Record<string, Node[]>>;

const CLAUSES = new Set([
  "into",
  "from",
  "where",
  "group",
  "having",
  "window",
  "order",
  "limit",
  "offset",
  "fetch",
  "for",
]);

/** Splits at the words that begin clauses; all are reserved, so only names behind a dot or AS can be them. */
export function clausesOf(nodes: Node[]): Clauses {
  const clauses: Clauses = { list: [] };
  let current = clauses.list!;
  nodes.forEach((node, i) => {
    const before = nodes[i - 1];
    const begins = node.kind === "word" && CLAUSES.has(node.value) && !isMark(before, ".") &&
      !isWord(before, "as") &&
      !(node.value === "from" && isWord(before, "distinct") && isWord(nodes[i - 2], "is", "not"));
    if (!begins) current.push(node);
    else current = clauses[node.value] ??= [];
  });
  return clauses;
}
