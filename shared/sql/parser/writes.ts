/** INSERT, UPDATE, DELETE and MERGE, of which the first word tells which it is. */
import { isQuery, readExpression } from "./expressions.ts";
import { type Level, newLevel } from "./levels.ts";
import {
  areWords,
  commaSeparated,
  indexOfWord,
  isGroup,
  isIdentifier,
  isMark,
  isOperator,
  isWord,
  nameAt,
  type Node,
} from "./nodes.ts";
import { readAlias, readFrom } from "./queries.ts";
import type { Reading, Resolved } from "./reading.ts";
import { readStatement } from "./statements.ts";
import { noteLookup } from "../references/trigger_lookups.ts";

/** What is written to. */
interface Target {
  tables: Resolved[];
  /** A level with the target alone. */
  level: Level;
  next: number;
}

/** `[ONLY] name [*] [[AS] alias]` */
function targetAt(
  nodes: Node[],
  from: number,
  outer: Level | null,
  reading: Reading,
): Target | null {
  const only = isWord(nodes[from], "only");
  const group = only ? nodes[from + 1] : undefined;
  const i = only ? from + 1 : from;
  const name = isGroup(group) ? nameAt(group.nodes, 0) : nameAt(nodes, i);
  if (name === null) return null;
  const after = isGroup(group) ? i + 1 : name.next;
  const tables = reading.resolve(name.parts);
  reading.use(tables, name.start);
  if (only) reading.use(tables.filter(({ table }) => table.hasChildren), name.start, "only");
  const star = isOperator(nodes[after], "*") ? after + 1 : after;
  const { alias, next } = readAlias(nodes, star, name.parts.at(-1)!, reading);
  const level = newLevel(outer);
  addTarget(level, alias, tables);
  return { tables, level, next };
}

function addTarget(level: Level, name: string | null, tables: Resolved[]): void {
  const relation = { name, table: null, certain: true, exposes: null, joined: false };
  level.relations.push(
    ...tables.length === 0 ? [relation] : tables.map((one) => ({ ...relation, ...one })),
  );
}

export function readInsert(nodes: Node[], outer: Level | null, reading: Reading): void {
  const name = nameAt(nodes, 2);
  if (!isWord(nodes[1], "into") || name === null) return readExpression(nodes, outer, reading);
  const tables = reading.resolve(name.parts);
  reading.use(tables, name.start);
  const level = newLevel(outer);
  const alias = nodes[name.next + 1];
  const hasAlias = isWord(nodes[name.next], "as") && isIdentifier(alias);
  addTarget(level, hasAlias ? alias.value : name.parts.at(-1)!, tables);
  let i = hasAlias ? name.next + 2 : name.next;
  const columns = nodes[i];
  if (isGroup(columns) && !isQuery(columns)) i++;
  if (isWord(nodes[i], "overriding")) i += 3;
  const returning = indexOfWord(nodes, i, "returning");
  const end = returning < 0 ? nodes.length : returning;
  const conflict = conflictAt(nodes, i, end);
  // The source sees nothing of the target.
  readStatement(nodes.slice(i, conflict), outer, reading);
  if (conflict < end) {
    // A row that is there under the old name is not the one that conflicts.
    if (indexOfWord(nodes, conflict, "set") >= 0) noteLookup(nodes.slice(i, conflict), reading);
    readConflict(nodes.slice(conflict + 2, end), { tables, level }, reading);
  }
  readExpression(nodes.slice(end + 1), level, reading);
}

/** Where ON CONFLICT begins, or the end. */
function conflictAt(nodes: Node[], from: number, end: number): number {
  for (let i = from; i < end; i++) if (areWords(nodes, i, "on", "conflict")) return i;
  return end;
}

/** `[(target) [WHERE …] | ON CONSTRAINT name] DO NOTHING | DO UPDATE SET … [WHERE …]` */
function readConflict(
  nodes: Node[],
  { tables, level }: Omit<Target, "next">,
  reading: Reading,
): void {
  const constraint = nodes[2];
  if (areWords(nodes, 0, "on", "constraint") && isIdentifier(constraint)) {
    // Where the name can mean several tables, only one that has the constraint is meant.
    const having = tables.filter(({ table }) => table.constraints.has(constraint.value));
    const meant = having.length > 0 ? having : tables;
    reading.use(meant, constraint.start, "on_conflict_on_constraint", constraint.value);
  }
  const set = indexOfWord(nodes, 0, "set");
  if (set < 0) return readExpression(nodes, level, reading);
  const where = indexOfWord(nodes, set, "where");
  const end = where < 0 ? nodes.length : where;
  readExpression(nodes.slice(0, set), level, reading);
  readAssignments(nodes.slice(set + 1, end), tables, level, reading);
  readExpression(nodes.slice(end + 1), level, reading);
}

