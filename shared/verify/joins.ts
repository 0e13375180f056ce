/** Joins through both names, with the neighbours that foreign keys lead to, both ways. */
import type { ForeignKeyFacts } from "../facts/verify_facts.ts";
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { type Names, type StatementPair, throughBoth } from "./both_names.ts";
import {
  countAndFingerprint,
  type RowLimits,
  rowsBlock,
  type RowsOutcome,
} from "./compare_rows.ts";
import { type Persona, readable } from "./personas.ts";

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
  const columns = readable(persona, names.columns).map((name) => `t.${ident(name)}`).join(", ");
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
  const list = (names: string[]) => names.map((column) => `s.${ident(column)}`).join(", ");
  const some = (name: string) => {
    const needed = list([...new Set([...columns, ...key.columns])]);
    const order = sampled.length === 0 ? "" : ` order by ${list(sampled)}`;
    return `(select ${needed} from ${name} as s${order} limit ${max_rows})`;
  };
  return rowsBlock(persona, names, [
    { extent: "all", sql: (name) => query(name) },
    { extent: "some", sql: (name) => query(name, some(name)) },
    { extent: "none", sql: null },
  ], max_cost);
}
