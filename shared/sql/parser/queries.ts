/** Queries: WITH, SELECT, VALUES, TABLE, set operations, and what stands in FROM. */
import { readCatalogQuery } from "../references/catalog_queries.ts";
import { clausesOf } from "./clauses.ts";
import { isQuery, readExpression, readGroup, readType } from "./expressions.ts";
import { readGrouping } from "./group_by.ts";
import {
  expressionNamed,
  type Level,
  type LevelRelation,
  newLevel,
  systemColumnsIn,
} from "./levels.ts";
import {
  areWords,
  commaSeparated,
  indexOfWord,
  isGroup,
  isIdentifier,
  isMark,
  isOperator,
  isWord,
  type Name,
  nameAt,
  type Node,
} from "./nodes.ts";
import type { Reading } from "./reading.ts";
import { readStatement } from "./statements.ts";
import { readLookup } from "../references/trigger_lookups.ts";

/** Reads a query, with what WITH or parentheses stand around it. */
export function readQuery(nodes: Node[], outer: Level | null, reading: Reading): void {
  if (isWord(nodes[0], "with")) return readWith(nodes, outer, reading);
  for (const arm of armsOf(nodes)) {
    const [first] = arm;
    if (isWord(first, "select")) readSelect(arm.slice(1), outer, reading);
    else if (isWord(first, "table")) readFrom(arm.slice(1), newLevel(outer), reading);
    else if (isGroup(first) && isQuery(first)) {
      readQuery(first.nodes, outer, reading);
      readExpression(arm.slice(1), outer, reading);
    } else readExpression(arm, outer, reading);
  }
}

/** The parts of UNION, INTERSECT and EXCEPT. */
function armsOf(nodes: Node[]): Node[][] {
  const arms: Node[][] = [[]];
  for (let i = 0; i < nodes.length; i++) {
    if (isWord(nodes[i], "union", "intersect", "except") && !isMark(nodes[i - 1], ".")) {
      if (isWord(nodes[i + 1], "all", "distinct")) i++;
      arms.push([]);
    } else arms.at(-1)!.push(nodes[i]);
  }
  return arms;
}

/** WITH … and the statement behind it. A name is visible to what follows it; with RECURSIVE, everywhere. */
function readWith(nodes: Node[], outer: Level | null, reading: Reading): void {
  const level = newLevel(outer);
  const recursive = isWord(nodes[1], "recursive");
  const bodies: { name: string; body: Node[] }[] = [];
  let i = recursive ? 2 : 1;
  for (;;) {
    const name = nodes[i];
    if (!isIdentifier(name)) break;
    let at = isGroup(nodes[i + 1]) ? i + 2 : i + 1;
    if (!isWord(nodes[at], "as")) break;
    while (isWord(nodes[at], "as", "not", "materialized")) at++;
    const body = nodes[at];
    if (!isGroup(body)) break;
    bodies.push({ name: name.value, body: body.nodes });
    // SEARCH and CYCLE name columns only.
    i = at + 1;
    while (i < nodes.length && !isMark(nodes[i], ",") && !beginsStatement(nodes[i])) i++;
    if (!isMark(nodes[i], ",")) break;
    i++;
  }
  const makeVisible = ({ name, body }: typeof bodies[number]) =>
    level.expressions.set(name, systemColumnsIn(body));
  if (recursive) bodies.forEach(makeVisible);
  for (const one of bodies) {
    readStatement(one.body, level, reading);
    makeVisible(one);
  }
  if (i < nodes.length && beginsStatement(nodes[i])) readStatement(nodes.slice(i), level, reading);
}

const beginsStatement = (node: Node) =>
  isGroup(node) ||
  isWord(node, "select", "values", "table", "insert", "update", "delete", "merge");

/** A SELECT, of which the first word is taken off; an expression of PL/pgSQL is one, too. */
export function readSelect(nodes: Node[], outer: Level | null, reading: Reading): void {
  const level = newLevel(outer);
  const clauses = clausesOf(nodes);
  readFrom(clauses.from ?? [], level, reading);
  for (const item of commaSeparated(clauses.list!)) {
    readExpression(withoutLabel(item), level, reading);
  }
  for (const [clause, part] of Object.entries(clauses)) {
    if (clause !== "list" && clause !== "from") readExpression(part!, level, reading);
  }
  readGrouping(clauses, level, reading);
  readCatalogQuery(clauses, reading);
  readLookup(clauses, reading);
}

/** Words that cannot be an operand, so that what follows them is no label. */
const NO_OPERANDS =
  "all and any between case collate distinct else from ilike in is isnull like not on operator or similar some then to when"
    .split(" ");

/** An item of a select list without the name that it gets there. */
export function withoutLabel(item: Node[]): Node[] {
  const last = item.length - 1;
  if (last < 1 || !isIdentifier(item[last])) return item;
  const before = item[last - 1];
  if (isWord(before, "as")) return item.slice(0, -2);
  if (before.kind === "mark" || before.kind === "operator" || isWord(before, ...NO_OPERANDS)) {
    return item;
  }
  return item.slice(0, -1);
}

