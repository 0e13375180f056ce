/** What a query costs through the view, against the table: its plans, and the times of runs that take turns. */
import { OWN_STATEMENT, shownStatement } from "../sql/own_statements.ts";
import { ident } from "../sql/quoting.ts";
import { asClients, fields, personaBlock, raiseCost, tryAs, usingFields } from "./block.ts";
import { type Names, type StatementPair, throughBoth } from "./both_names.ts";
import type { Persona } from "./personas.ts";
import { changeable, hasOwnValue, type TestTable } from "./test_row.ts";
import { constantValue, knownConstant, type TypedColumn } from "./values.ts";

/** A query of the kinds that applications send. */
interface CommonQuery {
  /** `by key`, `first page`, `count`, `filter by "kind_id"`. */
  name: string;
  /** With constants, so that no plan has values of rows in it. */
  explained: StatementPair;
  /** With values of the columns of `key` as parameters; left out where it is only explained. */
  timed?: TimedPair;
}

interface TimedPair extends StatementPair {
  key: string[];
}

const MAX_FILTERS = 5;

const PAGE = 100;

export function commonQueries(names: Names, table: TestTable): CommonQuery[] {
  const key = names.key.flatMap((name) => columnOf(table, name));
  return [...readQueries(names, table, key), ...writeQueries(names, table, key)];
}

export const shownQuery = ({ explained }: CommonQuery): string =>
  shownStatement(explained.view).replace(/^select t\..*? from /, "select * from ");

const columnOf = ({ columns }: TestTable, name: string): TypedColumn[] =>
  columns.filter((column) => column.name === name);

const isKnown = (column: TypedColumn) => knownConstant(column) !== null;

const equals = (prefix: string, columns: TypedColumn[]): string =>
  columns.map((column) => `${prefix}${ident(column.name)} = ${constantValue(column)}`)
    .join(" and ");

/** The condition by key; one that no row fulfils where there is no key of known types. */
const byKey = (prefix: string, key: TypedColumn[]): string =>
  key.length > 0 && key.every(isKnown) ? equals(prefix, key) : "false";

function readQueries(names: Names, table: TestTable, key: TypedColumn[]): CommonQuery[] {
  const select = (rest: string) =>
    throughBoth(
      names,
      (name) => `${OWN_STATEMENT} select ${fields("t", names.columns)} from ${name} as t${rest}`,
    );
  const queries: CommonQuery[] = [];
  if (key.length > 0) {
    const parameters = names.key.map((name, index) => `t.${ident(name)} = $${index + 1}`);
    queries.push({
      name: "by key",
      explained: select(` where ${byKey("t.", key)}`),
      timed: { ...select(` where ${parameters.join(" and ")}`), key: names.key },
    });
  }
  const order = key.length === 0 ? "" : ` order by ${fields("t", names.key)}`;
  const page = select(`${order} limit ${PAGE}`);
  const count = throughBoth(
    names,
    (name) => `${OWN_STATEMENT} select pg_catalog.count(*) from ${name} as t`,
  );
  queries.push(
    { name: "first page", explained: page, timed: { ...page, key: [] } },
    { name: "count", explained: count, timed: { ...count, key: [] } },
  );
  const indexed = table.facts.indexed
    .filter((name) => names.columns.includes(name) && names.key.join() !== name)
    .flatMap((name) => columnOf(table, name))
    .filter(isKnown);
  for (const column of indexed.slice(0, MAX_FILTERS)) {
    const explained = select(` where ${equals("t.", [column])}`);
    queries.push({ name: `filter by ${ident(column.name)}`, explained });
  }
  const [first] = names.columns;
  if (first !== undefined) {
    // A function that is not leakproof: a security barrier would keep it out of the scan.
    const explained = select(` where pg_catalog.md5(t.${ident(first)}::text) = 'x'`);
    queries.push({ name: "filter by a function", explained });
  }
  return queries;
}

