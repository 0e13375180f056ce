/** The clauses of statements, and what is a query at all. */
import { type Group, isGroup, isIdentifier, isMark, isWord, type Node } from "./nodes.ts";

/** The clauses of a statement, by the word that begins each; `list` is what comes before the first. */
export type Clauses = { list: Node[] } & Partial<Record<string, Node[]>>;

const OF_SELECT = "into from where group having window order limit offset fetch for".split(" ");

/**
 * Splits at the words that begin clauses, those of a SELECT by default. They are reserved: as names they can only
 * stand after a dot or AS. IS DISTINCT FROM begins no clause.
 */
export function clausesOf(nodes: Node[], words = OF_SELECT): Clauses {
  const clauses: Clauses = { list: [] };
  let current = clauses.list;
  nodes.forEach((node, i) => {
    const before = nodes[i - 1];
    const begins = isWord(node, ...words) && !isMark(before, ".") && !isWord(before, "as") &&
      !(node.value === "from" && isWord(before, "distinct") && isWord(nodes[i - 2], "is", "not"));
    if (!begins) current.push(node);
    else current = clauses[node.value] ??= [];
  });
  return clauses;
}

/** Whether the parentheses contain a query, rather than expressions. */
export function isQuery({ nodes: [first, second] }: Group): boolean {
  if (isGroup(first)) return isQuery(first);
  return isWord(first, "select", "with") || (isWord(first, "values") && isGroup(second)) ||
    (isWord(first, "table") && isIdentifier(second));
}

/** Words that cannot be an operand, so that a name after one is no label. */
const NO_OPERANDS =
  "all and any between case collate distinct else from ilike in is isnull like not on operator or similar some then to when"
    .split(" ");

/** An item of a select list without its label, which may follow without AS. */
export function withoutLabel(item: Node[]): Node[] {
  const last = item.length - 1;
  if (last < 1 || !isIdentifier(item[last])) return item;
  const before = item[last - 1];
  if (isWord(before, "as")) return item.slice(0, -2);
  const isOperand = before.kind === "mark" || before.kind === "operator" ||
    isWord(before, ...NO_OPERANDS);
  return isOperand ? item : item.slice(0, -1);
}
