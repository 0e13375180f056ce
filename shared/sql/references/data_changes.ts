/** INSERT, UPDATE, DELETE and MERGE. */
import type { NameResolver } from "../parser/name_resolver.ts";
import {
  areWords,
  commaSeparated,
  endAtWord,
  indexOfWord,
  isGroup,
  isIdentifier,
  isOperator,
  isWord,
  nameAt,
  type Node,
} from "../parser/nodes.ts";
import { addRelation, newLevel, type QueryLevel } from "../parser/query_levels.ts";
import { clausesOf, isQuery } from "../parser/query_syntax.ts";
import type { Resolved } from "../parser/table_index.ts";
import { readExpression } from "./expressions.ts";
import { readAlias, readFrom } from "./from_clause.ts";
import { noteLookup } from "./trigger_names.ts";

/** What is written to. */
interface Target {
  tables: Resolved[];
  /** A level that contains the target alone. */
  level: QueryLevel;
  next: number;
}

/** `[ONLY] name [*] [[AS] alias]` */
function targetAt(
  nodes: Node[],
  from: number,
  outer: QueryLevel | null,
  resolver: NameResolver,
): Target | null {
  const only = isWord(nodes[from], "only");
  const i = only ? from + 1 : from;
  const named = nodes[i];
  const inGroup = only && isGroup(named);
  const name = inGroup ? nameAt(named.nodes, 0) : nameAt(nodes, i);
  if (name === null) return null;
  const after = inGroup ? i + 1 : name.next;
  const tables = resolver.noteName(name);
  if (only) resolver.note(tables.filter(({ table }) => table.hasChildren), name.start, "only");
  const star = isOperator(nodes[after], "*") ? after + 1 : after;
  const { alias, next } = readAlias(nodes, star, name.last, resolver);
  const level = newLevel(outer);
  addRelation(level, alias, tables);
  return { tables, level, next };
}

export function readInsert(nodes: Node[], outer: QueryLevel | null, resolver: NameResolver): void {
  const name = nameAt(nodes, 2);
  if (!isWord(nodes[1], "into") || name === null) return readExpression(nodes, outer, resolver);
  const tables = resolver.noteName(name);
  const level = newLevel(outer);
  const alias = nodes[name.next + 1];
  const hasAlias = isWord(nodes[name.next], "as") && isIdentifier(alias);
  addRelation(level, hasAlias ? alias.value : name.last, tables);
  let i = hasAlias ? name.next + 2 : name.next;
  const columns = nodes[i];
  if (isGroup(columns) && !isQuery(columns)) i++;
  if (isWord(nodes[i], "overriding")) i += 3;
  const end = endAtWord(nodes, i, "returning");
  let conflict = i;
  while (conflict < end && !areWords(nodes, conflict, "on", "conflict")) conflict++;
  const source = nodes.slice(i, conflict);
  // The source does not see the target.
  resolver.readers.statement(source, outer, resolver);
  if (conflict < end) {
    // An existing row under the old name is not the one that conflicts.
    if (indexOfWord(nodes, conflict, "set") >= 0) noteLookup(source, resolver);
    readConflict(nodes.slice(conflict + 2, end), tables, level, resolver);
  }
  readExpression(nodes.slice(end + 1), level, resolver);
}

/** `[(target) [WHERE …] | ON CONSTRAINT name] DO NOTHING | DO UPDATE SET … [WHERE …]` */
function readConflict(
  nodes: Node[],
  tables: Resolved[],
  level: QueryLevel,
  resolver: NameResolver,
): void {
  const constraint = nodes[2];
  if (areWords(nodes, 0, "on", "constraint") && isIdentifier(constraint)) {
    // If the name can mean several tables, it means one that has the constraint.
    const having = tables.filter(({ table }) => table.constraints.has(constraint.value));
    const meant = having.length > 0 ? having : tables;
    resolver.note(meant, constraint.start, "on_conflict_on_constraint", constraint.value);
  }
  const set = indexOfWord(nodes, 0, "set");
  if (set < 0) return readExpression(nodes, level, resolver);
  const end = endAtWord(nodes, set, "where");
  readExpression(nodes.slice(0, set), level, resolver);
  readAssignments(nodes.slice(set + 1, end), tables, level, resolver);
  readExpression(nodes.slice(end + 1), level, resolver);
}

export function readUpdate(nodes: Node[], outer: QueryLevel | null, resolver: NameResolver): void {
  const target = targetAt(nodes, 1, outer, resolver);
  if (target === null) return readExpression(nodes, outer, resolver);
  const { tables, level, next } = target;
  const set = Math.max(indexOfWord(nodes, next, "set"), next - 1);
  const clauses = clausesOf(nodes.slice(set + 1), ["from", "where", "returning"]);
  readFrom(clauses.from ?? [], level, resolver);
  readAssignments(clauses.list, tables, level, resolver);
  readCondition(clauses.where ?? [], target, resolver);
  readExpression(clauses.returning ?? [], level, resolver);
}

export function readDelete(nodes: Node[], outer: QueryLevel | null, resolver: NameResolver): void {
  const target = isWord(nodes[1], "from") ? targetAt(nodes, 2, outer, resolver) : null;
  if (target === null) return readExpression(nodes, outer, resolver);
  const clauses = clausesOf(nodes.slice(target.next), ["using", "where", "returning"]);
  readFrom(clauses.using ?? [], target.level, resolver);
  readCondition(clauses.where ?? [], target, resolver);
  readExpression(clauses.returning ?? [], target.level, resolver);
}

export function readMerge(nodes: Node[], outer: QueryLevel | null, resolver: NameResolver): void {
  const target = isWord(nodes[1], "into") ? targetAt(nodes, 2, outer, resolver) : null;
  if (target === null) return readExpression(nodes, outer, resolver);
  const { tables, level, next } = target;
  resolver.note(tables, nodes[0].start, "merge");
  const using = indexOfWord(nodes, next, "using");
  if (using < 0) return;
  let from = endAtWord(nodes, using, "when");
  readFrom(nodes.slice(using + 1, from), level, resolver);
  while (from < nodes.length) {
    const end = endAtWord(nodes, from + 1, "when", "returning");
    const action = nodes.slice(from, end);
    const set = endAtWord(action, 0, "set");
    readExpression(action.slice(0, set), level, resolver);
    readAssignments(action.slice(set + 1), tables, level, resolver);
    from = end;
  }
}

function readCondition(
  where: Node[],
  { level, tables }: Target,
  resolver: NameResolver,
): void {
  if (areWords(where, 0, "current", "of")) {
    resolver.note(tables, where[0].start, "where_current_of");
  } else {
    readExpression(where, level, resolver);
    noteLookup(where, resolver);
  }
}

/** `a = 1, (b, c) = (2, DEFAULT)`: notes columns that a view cannot set to their default. */
function readAssignments(
  nodes: Node[],
  tables: Resolved[],
  level: QueryLevel,
  resolver: NameResolver,
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
      resolver.note(computed, column.start, "set_default", column.value);
    });
    readExpression(value, level, resolver);
  }
}

const isDefault = (value: Node[] | undefined) => value?.length === 1 && isWord(value[0], "default");
