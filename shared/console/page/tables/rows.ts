/** The rows of the list of tables: what is shown of each, and which of them a reader has asked for. */
import type { AnalyzedTable, Finding, Migration } from "../../../contract/responses.ts";

export type TableState = "not renamed" | "proposed" | "active" | "finalized";

export interface TableName {
  schema: string;
  table: string;
}

export interface TableRow extends TableName {
  key: string;
  kind: string;
  owner: string;
  bytes: number | null;
  rows: number | null;
  state: TableState;
  /** The last rename of the table, or the one that is proposed. */
  migration?: Migration;
  /** Names by which it is found, in small letters. */
  names: string;
}

/** What the list says of what depends on a table. */
export interface Summary {
  dependants: number;
  counts: { severity: Severity; count: number }[];
}

export type Severity = Finding["severity"];

export interface Filter {
  text: string;
  schema: string | null;
  state: TableState | null;
  /** Only tables with findings at least as bad, as far as they are known. */
  worst: "breaking" | "warning" | null;
}

export const NO_FILTER: Filter = { text: "", schema: null, state: null, worst: null };

export type Order = "name" | "size" | "rows";

export const keyOf = (schema: string, table: string): string => JSON.stringify([schema, table]);

/** @param migrations Newest first. */
export function rowsOf(tables: AnalyzedTable[], migrations: Migration[]): TableRow[] {
  const current = new Map<string, Migration>();
  // The first one of a name counts.
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
      names: [`${schema}.${table}`, migration?.old_name, migration?.new_name].join(" ")
        .toLowerCase(),
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

/**
 * Those of which the filter is true, in order. Each word of the text has to be in a name of the table: its own, the one
 * before its last rename, or one that is proposed.
 */
export function chosenRows(
  rows: TableRow[],
  { text, schema, state, worst }: Filter,
  order: Order,
  known: ReadonlyMap<string, Summary | null>,
): TableRow[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const wanted = worst === null ? null : severitiesFrom(worst);
  const chosen = rows.filter((row) =>
    (schema === null || row.schema === schema) &&
    (state === null || row.state === state) &&
    words.every((word) => row.names.includes(word)) &&
    (wanted === null ||
      known.get(row.key)?.counts.some(({ severity }) => wanted.includes(severity)))
  );
  const byName = (a: TableRow, b: TableRow) =>
    compare(a.schema, b.schema) || compare(a.table, b.table);
  if (order === "name") return chosen.sort(byName);
  const size = (row: TableRow) => (order === "size" ? row.bytes : row.rows) ?? -1;
  return chosen.sort((a, b) => size(b) - size(a) || byName(a, b));
}

const compare = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;

const SEVERITIES: Severity[] = ["breaking", "warning", "info"];

const severitiesFrom = (worst: Severity): Severity[] =>
  SEVERITIES.slice(0, SEVERITIES.indexOf(worst) + 1);

/** Why a table cannot be chosen for a rename now; null if it can. One with an active rename can get a further name. */
export const whyNotChosen = ({ state, migration }: Pick<TableRow, "state" | "migration">) =>
  state === "proposed"
    ? `A rename to ${migration?.new_name} is proposed. Apply or withdraw it first.`
    : null;

/** How many findings there are of each severity, the worst first, without zeros. */
export function countsBySeverity(findings: Finding[]): Summary["counts"] {
  return SEVERITIES.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [{ severity, count }];
  });
}

/** All of them, as the plan counts them. */
export const dependantsOf = ({ dependants }: Pick<AnalyzedTable, "dependants">): number =>
  Object.values(dependants).flat().length;

const NUMBER = new Intl.NumberFormat("en");

export const shownNumber = (number: number): string => NUMBER.format(number);

export const tablesOf = (count: number): string =>
  count === 1 ? "1 table" : `${shownNumber(count)} tables`;

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