export function readUpdate(nodes: Node[], outer: Level | null, reading: Reading): void {
  const target = targetAt(nodes, 1, outer, reading);
  if (target === null) return readExpression(nodes, outer, reading);
  const set = Math.max(indexOfWord(nodes, target.next, "set"), target.next - 1);
  const parts = tailOf(nodes.slice(set + 1), ["from", "where", "returning"]);
  readFrom(parts.from, target.level, reading);
  readAssignments(parts.head, target.tables, target.level, reading);
  readCondition(parts.where, target, reading);
  readExpression(parts.returning, target.level, reading);
}

export function readDelete(nodes: Node[], outer: Level | null, reading: Reading): void {
  const target = isWord(nodes[1], "from") ? targetAt(nodes, 2, outer, reading) : null;
  if (target === null) return readExpression(nodes, outer, reading);
  const parts = tailOf(nodes.slice(target.next), ["using", "where", "returning"]);
  readFrom(parts.using, target.level, reading);
  readCondition(parts.where, target, reading);
  readExpression(parts.returning, target.level, reading);
}

export function readMerge(nodes: Node[], outer: Level | null, reading: Reading): void {
  const target = isWord(nodes[1], "into") ? targetAt(nodes, 2, outer, reading) : null;
  if (target === null) return readExpression(nodes, outer, reading);
  reading.use(target.tables, nodes[0].start, "merge");
  const using = indexOfWord(nodes, target.next, "using");
  if (using < 0) return;
  let when = indexOfWord(nodes, using, "when");
  if (when < 0) when = nodes.length;
  readFrom(nodes.slice(using + 1, when), target.level, reading);
  for (let from = when; from < nodes.length;) {
    const next = indexOfWord(nodes, from + 1, "when", "returning");
    const action = nodes.slice(from, next < 0 ? nodes.length : next);
    const set = indexOfWord(action, 0, "set");
    readExpression(set < 0 ? action : action.slice(0, set), target.level, reading);
    if (set >= 0) readAssignments(action.slice(set + 1), target.tables, target.level, reading);
    from = next < 0 ? nodes.length : next;
  }
}

/** The clauses that begin with these words, each without its word; `head` is what comes before them. */
function tailOf<Word extends string>(
  nodes: Node[],
  words: Word[],
): Record<Word | "head", Node[]> {
  const parts = { head: [] } as Record<string, Node[]>;
  for (const word of words) parts[word] = [];
  let current = parts.head;
  nodes.forEach((node, i) => {
    const distinct = isWord(nodes[i - 1], "distinct") && isWord(nodes[i - 2], "is", "not");
    const begins = isWord(node, ...words) && !distinct && !isMark(nodes[i - 1], ".");
    if (begins) current = parts[node.value];
    else current.push(node);
  });
  return parts;
}

function readCondition(where: Node[], { level, tables }: Target, reading: Reading): void {
  if (areWords(where, 0, "current", "of")) {
    reading.use(tables, where[0].start, "where_current_of");
  } else {
    readExpression(where, level, reading);
    noteLookup(where, reading);
  }
}

/** `a = 1, (b, c) = (2, DEFAULT)`: notes columns that a view cannot set to their default. */
function readAssignments(
  nodes: Node[],
  tables: Resolved[],
  level: Level,
  reading: Reading,
): void {
  for (const assignment of commaSeparated(nodes)) {
    const equals = assignment.findIndex((node) => isOperator(node, "="));
    if (equals < 0) continue;
    const [target] = assignment;
    const value = assignment.slice(equals + 1);
    const columns = isGroup(target) ? commaSeparated(target.nodes) : [[target]];
    const row = isWord(value[0], "row") ? value[1] : value[0];
    const values = isGroup(target) && isGroup(row) ? commaSeparated(row.nodes) : [value];
    columns.forEach(([column], i) => {
      if (!isIdentifier(column) || !isDefault(values[i])) return;
      const computed = tables.filter(({ table }) => table.computedColumns.has(column.value));
      reading.use(computed, column.start, "set_default", column.value);
    });
    readExpression(value, level, reading);
  }
}

const isDefault = (value: Node[] | undefined) => value?.length === 1 && isWord(value[0], "default");
