/** What a name in a query can refer to: the relations and common table expressions of its level and those around it. */
import { isIdentifier, type Node } from "./nodes.ts";
import type { IndexedTable, Resolved } from "./table_index.ts";

export interface QueryLevel {
  outer: QueryLevel | null;
  /**
   * Common table expressions by name, each with the names of system columns that it can have. They hide tables of
   * the same name that are written without a schema.
   */
  expressions: Map<string, Set<string>>;
  relations: VisibleRelation[];
  /** Columns that USING merges. NATURAL can merge any. */
  merged: Set<string>;
  natural: boolean;
}

export interface VisibleRelation {
  /** What qualifies its columns: the alias, or else the table's name. Null: nothing does. */
  name: string | null;
  /** Null for every relation that is not in the index. */
  table: IndexedTable | null;
  certain: boolean;
  /**
   * The system columns that a subquery, a function or a common table expression can have; null for every other
   * relation, which has them all.
   */
  exposes: Set<string> | null;
  /** Whether it is part of a JOIN, whose system columns must be qualified. */
  joined: boolean;
}

export function newLevel(outer: QueryLevel | null): QueryLevel {
  return { outer, expressions: new Map(), relations: [], merged: new Set(), natural: false };
}

/** Adds a relation, once for each table that its name can mean. */
export function addRelation(
  level: QueryLevel,
  name: string | null,
  tables: Resolved[],
  exposes: Set<string> | null = null,
): void {
  const relation = { name, table: null, certain: true, exposes, joined: false };
  if (tables.length === 0) level.relations.push(relation);
  level.relations.push(...tables.map((one) => ({ ...relation, ...one })));
}

/** Columns that every table has and no view (manual, 5.5). */
export const SYSTEM_COLUMNS = new Set(["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]);

/** Names of system columns among the nodes of a subquery, which it can have as columns. */
export function systemColumnsIn(nodes: Node[], found = new Set<string>()): Set<string> {
  for (const node of nodes) {
    if (node.kind === "group") systemColumnsIn(node.nodes, found);
    else if (isIdentifier(node) && SYSTEM_COLUMNS.has(node.value)) found.add(node.value);
  }
  return found;
}

/** The level, and those around it from the inside out. */
function* levelsFrom(level: QueryLevel | null): Generator<QueryLevel> {
  for (let one = level; one !== null; one = one.outer) yield one;
}

/** The system columns of the common table expression of this name; null if there is none. */
export function expressionNamed(level: QueryLevel, name: string): Set<string> | null {
  for (const { expressions } of levelsFrom(level)) {
    const exposes = expressions.get(name);
    if (exposes) return exposes;
  }
  return null;
}

/** The innermost relation of this name. */
export function relationNamed(level: QueryLevel | null, name: string): VisibleRelation | null {
  for (const { relations } of levelsFrom(level)) {
    const found = relations.find((relation) => relation.name === name);
    if (found) return found;
  }
  return null;
}

/**
 * The relation that an unqualified system column belongs to: never one of a JOIN, as measured. If one of several
 * relations at a level is in the index, it is that one: if another had system columns, the name would be ambiguous.
 */
export function systemColumnOwner(
  level: QueryLevel | null,
  column: string,
): VisibleRelation | null {
  for (const { relations } of levelsFrom(level)) {
    const owner = relations.find(({ table, joined }) => table !== null && !joined);
    if (owner) return owner;
    const hasColumn = ({ exposes, joined }: VisibleRelation) =>
      exposes === null ? !joined : exposes.has(column);
    if (relations.some(hasColumn)) return null;
  }
  return null;
}
