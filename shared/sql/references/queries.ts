/** Queries: WITH, SELECT, VALUES, TABLE and set operations. */
import {
  commaSeparated,
  isGroup,
  isIdentifier,
  isMark,
  isWord,
  type Node,
} from "../parser/nodes.ts";
import { type Scope, systemColumnsIn } from "../parser/scope.ts";
import { clausesOf, isQuery, withoutLabel } from "../parser/query_syntax.ts";
import { readCatalogQuery } from "./catalog_queries.ts";
import { readExpression } from "./expressions.ts";
import { readFrom } from "./from_clause.ts";
import { readGrouping } from "./group_by.ts";
import { noteLookupInQuery } from "./trigger_names.ts";

/** Reads a query, which may be in parentheses or begin with WITH. */
export function readQuery(nodes: Node[], scope: Scope): void {
  if (isWord(nodes[0], "with")) return readWith(nodes, scope);
  for (const operand of operandsOf(nodes)) {
    const [first, ...rest] = operand;
    if (isWord(first, "select")) readSelect(rest, scope);
    else if (isWord(first, "table")) readFrom(rest, scope.inner());
    else if (isGroup(first) && isQuery(first)) {
      readQuery(first.nodes, scope);
      readExpression(rest, scope);
    } else readExpression(operand, scope);
  }
}

/** The operands of UNION, INTERSECT and EXCEPT. */
function operandsOf(nodes: Node[]): Node[][] {
  const operands: Node[][] = [[]];
  for (let i = 0; i < nodes.length; i++) {
    if (isWord(nodes[i], "union", "intersect", "except") && !isMark(nodes[i - 1], ".")) {
      if (isWord(nodes[i + 1], "all", "distinct")) i++;
      operands.push([]);
    } else operands.at(-1)!.push(nodes[i]);
  }
  return operands;
}

/** WITH and the statement after it. A name is visible to what follows it; with RECURSIVE, everywhere. */
function readWith(nodes: Node[], scope: Scope): void {
  const inner = scope.inner();
  const recursive = isWord(nodes[1], "recursive");
  const expressions: { name: string; body: Node[] }[] = [];
  let i = recursive ? 2 : 1;
  for (;;) {
    const name = nodes[i];
    if (!isIdentifier(name)) break;
    let at = isGroup(nodes[i + 1]) ? i + 2 : i + 1;
    if (!isWord(nodes[at], "as")) break;
    while (isWord(nodes[at], "as", "not", "materialized")) at++;
    const body = nodes[at];
    if (!isGroup(body)) break;
    expressions.push({ name: name.value, body: body.nodes });
    // SEARCH and CYCLE name only columns.
    i = at + 1;
    while (i < nodes.length && !isMark(nodes[i], ",") && !beginsStatement(nodes[i])) i++;
    if (!isMark(nodes[i], ",")) break;
    i++;
  }
  const makeVisible = ({ name, body }: typeof expressions[number]) =>
    inner.expressions.set(name, systemColumnsIn(body));
  if (recursive) expressions.forEach(makeVisible);
  for (const expression of expressions) {
    scope.readers.statement(expression.body, inner);
    makeVisible(expression);
  }
  if (i < nodes.length && beginsStatement(nodes[i])) {
    scope.readers.statement(nodes.slice(i), inner);
  }
}

const beginsStatement = (node: Node) =>
  isGroup(node) ||
  isWord(node, "select", "values", "table", "insert", "update", "delete", "merge");

/** Reads what follows the word SELECT. An expression of PL/pgSQL is read like that, too. */
export function readSelect(nodes: Node[], outer: Scope): void {
  const scope = outer.inner();
  const clauses = clausesOf(nodes);
  readFrom(clauses.from ?? [], scope);
  for (const item of commaSeparated(clauses.list)) readExpression(withoutLabel(item), scope);
  for (const [clause, part] of Object.entries(clauses)) {
    if (clause !== "list" && clause !== "from") readExpression(part!, scope);
  }
  readGrouping(clauses, scope);
  readCatalogQuery(clauses, scope);
  noteLookupInQuery(clauses, scope);
}
