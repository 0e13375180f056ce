/** Choosing many tables at once for the next plan. */
import type { DraftRename } from "../plan/draft.ts";
import { keyOf, type TableName, type TableRow, whyNotChosen } from "./rows.ts";

/** Puts tables into the renames, or out of them. A new name that is there already stays. */
export function withTables(
  renames: DraftRename[],
  tables: TableName[],
  isChosen: boolean,
): DraftRename[] {
  const named = new Set(tables.map(({ schema, table }) => keyOf(schema, table)));
  if (!isChosen) {
    return renames.filter(({ schema, old_name }) => !named.has(keyOf(schema, old_name)));
  }
  for (const { schema, old_name } of renames) named.delete(keyOf(schema, old_name));
  return [
    ...renames,
    ...tables.filter(({ schema, table }) => named.has(keyOf(schema, table)))
      .map(({ schema, table }) => ({ schema, old_name: table, new_name: table })),
  ];
}

/** The rows from one to another in the order of the list, both included, that can be chosen. */
export function rowsBetween(rows: TableRow[], from: string | null, to: string): TableRow[] {
  const end = rows.findIndex(({ key }) => key === to);
  const start = from === null ? end : rows.findIndex(({ key }) => key === from);
  const [first, last] = start === -1 ? [end, end] : [Math.min(start, end), Math.max(start, end)];
  return rows.slice(first, last + 1).filter((row) => whyNotChosen(row) === null);
}
