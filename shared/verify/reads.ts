/** Reads through both names: the same rows, or the same refusal, for each persona. */
import type { VerifyFailure } from "../contract/responses.ts";
import { OWN_STATEMENT } from "../sql/own_statements.ts";
import { ident, literal } from "../sql/quoting.ts";
import { ANYTHING, asClients, leaveOutcome, type NameOutcome, saying } from "./trial.ts";
import { type BareNames, namedInError } from "./broken.ts";
import { BE_ONESELF, become, ONESELF, type Persona, present } from "./personas.ts";

/** What is read: the two names as SQL, the columns that both have, and the key that orders them. */
export interface ReadTarget {
  table: string;
  view: string;
  /** The two names without quotes. */
  bare: BareNames;
  columns: string[];
  /** Columns by which a sample is taken; empty: in the order in which the rows are stored. */
  key: string[];
}

export interface ReadLimits {
  /** Estimated cost up to which all rows are read; 0: never. */
  maxCost: number;
  /** Rows of a sample from each end. */
  maxRows: number;
}

/**
 * Which rows are compared: `all`; the first and last ones that the persona sees (`ends`); or, where to find
 * those would take long, what it sees of the first and last rows of the table (`seen of the ends`).
 */
export type Compared = "all" | "ends" | "seen of the ends";

export interface ReadOutcome {
  compared: Compared;
  table: NameOutcome;
  view: NameOutcome;
  /** Whether the rows are the same, value for value. */
  same: boolean;
}

/** The columns that a persona may read; all, where it may read all or none. */
export const readable = ({ role }: Persona, columns: string[]): string[] => {
  const own = columns.filter((name) => role.select.includes(name));
  return own.length === 0 ? columns : own;
};

/** Sum of hashes of rows as text: the same whatever their order, and for other rows another. */
export const fingerprintOf = (columns: string[], alias = "t"): string =>
  `pg_catalog.sum(pg_catalog.hashtextextended(row(${
    columns.map((name) => `${alias}.${ident(name)}`).join(", ")
  })::text, 0)::numeric)`;

const list = (columns: string[], suffix = "") =>
  columns.map((name) => `t.${ident(name)}${suffix}`).join(", ");

/** Query that counts and fingerprints every row that the reader sees. */
const wholeQuery = (name: string, columns: string[]): string =>
  `${OWN_STATEMENT} select pg_catalog.count(*), ${fingerprintOf(columns)} from ${name} as t`;

/** The same for the first and the last rows by key. */
function sampleQuery(name: string, columns: string[], key: string[], maxRows: number): string {
  const from = `select ${list(columns)} from ${name} as t`;
  const parts = key.length === 0 ? [`${from} limit ${maxRows}`] : [
    `${from} order by ${list(key)} limit ${maxRows}`,
    `${from} order by ${list(key, " desc")} limit ${maxRows}`,
  ];
  return `${OWN_STATEMENT} select pg_catalog.count(*), ${fingerprintOf(columns)}
from (${parts.map((part) => `(${part})`).join(" union all ")}) as t`;
}

/** What the reader sees of the table's ends, whose bounds are parameters. */
function boundedQuery(name: string, columns: string[], key: string[]): string {
  const parameters = (offset: number) => key.map((_, index) => `$${offset + index + 1}`).join(", ");
  return `${OWN_STATEMENT} select pg_catalog.count(*), ${fingerprintOf(columns)}
from ${name} as t
where (${list(key)}) <= (${parameters(0)}) or (${list(key)}) >= (${parameters(key.length)})`;
}

/** The last of so many rows from one end of the table. */
function boundQuery(table: string, key: string[], maxRows: number, fromTheEnd: boolean): string {
  const [there, back] = fromTheEnd ? [" desc", ""] : ["", " desc"];
  return `select ${list(key)} from (
  select ${list(key)} from ${table} as t order by ${list(key, there)} limit ${maxRows}) as t
order by ${list(key, back)} limit 1`;
}

