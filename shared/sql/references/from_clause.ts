/** The items of FROM and USING: relations, subqueries and functions, joined or not, with their aliases. */
import {
  areWords,
  commaSeparated,
  endAtWord,
  isGroup,
  isIdentifier,
  isMark,
  isOperator,
  isWord,
  type Name,
  nameAt,
  type Node,
} from "../parser/nodes.ts";
import { type Scope, systemColumnsIn } from "../parser/scope.ts";
import { isQuery } from "../parser/query_syntax.ts";
import type { Resolved } from "../parser/table_index.ts";
import { readExpression, readGroup, readType } from "./expressions.ts";

const JOINS = ["natural", "inner", "left", "right", "full", "cross"];

const beginsJoin = (nodes: Node[], i: number) =>
  isWord(nodes[i], "join") ||
  (isWord(nodes[i], ...JOINS) && isWord(nodes[i + 1], "join", "outer", ...JOINS));

/** Reads the items of FROM or USING and adds their relations to the scope. */
export function readFrom(nodes: Node[], scope: Scope): void {
  let i = 0;
  let first = scope.relations.length;
  let joining = false;
  while (i < nodes.length) {
    i = readFromItem(nodes, i, scope);
    const from = i;
    while (i < nodes.length && !isMark(nodes[i], ",") && !beginsJoin(nodes, i)) i++;
    const condition = nodes.slice(from, i);
    readExpression(condition.slice(endAtWord(condition, 0, "on") + 1), scope);
    const merged = condition[endAtWord(condition, 0, "using") + 1];
    const columns = isGroup(merged) ? merged.nodes.filter(isIdentifier) : [];
    for (const { value } of columns) scope.merged.add(value);
    if (joining) { for (const relation of scope.relations.slice(first)) relation.joined = true; }
    joining = beginsJoin(nodes, i);
    if (isMark(nodes[i], ",")) {
      first = scope.relations.length;
      i++;
    }
    while (isWord(nodes[i], "join", "outer", ...JOINS)) {
      if (isWord(nodes[i], "natural")) scope.natural = true;
      i++;
    }
  }
}

/** Reads one item and returns the index after it. */
function readFromItem(nodes: Node[], from: number, scope: Scope): number {
  const i = isWord(nodes[from], "lateral") ? from + 1 : from;
  const node = nodes[i];
  const functions = nodes[i + 2];
  if (isGroup(node)) {
    if (!isQuery(node)) {
      readFrom(node.nodes, scope);
      return readAlias(nodes, i + 1, null, scope).next;
    }
    scope.readers.query(node.nodes, scope);
    return readDerived(nodes, i + 1, null, systemColumnsIn(node.nodes), scope);
  }
  if (areWords(nodes, i, "rows", "from") && isGroup(functions)) {
    readGroup(functions, scope);
    return readDerived(nodes, i + 3, null, new Set(), scope);
  }
  const relation = relationAt(nodes, i);
  // No relation, as in SQL that is put together: continue after it.
  if (relation === null) return i + 1;
  const { name, next } = relation;
  if (isGroup(nodes[next])) {
    readExpression(nodes.slice(i, next + 1), scope);
    return readDerived(nodes, next + 1, name.last, new Set(), scope);
  }
  const exposes = name.parts.length === 1 ? scope.expressionNamed(name.last) : null;
  return readRelation(nodes, relation, exposes, scope).next;
}

interface NamedRelation {
  name: Name;
  only: boolean;
  /** Index of the node after the name, or after the parentheses around it. */
  next: number;
}

/** `[ONLY] name` or `ONLY (name)`; null if there is no name. */
export function relationAt(nodes: Node[], from: number): NamedRelation | null {
  const group = nodes[from + 1];
  const only = isWord(nodes[from], "only") && (isGroup(group) || isIdentifier(group));
  const name = only
    ? isGroup(group) ? nameAt(group.nodes, 0) : nameAt(nodes, from + 1)
    : nameAt(nodes, from);
  return name && { name, only, next: only && isGroup(group) ? from + 2 : name.next };
}

/**
 * Reads `[*] [[AS] alias]` after the name of a relation, and adds the relation to the scope.
 *
 * @param exposes The system columns of the common table expression that has the name; null if none has.
 */
export function readRelation(
  nodes: Node[],
  { name, only, next: from }: NamedRelation,
  exposes: Set<string> | null,
  scope: Scope,
): { tables: Resolved[]; next: number } {
  const tables = exposes ? [] : scope.names.resolve(name.parts);
  const star = isOperator(nodes[from], "*") ? from + 1 : from;
  const { alias, given, next } = readAlias(nodes, star, name.last, scope);
  const sampled = isWord(nodes[next], "tablesample");
  const aliasAt = next === star ? nodes[star - 1].end : null;
  scope.note(tables, name.start, sampled ? "tablesample" : null, null, aliasAt);
  if (only) scope.note(tables.filter(({ table }) => table.hasChildren), name.start, "only");
  scope.add(alias, tables, exposes, given ? null : name.start);
  return { tables, next };
}

/** Reads what follows a subquery or a function. */
function readDerived(
  nodes: Node[],
  from: number,
  name: string | null,
  exposes: Set<string>,
  scope: Scope,
): number {
  const i = areWords(nodes, from, "with", "ordinality") ? from + 2 : from;
  const { alias, next } = readAlias(nodes, i, name, scope);
  scope.add(alias, [], exposes);
  return next;
}

/** Words that can follow a relation and are no alias without AS. */
const NO_ALIAS = [
  ..."on using join tablesample with where set returning from when default values do".split(" "),
  ..."group having order limit offset fetch for window union intersect except into".split(" "),
  ...JOINS,
];

/** `[AS] alias [(columns)]`; a list of columns can contain types. The default alias is `name`. */
function readAlias(
  nodes: Node[],
  from: number,
  name: string | null,
  scope: Scope,
): { alias: string | null; given: boolean; next: number } {
  const as = isWord(nodes[from], "as");
  let i = as ? from + 1 : from;
  let alias = name;
  const node = nodes[i];
  if (isIdentifier(node) && (as || !isWord(node, ...NO_ALIAS))) {
    alias = node.value;
    i++;
  }
  const columns = nodes[i];
  if (i > from && isGroup(columns)) {
    for (const column of commaSeparated(columns.nodes)) readType(column, 1, scope);
    i++;
  }
  return { alias, given: i > from, next: i };
}
