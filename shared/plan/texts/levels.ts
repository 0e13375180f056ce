/** What is visible at one level of a query: its relations, the names that WITH gives, the level around it. */
import type { IndexedTable } from "./table_index.ts";

export interface Level {
  outer: Level | null;
  /** Names of common table expressions, which hide tables of the same name without a schema. */
  expressions: Set<string>;
  relations: LevelRelation[];
}

export interface LevelRelation {
  /** The name by which its columns are qualified: the alias, or else the table's. Null: it has none. */
  name: string | null;
  /** What the alias stands for; null for every relation that is not searched for. */
  table: IndexedTable | null;
  certain: boolean;
  /** Whether it is a subquery, function or common table expression: those have no system columns. */
  derived: boolean;
}

export function newLevel(outer: Level | null): Level {
  return { outer, expressions: new Set(), relations: [] };
}

export function isExpressionName(level: Level | null, name: string): boolean {
  for (let one = level; one !== null; one = one.outer) if (one.expressions.has(name)) return true;
  return false;
}

/** The relation that a qualifier means: the innermost of the name. */
export function relationNamed(level: Level | null, name: string): LevelRelation | null {
  for (let one = level; one !== null; one = one.outer) {
    const found = one.relations.find((relation) => relation.name === name);
    if (found) return found;
  }
  return null;
}

/**
 * The relation that a system column without qualifier belongs to. Where a searched table is one of several at
 * its level it is that one: were there another with system columns, the name would have been ambiguous.
 */
export function systemColumnOwner(level: Level | null): LevelRelation | null {
  for (let one = level; one !== null; one = one.outer) {
    const table = one.relations.find((relation) => relation.table !== null);
    if (table) return table;
    if (one.relations.length > 0) return null;
  }
  return null;
}
