/** INSERT, UPDATE, DELETE and MERGE. */
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
import type { Scope } from "../parser/scope.ts";
import { type Clauses, clausesOf, isQuery } from "../parser/query_syntax.ts";
import type { Resolved } from "../parser/table_index.ts";
import { readExpression } from "./expressions.ts";
import { readFrom, readRelation, relationAt } from "./from_clause.ts";
import { noteLookup } from "./trigger_names.ts";

interface Target {
  tables: Resolved[];
  /** A scope that contains the target alone. */
  inner: Scope;
  next: number;
}

/** `[ONLY] name [*] [[AS] alias]` */
function targetAt(nodes: Node[], from: number, scope: Scope): Target | null {
  const relation = relationAt(nodes, from);
  if (relation === null) return null;
  const inner = scope.inner();
  return { inner, ...readRelation(nodes, relation, null, inner) };
}

export function readInsert(nodes: Node[], scope: Scope): void {
  const name = nameAt(nodes, 2);
  if (!isWord(nodes[1], "into") || name === null) return readExpression(nodes, scope);
  const tables = scope.names.resolve(name.parts);
  const inner = scope.inner();
  const alias = nodes[name.next + 1];
  const hasAlias = isWord(nodes[name.next], "as") && isIdentifier(alias);
  scope.note(tables, name.start, null, null, hasAlias ? null : nodes[name.next - 1].end);
  inner.add(hasAlias ? alias.value : name.last, tables, null, hasAlias ? null : name.start);
  let i = hasAlias ? name.next + 2 : name.next;
  const columns = nodes[i];
  if (isGroup(columns) && !isQuery(columns)) i++;
  if (isWord(nodes[i], "overriding")) i += 3;
  const end = endAtWord(nodes, i, "returning");
  let conflict = i;
  while (conflict < end && !areWords(nodes, conflict, "on", "conflict")) conflict++;
  const source = nodes.slice(i, conflict);
  // The source does not see the target.
  scope.readers.statement(source, scope);
  if (conflict < end) {
    // An existing row under the old name is not the one that conflicts.
    if (indexOfWord(nodes, conflict, "set") >= 0) noteLookup(source, scope);
    readConflict(nodes.slice(conflict + 2, end), tables, inner);
  }
  readExpression(nodes.slice(end + 1), inner);
}

/** `[(target) [WHERE …] | ON CONSTRAINT name] DO NOTHING | DO UPDATE SET … [WHERE …]` */
function readConflict(nodes: Node[], tables: Resolved[], scope: Scope): void {
  const constraint = nodes[2];
  if (areWords(nodes, 0, "on", "constraint") && isIdentifier(constraint)) {
    // If the name can mean several tables, it means one that has the constraint.
    const having = tables.filter(({ table }) => table.constraints.has(constraint.value));
    const meant = having.length > 0 ? having : tables;
    scope.note(meant, constraint.start, "on_conflict_on_constraint", constraint.value);
  }
  const set = endAtWord(nodes, 0, "set");
  const end = endAtWord(nodes, set, "where");
  readExpression(nodes.slice(0, set), scope);
  readAssignments(nodes.slice(set + 1, end), tables, scope);
  readExpression(nodes.slice(end + 1), scope);
}

export function readUpdate(nodes: Node[], scope: Scope): void {
  const target = targetAt(nodes, 1, scope);
  if (target === null) return readExpression(nodes, scope);
  const set = Math.max(indexOfWord(nodes, target.next, "set"), target.next - 1);
  const clauses = clausesOf(nodes.slice(set + 1), ["from", "where", "returning"]);
  readFrom(clauses.from ?? [], target.inner);
  readAssignments(clauses.list, target.tables, target.inner);
  readConditions(clauses, target);
}

export function readDelete(nodes: Node[], scope: Scope): void {
  const target = isWord(nodes[1], "from") ? targetAt(nodes, 2, scope) : null;
  if (target === null) return readExpression(nodes, scope);
  const clauses = clausesOf(nodes.slice(target.next), ["using", "where", "returning"]);
  readFrom(clauses.using ?? [], target.inner);
  readConditions(clauses, target);
}

export function readMerge(nodes: Node[], scope: Scope): void {
  const target = isWord(nodes[1], "into") ? targetAt(nodes, 2, scope) : null;
  if (target === null) return readExpression(nodes, scope);
  const { tables, inner, next } = target;
  scope.note(tables, nodes[0].start, "merge");
  const using = indexOfWord(nodes, next, "using");
  if (using < 0) return;
  let from = endAtWord(nodes, using, "when");
  readFrom(nodes.slice(using + 1, from), inner);
  while (from < nodes.length) {
    const end = endAtWord(nodes, from + 1, "when", "returning");
    const action = nodes.slice(from, end);
    const set = endAtWord(action, 0, "set");
    readExpression(action.slice(0, set), inner);
    readAssignments(action.slice(set + 1), tables, inner);
    from = end;
  }
}

function readConditions({ where = [], returning = [] }: Clauses, { inner, tables }: Target): void {
  if (areWords(where, 0, "current", "of")) {
    inner.note(tables, where[0].start, "where_current_of");
  } else {
    readExpression(where, inner);
    noteLookup(where, inner);
  }
  readExpression(returning, inner);
}

/** `a = 1, (b, c) = (2, DEFAULT)`: notes columns that a view cannot set to their default. */
function readAssignments(nodes: Node[], tables: Resolved[], scope: Scope): void {
  for (const assignment of commaSeparated(nodes)) {
    const equals = assignment.findIndex((node) => isOperator(node, "="));
    if (equals < 0) continue;
    const [target] = assignment;
    const value = assignment.slice(equals + 1);
    const columns = isGroup(target) ? commaSeparated(target.nodes) : [[target]];
    const row = isWord(value[0], "row") ? value[1] : value[0];
    const values = isGroup(target) && isGroup(row) ? commaSeparated(row.nodes) : [value];
    columns.forEach(([column], i) => {
      const isDefault = values[i]?.length === 1 && isWord(values[i][0], "default");
      if (!isIdentifier(column) || !isDefault) return;
      const computed = tables.filter(({ table }) => table.computedColumns.has(column.value));
      scope.note(computed, column.start, "set_default", column.value);
    });
    readExpression(value, scope);
  }
}
