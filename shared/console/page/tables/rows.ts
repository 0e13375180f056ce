/** The rows of the list of tables: what is shown of each, and which of them a reader has asked for. */
import type { AnalyzedTable, Finding, Migration } from "../../../contract/responses.ts";

export type TableState = "not renamed" | "proposed" | "active" | "finalized";

export interface TableRow {
  key: string;
  schema: string;
  table: string;
  kind: string;
  owner: string;
  bytes: number | null;
  rows: number | null;
  state: TableState;
  /** The last rename of the table, or the one that is proposed. */
  migration?: Migration;
}

export interface Filter {
  text: string;
  schema: string | null;
  state: TableState | null;
}

export type Order = "name" | "size" | "rows";

export const keyOf = (schema: string, table: string): string => JSON.stringify([schema, table]);

/** @param migrations All that are not rolled back. */
export function rowsOf(tables: AnalyzedTable[], migrations: Migration[]): TableRow[] {
  const current = new Map<string, Migration>();
  // Newest first: the first one of a name counts.
  for (const migration of migrations) {
    const { schema_name, old_name, new_name, status } = migration;
    if (status === "rolled_back") continue;
    const key = keyOf(schema_name, status === "pending" ? old_name : new_name);
    if (!current.has(key)) current.set(key, migration);
  }
  return tables.map(({ schema, table, kind, owner, estimated_bytes, estimated_rows }) => {
    const key = keyOf(schema, table);
    const migration = current.get(key);
    return {
      key,
      schema,
      table,
      kind,
      owner,
      bytes: estimated_bytes ?? null,
      rows: estimated_rows ?? null,
      state: stateOf(migration),
      migration,
    };
  });
}

function stateOf(migration?: Migration): TableState {
  switch (migration?.status) {
    case "pending":
      return "proposed";
    case "active":
      return "active";
    case "finalized":
      return "finalized";
    default:
      return "not renamed";
  }
}

/** Those of which the filter is true, in order. Each word of the text has to be in the name, or in an earlier one. */
export function chosenRows(
  rows: TableRow[],
  { text, schema, state }: Filter,
  order: Order,
): TableRow[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const chosen = rows.filter((row) => {
    if (schema !== null && row.schema !== schema) return false;
    if (state !== null && row.state !== state) return false;
    if (words.length === 0) return true;
    const names = `${row.schema}.${row.table} ${row.migration?.old_name ?? ""} ${
      row.migration?.new_name ?? ""
    }`
      .toLowerCase();
    return words.every((word) => names.includes(word));
  });
  const byName = (a: TableRow, b: TableRow) =>
    compare(a.schema, b.schema) || compare(a.table, b.table);
  if (order === "name") return chosen.sort(byName);
  const size = (row: TableRow) => (order === "size" ? row.bytes : row.rows) ?? -1;
  return chosen.sort((a, b) => size(b) - size(a) || byName(a, b));
}

const compare = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;

/** How many findings there are of each severity, the worst first, without zeros. */
export function countsBySeverity(
  findings: Finding[],
): { severity: Finding["severity"]; count: number }[] {
  return (["breaking", "warning", "info"] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [{ severity, count }];
  });
}

/** Kinds that are not worth counting beside a table: they go with it, and every table has them. */
const GO_WITH_IT = ["indexes", "sequences", "toast"];

export const dependantsOf = ({ dependants }: AnalyzedTable): number =>
  Object.entries(dependants).reduce(
    (sum, [kind, objects]) => GO_WITH_IT.includes(kind) ? sum : sum + objects.length,
    0,
  );

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** A number of bytes as pg_size_pretty shows it, about. */
export function shownBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