/** Settings under which rows without a key come in the same order twice: as they are stored. */
export const STEADY_ORDER = {
  synchronize_seqscans: "off",
  max_parallel_workers_per_gather: "0",
};

/**
 * The block that reads as one persona; its outcome is a `ReadOutcome`.
 *
 * @param owner Whose place is taken to find the ends of the table.
 */
export function readBlock(
  persona: Persona,
  owner: Persona,
  target: ReadTarget,
  limits: ReadLimits,
): string {
  const columns = readable(persona, target.columns);
  // A sample is taken by what may be read.
  const key = target.key.every((name) => columns.includes(name)) ? target.key : [];
  const names = [target.table, target.view];
  const all = (name: string) => wholeQuery(name, columns);
  const ends = (name: string) => sampleQuery(name, columns, key, limits.maxRows);
  const cost = (which: string, query: (name: string) => string) =>
    names.map((name) => `
  begin
    ${become(persona)}
    ${asClients(`execute ${literal(`explain (format json) ${query(name)}`)} into plan;`)}
    ${BE_ONESELF}
    ${which} := greatest(${which}, (plan -> 0 -> 'Plan' ->> 'Total Cost')::float8);
  exception when ${ANYTHING} then null;
  end;`).join("");
  const using = ["first", "last"].flatMap((end) => key.map((name) => `${end}.${ident(name)}`));
  const read = (name: string, which: "table" | "view") => `
  begin
    ${become(persona)}
    if compared = 'all' then
      ${asClients(`execute ${literal(all(name))} into ${which}_rows, ${which}_print;`)}
    elsif compared = 'ends' then
      ${asClients(`execute ${literal(ends(name))} into ${which}_rows, ${which}_print;`)}${
    key.length === 0 ? "" : `
    else
      ${
      asClients(
        `execute ${literal(boundedQuery(name, columns, key))} into ${which}_rows, ${which}_print
        using ${using.join(", ")};`,
      )
    }`
  }
    end if;
    ${BE_ONESELF}
  exception when ${ANYTHING} then ${which}_state := sqlstate; named := coalesce(named, ${
    namedInError(target.bare)
  });
  end;`;
  const bounds = key.length === 0 ? "compared := 'ends';" : `
    ${become(owner)}
    ${
    asClients(`execute ${literal(boundQuery(target.table, key, limits.maxRows, false))} into first;
    execute ${literal(boundQuery(target.table, key, limits.maxRows, true))} into last;`)
  }
    ${BE_ONESELF}`;
  return `
declare
  ${ONESELF}
  plan json;
  all_cost float8 := 0;
  ends_cost float8 := 0;
  compared text; named text;
  first record; last record;
  table_state text; table_rows int8; table_print numeric;
  view_state text; view_rows int8; view_print numeric;
begin
  ${present(persona)}${cost("all_cost", all)}${cost("ends_cost", ends)}
  compared := case when all_cost <= ${limits.maxCost} then 'all'
    when ends_cost <= ${limits.maxCost} then 'ends' else 'seen of the ends' end;
  if compared = 'seen of the ends' then ${bounds}
  end if;${read(target.table, "table")}${read(target.view, "view")}
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
export function judgeRead(
  persona: Persona,
  target: ReadTarget,
  { compared, table, view, same }: ReadOutcome,
  broken: (outcome: NameOutcome) => Pick<VerifyFailure, "expected" | "got"> | null,
): VerifyFailure | null {
  const alike = table.sqlstate === view.sqlstate && (table.sqlstate !== null || same);
  const wrong = alike ? broken(table) : {
    expected: saying(table),
    got: view.sqlstate === null && view.rows === table.rows
      ? `${saying(view)}, other ones than ${target.table} has`
      : saying(view),
  };
  if (wrong === null) return null;
  const columns = readable(persona, target.columns);
  const part = compared === "all"
    ? ""
    : target.key.length === 0
    ? ", the first rows"
    : ", first and last rows";
  return {
    statement: `as ${persona.label}: select ${
      columns.length === target.columns.length ? "*" : columns.map(ident).join(", ")
    } from ${target.view}${part}`,
    ...wrong,
  };
}
