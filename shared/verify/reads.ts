/** Reads of the table, and joins with the neighbours that foreign keys lead to, both ways, through both names. */
import type { ForeignKeyFacts } from "../facts/verify_facts.ts";
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { asClients, become, field, fields, LEAVE_PERSONA } from "./block.ts";
import { type Names, type StatementPair, throughBoth } from "./both_names.ts";
import {
  countAndFingerprint,
  type RowLimits,
  rowsBlock,
  type RowsOutcome,
  type RowsQuery,
} from "./compare_rows.ts";
import { type Persona, readable } from "./personas.ts";

/**
 * Which rows are compared: `all`; the first and last ones that the persona sees (`ends`); or, where to find those
 * would take long, what it sees of the first and last rows of the table (`seen of the ends`).
 */
type ReadExtent = "all" | "ends" | "seen of the ends";

export type ReadOutcome = RowsOutcome<ReadExtent>;

const descending = (key: string[]) => key.map((name) => `${field("t", name)} desc`).join(", ");

const wholeQuery = (name: string, columns: string[]): string =>
  `${OWN_STATEMENT} select ${countAndFingerprint(columns)} from ${name} as t`;

/** Query for the first and the last rows by key, or, without one, for the first as they are stored. */
function endsQuery(name: string, columns: string[], key: string[], maxRows: number): string {
  const from = `select ${fields("t", columns)} from ${name} as t`;
  const parts = key.length === 0 ? [`${from} limit ${maxRows}`] : [
    `${from} order by ${fields("t", key)} limit ${maxRows}`,
    `${from} order by ${descending(key)} limit ${maxRows}`,
  ];
  return `${OWN_STATEMENT} select ${countAndFingerprint(columns)}
from (${parts.map((part) => `(${part})`).join(" union all ")}) as t`;
}

/** Query for what the persona sees of the table's first and last rows, whose bounds are parameters. */
function boundedQuery(name: string, columns: string[], key: string[]): string {
  const parameters = (offset: number) => key.map((_, index) => `$${offset + index + 1}`).join(", ");
  return `${OWN_STATEMENT} select ${countAndFingerprint(columns)}
from ${name} as t
where (${fields("t", key)}) <= (${parameters(0)})
  or (${fields("t", key)}) >= (${parameters(key.length)})`;
}

/** Query for the last one of `maxRows` rows from one end of the table. */
function boundQuery(table: string, key: string[], maxRows: number, fromTheEnd: boolean): string {
  const [there, back] = fromTheEnd
    ? [descending(key), fields("t", key)]
    : [fields("t", key), descending(key)];
  return `select ${fields("t", key)} from (
  select ${fields("t", key)} from ${table} as t order by ${there} limit ${maxRows}) as t
order by ${back} limit 1`;
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
    using: ` using ${["first_row", "last_row"].map((end) => fields(end, key)).join(", ")}`,
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

/** `all` rows, some rows of the table with their neighbours, or none since even those are too costly. */
export type JoinOutcome = RowsOutcome<"all" | "some" | "none">;

/** The FROM of a join; a table that refers to itself is joined with itself by the same name. */
function joined(key: ForeignKeyFacts, name: string, from = name): string {
  const neighbour = key.direction === "self" ? name : qualified(key.schema, key.table);
  const condition = key.columns.map((column, index) =>
    `t.${ident(column)} = n.${ident(key.neighbour_columns[index])}`
  );
  return `from ${from} as t join ${neighbour} as n on ${condition.join(" and ")}`;
}

/** A join as an application would write it, for its plan. */
export function joinPair(persona: Persona, key: ForeignKeyFacts, names: Names): StatementPair {
  const columns = fields("t", readable(persona, names.columns));
  return throughBoth(names, (name) => `${OWN_STATEMENT} select ${columns} ${joined(key, name)}`);
}

export const shownJoin = (key: ForeignKeyFacts, names: Names): string =>
  `select * ${joined(key, names.view)}`;

export function joinBlock(
  persona: Persona,
  key: ForeignKeyFacts,
  names: Names,
  { max_cost, max_rows }: RowLimits,
): string {
  const columns = readable(persona, names.columns);
  const sampled = names.key.every((name) => columns.includes(name)) ? names.key : [];
  const query = (name: string, from?: string) =>
    `${OWN_STATEMENT} select ${countAndFingerprint(columns)} ${joined(key, name, from)}`;
  const some = (name: string) => {
    const needed = fields("s", [...new Set([...columns, ...key.columns])]);
    const order = sampled.length === 0 ? "" : ` order by ${fields("s", sampled)}`;
    return `(select ${needed} from ${name} as s${order} limit ${max_rows})`;
  };
  return rowsBlock(persona, names, [
    { extent: "all", sql: (name) => query(name) },
    { extent: "some", sql: (name) => query(name, some(name)) },
    { extent: "none", sql: null },
  ], max_cost);
}
