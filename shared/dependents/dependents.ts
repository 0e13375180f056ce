/** What is built on a view that is dropped, and what the view's name means afterwards. */
import type { BuiltObject } from "../facts/built_on.ts";
import type { ColumnFacts, RelationFacts } from "../facts/facts.ts";

export interface DroppedView {
  view: RelationFacts;
  /** The table behind it, which has the view's name while definitions are read again; null: a new view has it. */
  table: RelationFacts | null;
  /** The columns of the relation that has the view's name then. */
  columns: ColumnFacts[];
}

export interface Dependent {
  object: BuiltObject;
  /** The dropped views that it is built on. */
  views: DroppedView[];
  /** By the table's OID, the name it must have while the definition is read again. */
  names: Map<number, string>;
  /** How the server must print the definition afterwards; null: this cannot be predicted. */
  printed: "as before" | "without casts" | null;
}

/** Whether the relation that gets the view's name has the same columns in the same order. */
export function sameColumns({ view, columns }: DroppedView): boolean {
  return view.columns.length === columns.length &&
    view.columns.every((column, index) =>
      column.name === columns[index].name && sameType(column, columns[index])
    );
}

export const sameType = (a: ColumnFacts, b: ColumnFacts): boolean =>
  a.type === b.type && a.collation === b.collation;
