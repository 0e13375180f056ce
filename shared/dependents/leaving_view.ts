/** A view that goes, seen from what is built on it. */
import type { ColumnFacts, RelationFacts } from "../facts/facts.ts";

/** A view that goes, and what its name will mean by the time definitions are read again. */
export interface LeavingView {
  view: RelationFacts;
  /** The table behind it, which has the view's name then; null where a new view has it. */
  table: RelationFacts | null;
  /** The columns of what has the view's name then. */
  columns: ColumnFacts[];
}

/** Whether what has the view's name then has its columns: the same ones in the same order. */
export function sameColumns({ view, columns }: LeavingView): boolean {
  return view.columns.length === columns.length &&
    view.columns.every((column, index) =>
      column.name === columns[index].name && sameType(column, columns[index])
    );
}

export const sameType = (a: ColumnFacts, b: ColumnFacts): boolean =>
  a.type === b.type && a.collation === b.collation;