const JOINS = ["natural", "inner", "left", "right", "full", "cross"];

const beginsJoin = (nodes: Node[], i: number) =>
  isWord(nodes[i], "join") ||
  (isWord(nodes[i], ...JOINS) && isWord(nodes[i + 1], "join", "outer", ...JOINS));

/** The items of FROM or USING; their relations become the level's. */
export function readFrom(nodes: Node[], level: Level, reading: Reading): void {
  let i = 0;
  let first = level.relations.length;
  let joining = false;
  while (i < nodes.length) {
    i = readFromItem(nodes, i, level, reading);
    // Conditions see all items, also those that follow; none of them names a table.
    const from = i;
    while (i < nodes.length && !isMark(nodes[i], ",") && !beginsJoin(nodes, i)) i++;
    const rest = nodes.slice(from, i);
    const on = indexOfWord(rest, 0, "on");
    if (on >= 0) readExpression(rest.slice(on + 1), level, reading);
    const using = indexOfWord(rest, 0, "using");
    for (const column of using < 0 ? [] : namesIn(rest[using + 1])) level.merged.add(column);
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

const namesIn = (node: Node | undefined) =>
  isGroup(node) ? node.nodes.filter(isIdentifier).map(({ value }) => value) : [];

function readFromItem(nodes: Node[], from: number, level: Level, reading: Reading): number {
  let i = isWord(nodes[from], "lateral") ? from + 1 : from;
  const node = nodes[i];
  if (isGroup(node)) {
    if (!isQuery(node)) {
      readFrom(node.nodes, level, reading);
      return readAlias(nodes, i + 1, null, reading).next;
    }
    readQuery(node.nodes, level, reading);
    return derived(nodes, i + 1, null, systemColumnsIn(node.nodes), level, reading);
  }
  const functions = nodes[i + 2];
  if (areWords(nodes, i, "rows", "from") && isGroup(functions)) {
    readGroup(functions, level, reading);
    return derived(nodes, i + 3, null, new Set(), level, reading);
  }
  const only = isWord(node, "only") && (isGroup(nodes[i + 1]) || isIdentifier(nodes[i + 1]));
  if (only) i++;
  const inside = only && isGroup(nodes[i]) ? nodes[i] : null;
  const name = inside?.kind === "group" ? nameAt(inside.nodes, 0) : nameAt(nodes, i);
  // Nothing that could be a relation, as in SQL that is put together: go on behind it.
  if (name === null) return i + 1;
  const next = inside === null ? name.next : i + 1;
  if (isGroup(nodes[next])) {
    readExpression(nodes.slice(i, next + 1), level, reading);
    return derived(nodes, next + 1, name.parts.at(-1)!, new Set(), level, reading);
  }
  return readRelation(nodes, next, { name, only }, level, reading);
}

/** A relation by its name, with what can follow it. */
function readRelation(
  nodes: Node[],
  from: number,
  { name, only }: { name: Name; only: boolean },
  level: Level,
  reading: Reading,
): number {
  const exposes = name.parts.length === 1 ? expressionNamed(level, name.parts[0]) : null;
  const tables = exposes ? [] : reading.resolve(name.parts);
  const star = isOperator(nodes[from], "*") ? from + 1 : from;
  const { alias, next } = readAlias(nodes, star, name.parts.at(-1)!, reading);
  const sampled = isWord(nodes[next], "tablesample");
  reading.use(tables, name.start, sampled ? "tablesample" : null);
  if (only) reading.use(tables.filter(({ table }) => table.hasChildren), name.start, "only");
  const relation: LevelRelation = {
    name: alias,
    table: null,
    certain: true,
    exposes,
    joined: false,
  };
  level.relations.push(
    ...tables.length === 0 ? [relation] : tables.map((one) => ({ ...relation, ...one })),
  );
  return next;
}

function derived(
  nodes: Node[],
  from: number,
  name: string | null,
  exposes: Set<string>,
  level: Level,
  reading: Reading,
): number {
  const i = areWords(nodes, from, "with", "ordinality") ? from + 2 : from;
  const { alias, next } = readAlias(nodes, i, name, reading);
  level.relations.push({ name: alias, table: null, certain: true, exposes, joined: false });
  return next;
}

/** Words that can follow a relation and are no alias, unless AS says so. */
const NO_ALIAS = [
  ..."on using join tablesample with where set returning from when default values do".split(" "),
  ..."group having order limit offset fetch for window union intersect except into".split(" "),
  ...JOINS,
];

/** `[AS] alias [(columns)]`; a column list can hold types. */
export function readAlias(
  nodes: Node[],
  from: number,
  name: string | null,
  reading: Reading,
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
  if ((as || i > from) && isGroup(columns)) {
    for (const column of commaSeparated(columns.nodes)) readType(column, 1, reading);
    i++;
  }
  return { alias, next: i };
}
