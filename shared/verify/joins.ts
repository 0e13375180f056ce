/** Joins with the neighbours that foreign keys lead to, both ways, through both names. */
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import type { VerifyFailure } from "../contract/responses.ts";
import type { ForeignKeyFacts } from "../facts/verify_facts.ts";
import type { Pair } from "./plans.ts";
import {
  fingerprintOf,
  readable,
  type ReadLimits,
  type ReadOutcome,
  type ReadTarget,
} from "./reads.ts";
import { namedInError } from "./broken.ts";
import { ANYTHING, asClients, leaveOutcome, type NameOutcome, saying } from "./trial.ts";
import { BE_ONESELF, become, ONESELF, type Persona, present } from "./personas.ts";

/** The neighbour as SQL: a table that refers to itself is joined with itself, by the same name. */
const other = ({ direction, schema, table }: ForeignKeyFacts, name: string): string =>
  direction === "self" ? name : qualified(schema, table);

const condition = ({ columns, neighbour_columns }: ForeignKeyFacts): string =>
  columns.map((name, index) => `t.${ident(name)} = n.${ident(neighbour_columns[index])}`)
    .join(" and ");

const joined = (key: ForeignKeyFacts, name: string, from = name): string =>
  `from ${from} as t join ${other(key, name)} as n on ${condition(key)}`;

/** A join as an application would write it, for its plan. */
export function joinPair(persona: Persona, key: ForeignKeyFacts, target: ReadTarget): Pair {
  const columns = readable(persona, target.columns).map((name) => `t.${ident(name)}`).join(", ");
  const build = (name: string) => `${OWN_STATEMENT} select ${columns} ${joined(key, name)}`;
  return { table: build(target.table), view: build(target.view) };
}

/** What is joined, for people. */
export const shownJoin = (key: ForeignKeyFacts, target: ReadTarget): string =>
  `select * ${joined(key, target.view)}`;

export interface JoinOutcome extends Omit<ReadOutcome, "compared"> {
  /** `all` rows, some rows of the table with their neighbours, or none since even that is too costly. */
  compared: "all" | "some" | "none";
}

/** The block that joins as one persona; its outcome is a `JoinOutcome`. */
export function joinBlock(
  persona: Persona,
  key: ForeignKeyFacts,
  target: ReadTarget,
  { maxCost, maxRows }: ReadLimits,
): string {
  const columns = readable(persona, target.columns);
  const sampled = target.key.every((name) => columns.includes(name)) ? target.key : [];
  const query = (name: string, from?: string) =>
    `${OWN_STATEMENT} select pg_catalog.count(*), ${fingerprintOf(columns)} ${
      joined(key, name, from)
    }`;
  const some = (name: string) => {
    const order = sampled.length === 0
      ? ""
      : ` order by ${sampled.map((column) => `s.${ident(column)}`).join(", ")}`;
    const needed = [...new Set([...columns, ...key.columns])].map((column) => `s.${ident(column)}`);
    return query(
      name,
      `(select ${needed.join(", ")} from ${name} as s${order} limit ${maxRows})`,
    );
  };
  const cost = (which: string, text: (name: string) => string) =>
    [target.table, target.view].map((name) => `
  begin
    ${become(persona)}
    ${asClients(`execute ${literal(`explain (format json) ${text(name)}`)} into plan;`)}
    ${BE_ONESELF}
    ${which} := greatest(${which}, (plan -> 0 -> 'Plan' ->> 'Total Cost')::float8);
  exception when ${ANYTHING} then null;
  end;`).join("");
  const read = (name: string, which: "table" | "view") => `
    begin
      ${become(persona)}
      ${
    asClients(
      `execute case when compared = 'all' then ${literal(query(name))} else ${
        literal(some(name))
      } end
        into ${which}_rows, ${which}_print;`,
    )
  }
      ${BE_ONESELF}
    exception when ${ANYTHING} then ${which}_state := sqlstate; named := coalesce(named, ${
    namedInError(target.bare)
  });
    end;`;
  return `
declare
  ${ONESELF}
  plan json;
  all_cost float8 := 0;
  some_cost float8 := 0;
  compared text; named text;
  table_state text; table_rows int8; table_print numeric;
  view_state text; view_rows int8; view_print numeric;
begin
  ${present(persona)}${cost("all_cost", (name) => query(name))}${cost("some_cost", some)}
  compared := case when all_cost <= ${maxCost} then 'all' when some_cost <= ${maxCost} then 'some'
    else 'none' end;
  if compared <> 'none' then${read(target.table, "table")}${read(target.view, "view")}
  end if;
  ${
    leaveOutcome(`pg_catalog.jsonb_build_object(
    'compared', compared,
    'table', pg_catalog.jsonb_build_object('sqlstate', table_state, 'rows', table_rows, 'named', named),
    'view', pg_catalog.jsonb_build_object('sqlstate', view_state, 'rows', view_rows),
    'same', table_rows is not distinct from view_rows and table_print is not distinct from view_print)`)
  }
end `;
}

/** What is wrong with an outcome; null where nothing is. */
export function judgeJoin(
  persona: Persona,
  key: ForeignKeyFacts,
  target: ReadTarget,
  { table, view, same }: JoinOutcome,
  broken: (outcome: NameOutcome) => Pick<VerifyFailure, "expected" | "got"> | null,
): VerifyFailure | null {
  const alike = table.sqlstate === view.sqlstate && (table.sqlstate !== null || same);
  const wrong = alike ? broken(table) : {
    expected: saying(table),
    got: view.sqlstate === null && view.rows === table.rows
      ? `${saying(view)}, other ones than ${target.table} gives`
      : saying(view),
  };
  return wrong && { statement: `as ${persona.label}: ${shownJoin(key, target)}`, ...wrong };
}
