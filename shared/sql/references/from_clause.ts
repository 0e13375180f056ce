/** The items of FROM and USING: relations, subqueries and functions, joined or not, with their aliases. */
import type { NameResolver } from "../parser/name_resolver.ts";
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
import {
  addRelation,
  expressionNamed,
  type QueryLevel,
  systemColumnsIn,
} from "../parser/query_levels.ts";
import { isQuery } from "../parser/query_syntax.ts";
import { readExpression, readGroup, readType } from "./expressions.ts";

const JOINS = ["natural", "inner", "left", "right", "full", "cross"];

const beginsJoin = (nodes: Node[], i: number) =>
  isWord(nodes[i], "join") ||
  (isWord(nodes[i], ...JOINS) && isWord(nodes[i + 1], "join", "outer", ...JOINS));

/** Reads the items of FROM or USING and adds their relations to the level. */
export function readFrom(nodes: Node[], level: QueryLevel, resolver: NameResolver): void {
  let i = 0;
  let first = level.relations.length;
  let joining = false;
  while (i < nodes.length) {
    i = readFromItem(nodes, i, level, resolver);
    const from = i;
    while (i < nodes.length && !isMark(nodes[i], ",") && !beginsJoin(nodes, i)) i++;
    const condition = nodes.slice(from, i);
    readExpression(condition.slice(endAtWord(condition, 0, "on") + 1), level, resolver);
    const merged = condition[endAtWord(condition, 0, "using") + 1];
    const columns = isGroup(merged) ? merged.nodes.filter(isIdentifier) : [];
    for (const { value } of columns) level.merged.add(value);
    if (joining) { for (const relation of level.relations.slice(first)) relation.joined = true; }
    joining = beginsJoin(nodes, i);
    if (isMark(nodes[i], ",")) {
      first = level.relations.length;
      i++;
    }
    while (isWord(nodes[i], "join", "outer", ...JOINS)) {
      if (isWord(nodes[i], "natural")) level.natural = true;
      i++;
    }
  }
}

/** Reads one item and returns the index after it. */
function readFromItem(
  nodes: Node[],
  from: number,
  level: QueryLevel,
  resolver: NameResolver,
): number {
  let i = isWord(nodes[from], "lateral") ? from + 1 : from;
  const node = nodes[i];
  if (isGroup(node)) {
    if (!isQuery(node)) {
      readFrom(node.nodes, level, resolver);
      return readAlias(nodes, i + 1, null, resolver).next;
    }
    resolver.readers.query(node.nodes, level, resolver);
    return readDerived(nodes, i + 1, null, systemColumnsIn(node.nodes), level, resolver);
  }
  const functions = nodes[i + 2];
  if (areWords(nodes, i, "rows", "from") && isGroup(functions)) {
    readGroup(functions, level, resolver);
    return readDerived(nodes, i + 3, null, new Set(), level, resolver);
  }
  const only = isWord(node, "only") && (isGroup(nodes[i + 1]) || isIdentifier(nodes[i + 1]));
  if (only) i++;
  const named = nodes[i];
  const inGroup = only && isGroup(named);
  const name = inGroup ? nameAt(named.nodes, 0) : nameAt(nodes, i);
  // No relation, as in SQL that is put together: continue after it.
  if (name === null) return i + 1;
  const next = inGroup ? i + 1 : name.next;
  if (isGroup(nodes[next])) {
    readExpression(nodes.slice(i, next + 1), level, resolver);
    return readDerived(nodes, next + 1, name.last, new Set(), level, resolver);
  }
  return readRelation(nodes, next, name, only, level, resolver);
}

/** Reads what follows the name of a relation. */
function readRelation(
  nodes: Node[],
  from: number,
  name: Name,
  only: boolean,
  level: QueryLevel,
  resolver: NameResolver,
): number {
  const exposes = name.parts.length === 1 ? expressionNamed(level, name.last) : null;
  const tables = exposes ? [] : resolver.resolve(name.parts);
  const star = isOperator(nodes[from], "*") ? from + 1 : from;
  const { alias, next } = readAlias(nodes, star, name.last, resolver);
  const sampled = isWord(nodes[next], "tablesample");
  resolver.note(tables, name.start, sampled ? "tablesample" : null);
  if (only) resolver.note(tables.filter(({ table }) => table.hasChildren), name.start, "only");
  addRelation(level, alias, tables, exposes);
  return next;
}

/** Reads what follows a subquery or a function. */
function readDerived(
  nodes: Node[],
  from: number,
  name: string | null,
  exposes: Set<string>,
  level: QueryLevel,
  resolver: NameResolver,
): number {
  const i = areWords(nodes, from, "with", "ordinality") ? from + 2 : from;
  const { alias, next } = readAlias(nodes, i, name, resolver);
  addRelation(level, alias, [], exposes);
  return next;
}

/** Words that can follow a relation and are no alias without AS. */
const NO_ALIAS = [
  ..."on using join tablesample with where set returning from when default values do".split(" "),
  ..."group having order limit offset fetch for window union intersect except into".split(" "),
  ...JOINS,
];

/** `[AS] alias [(columns)]`; a list of columns can contain types. The default alias is `name`. */
export function readAlias(
  nodes: Node[],
  from: number,
  name: string | null,
  resolver: NameResolver,
): { alias: string | null; next: number } {
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
    for (const column of commaSeparated(columns.nodes)) readType(column, 1, resolver);
    i++;
  }
  return { alias, next: i };
}
