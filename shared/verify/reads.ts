/** Reads through both names: the same rows, or the same refusal, for each persona. */
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { ident } from "../sql/quoting.ts";
import { asClients, become, LEAVE_PERSONA } from "./block.ts";
import type { Names } from "./both_names.ts";
import {
  countAndFingerprint,
  type RowLimits,
  rowsBlock,
  type RowsOutcome,
  type RowsQuery,
} from "./compare_rows.ts";
import { type Persona, readable } from "./personas.ts";
import { field } from "./test_row.ts";

/**
 * Which rows are compared: `all`; the first and last ones that the persona sees (`ends`); or, where to find those
 * would take long, what it sees of the first and last rows of the table (`seen of the ends`).
 */
type ReadExtent = "all" | "ends" | "seen of the ends";

export type ReadOutcome = RowsOutcome<ReadExtent>;

const list = (columns: string[], suffix = "") =>
  columns.map((name) => `t.${ident(name)}${suffix}`).join(", ");

const wholeQuery = (name: string, columns: string[]): string =>
  `${OWN_STATEMENT} select ${countAndFingerprint(columns)} from ${name} as t`;

/** Query for the first and the last rows by key, or, without one, for the first as they are stored. */
function endsQuery(name: string, columns: string[], key: string[], maxRows: number): string {
  const from = `select ${list(columns)} from ${name} as t`;
  const parts = key.length === 0 ? [`${from} limit ${maxRows}`] : [
    `${from} order by ${list(key)} limit ${maxRows}`,
    `${from} order by ${list(key, " desc")} limit ${maxRows}`,
  ];
  return `${OWN_STATEMENT} select ${countAndFingerprint(columns)}
from (${parts.map((part) => `(${part})`).join(" union all ")}) as t`;
}

/** Query for what the persona sees of the table's first and last rows, whose bounds are parameters. */
function boundedQuery(name: string, columns: string[], key: string[]): string {
  const parameters = (offset: number) => key.map((_, index) => `$${offset + index + 1}`).join(", ");
  return `${OWN_STATEMENT} select ${countAndFingerprint(columns)}
from ${name} as t
where (${list(key)}) <= (${parameters(0)}) or (${list(key)}) >= (${parameters(key.length)})`;
}

/** Query for the last one of `maxRows` rows from one end of the table. */
function boundQuery(table: string, key: string[], maxRows: number, fromTheEnd: boolean): string {
  const [there, back] = fromTheEnd ? [" desc", ""] : ["", " desc"];
  return `select ${list(key)} from (
  select ${list(key)} from ${table} as t order by ${list(key, there)} limit ${maxRows}) as t
order by ${list(key, back)} limit 1`;
}

/** @param owner As whom the ends of the table are found. */
export function readBlock(
  persona: Persona,
  owner: Persona,
  names: Names,
  { max_cost, max_rows }: RowLimits,
): string {
  const columns = readable(persona, names.columns);
  const key = names.key.every((name) => columns.includes(name)) ? names.key : [];
  const find = (bound: string, fromTheEnd: boolean) =>
    asClients(boundQuery(names.table, key, max_rows, fromTheEnd), { into: bound });
  const bounded: RowsQuery<ReadExtent> = {
    extent: "seen of the ends",
    sql: (name) => boundedQuery(name, columns, key),
    prepare: `${become(owner)}
    ${find("first_row", false)}
    ${find("last_row", true)}
    ${LEAVE_PERSONA}`,
    using: ` using ${
      ["first_row", "last_row"].flatMap((end) => key.map((name) => field(end, name))).join(", ")
    }`,
  };
  const queries: RowsQuery<ReadExtent>[] = [
    { extent: "all", sql: (name) => wholeQuery(name, columns) },
    { extent: "ends", sql: (name) => endsQuery(name, columns, key, max_rows) },
    ...(key.length === 0 ? [] : [bounded]),
  ];
  return rowsBlock(persona, names, queries, max_cost);
}

export function shownRead(persona: Persona, names: Names, compared: ReadExtent): string {
  const columns = readable(persona, names.columns);
  const list = columns.length === names.columns.length ? "*" : columns.map(ident).join(", ");
  const ends = names.key.length === 0 ? ", the first rows" : ", first and last rows";
  return `select ${list} from ${names.view}${compared === "all" ? "" : ends}`;
}
