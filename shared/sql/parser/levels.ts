/** What is visible at one level of a query: its relations, the names that WITH gives, the level around it. */
import { isIdentifier, type Node } from "./nodes.ts";
import type { IndexedTable } from "../references/table_index.ts";

export interface Level {
  outer: Level | null;
  /**
   * Names of common table expressions, which hide tables of the same name without a schema; with the names of
   * system columns that they can have.
   */
  expressions: Map<string, Set<string>>;
  relations: LevelRelation[];
  /** Columns that USING makes one of two; NATURAL may do so with any. */
  merged: Set<string>;
  natural: boolean;
}

export interface LevelRelation {
  /** The name by which its columns are qualified: the alias, or else the table's. Null: it has none. */
  name: string | null;
  /** What the alias stands for; null for every relation that is not searched for. */
  table: IndexedTable | null;
  certain: boolean;
  /**
   * The columns with names of system columns that it can have, where it is a subquery, a function or a common
   * table expression; null for every other relation, which has them all.
   */
  exposes: Set<string> | null;
  /** Whether it is part of a JOIN, whose system columns have to be qualified to be seen. */
  joined: boolean;
}

export function newLevel(outer: Level | null): Level {
  return { outer, expressions: new Map(), relations: [], merged: new Set(), natural: false };
}

/** Columns that every table has and no view (manual, 5.5). */
export const SYSTEM_COLUMNS = new Set(["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]);

/** Names of system columns among the nodes, which what they make can have as columns. */
export function systemColumnsIn(nodes: Node[], found = new Set<string>()): Set<string> {
  for (const node of nodes) {
    if (node.kind === "group") systemColumnsIn(node.nodes, found);
    else if (isIdentifier(node) && SYSTEM_COLUMNS.has(node.value)) found.add(node.value);
  }
  return found;
}

/** What a name that WITH gives exposes; null where no WITH gives it. */
export function expressionNamed(level: Level | null, name: string): Set<string> | null {
  for (let one = level; one !== null; one = one.outer) {
    const exposes = one.expressions.get(name);
    if (exposes) return exposes;
  }
  return null;
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
 * The relation that a system column without qualifier belongs to: of a JOIN none, as measured. Where a searched table is one of several at
 * its level it is that one: were there another with system columns, the name would have been ambiguous.
 */
export function systemColumnOwner(level: Level | null, column: string): LevelRelation | null {
  for (let one = level; one !== null; one = one.outer) {
    const table = one.relations.find(({ table, joined }) => table !== null && !joined);
    if (table) return table;
    const another = one.relations.some(({ exposes, joined }) =>
      exposes === null ? !joined : exposes.has(column)
    );
    if (another) return null;
  }
  return null;
}