function writeQueries(names: Names, table: TestTable, key: TypedColumn[]): CommonQuery[] {
  const query = (name: string, build: (name: string) => string): CommonQuery => ({
    name,
    explained: throughBoth(names, (name) => `${OWN_STATEMENT} ${build(name)}`),
  });
  const condition = byKey("", key);
  const queries = [query("delete by key", (name) => `delete from ${name} where ${condition}`)];
  const changed = changeable(table, names.columns);
  if (changed !== undefined) {
    const set = equals("", [changed]);
    queries.push(
      query("update by key", (name) => `update ${name} set ${set} where ${condition}`),
    );
  }
  const given = table.columns.filter((column) =>
    names.columns.includes(column.name) && column.generated === "" && !hasOwnValue(column)
  );
  if (given.length > 0) {
    const list = given.map(({ name }) => ident(name)).join(", ");
    const values = given.map(constantValue).join(", ");
    queries.push(query("insert", (name) => `insert into ${name} (${list}) values (${values})`));
  }
  return queries;
}

/** Times of the runs of one query, in milliseconds, in the order of the runs. */
export interface TimedOutcome {
  /** Why it was not run; null: it was. */
  left_out: string | null;
  table: Times;
  view: Times;
}

interface Times {
  planning: number[];
  execution: number[];
}

const MAX_RUNS = 100;

/**
 * The block that runs one query through both names in turn until its time is up, after a first run of each that is
 * not counted. A run is EXPLAIN ANALYZE without a clock in each node.
 *
 * @param maxMs Time for all runs, in milliseconds; at least one pair is run.
 * @param maxCost Estimated cost beyond which it is not run.
 */
export function timedBlock(
  persona: Persona,
  names: Names,
  { table, view, key }: TimedPair,
  { maxMs, maxCost }: { maxMs: number; maxCost: number },
): string {
  const using = usingFields("source", key);
  const findKey = asClients(`select ${fields("t", key)} from ${names.table} as t limit 1`, {
    into: "source",
    count: "found_rows",
  });
  const analyze = "explain (analyze, timing off, buffers off, summary on, format json)";
  const run = (which: "table" | "view", sql: string) => `
      ${asClients(`${analyze} ${sql}`, { into: "plan", using })}
      if run > 0 then
        ${which}_planning := ${which}_planning || (plan -> 0 ->> 'Planning Time')::float8;
        ${which}_execution := ${which}_execution || (plan -> 0 ->> 'Execution Time')::float8;
      end if;`;
  const runs = `${key.length === 0 ? "" : findKey}
    if found_rows = 0 then left_out := 'there is no row';
    else
      ${raiseCost(table, using)}
      ${raiseCost(view, using)}
      if cost > ${maxCost} then left_out := 'its estimated cost is beyond max_cost'; end if;
    end if;
    if left_out is null then
      until_when := clock_timestamp() + make_interval(secs => ${maxMs / 1000});
      for run in 0..${MAX_RUNS} loop
        -- Whichever comes second finds its pages in memory, so they take turns.
        if run % 2 = 0 then${run("table", table)}${run("view", view)}
        else${run("view", view)}${run("table", table)}
        end if;
        exit when run > 0 and clock_timestamp() > until_when;
      end loop;
    end if;`;
  const times = (which: "table" | "view") =>
    `jsonb_build_object('planning', ${which}_planning, 'execution', ${which}_execution)`;
  return personaBlock(persona, {
    declare: `plan json; source record; left_out text; until_when timestamptz;
  cost float8 := 0;
  found_rows int8 := 1;
  table_planning float8[] := '{}'; table_execution float8[] := '{}';
  view_planning float8[] := '{}'; view_execution float8[] := '{}';`,
    run: tryAs(persona, runs, "left_out := 'it was refused';"),
    outcome: `jsonb_build_object('left_out', left_out,
    'table', ${times("table")}, 'view', ${times("view")})`,
  });
}

export type Figures = ReturnType<typeof figuresOf>;

/** Medians of the times, and the ratio that says what the view costs. */
export function figuresOf({ table, view }: TimedOutcome) {
  const [table_ms, view_ms] = [median(table.execution), median(view.execution)];
  return {
    runs: table.execution.length,
    table_ms: rounded(table_ms),
    view_ms: rounded(view_ms),
    ratio: table_ms === 0 ? 1 : rounded(view_ms / table_ms),
    table_planning_ms: rounded(median(table.planning)),
    view_planning_ms: rounded(median(view.planning)),
  };
}

function median(values: number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const rounded = (value: number): number => Math.round(value * 1000) / 1000;
