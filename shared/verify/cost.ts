/** What a query costs through the view, against the table: plans, and times of runs that take turns. */
import { OWN_STATEMENT, shownStatement } from "../sql/own_statements.ts";
import { ident, literal } from "../sql/quoting.ts";
import { changeable, hasOwnValue, type OwnTable } from "./own_row.ts";
import type { Pair } from "./plans.ts";
import type { ReadTarget } from "./reads.ts";
import { ANYTHING, asClients, leaveOutcome } from "./trial.ts";
import { plainValue, type ValueColumn } from "./values.ts";
import { become, ONESELF, type Persona, present } from "./personas.ts";

/** A query of the kinds that applications send. */
export interface Probe {
  /** `by key`, `first page`, `count`, `filter by "kind_id"`. */
  name: string;
  /** By the old name, for people. */
  shown: string;
  pair: Pair;
  /** The same with the key's values as parameters, for timed runs; null where it is only explained. */
  timed: (Pair & { key: string[] }) | null;
}

/** Indexed columns that are asked for, at most. */
const MAX_INDEXED = 5;

const PAGE = 100;

/** The queries for a table; constants of their own stand for values, so that no plan holds a row's. */
export function probesOf(target: ReadTarget, table: OwnTable): Probe[] {
  const shown = (sql: string) =>
    shownStatement(sql).replace(/^select t\..*? from /, "select * from ");
  return [...readProbes(target, table), ...writeProbes(target, table)]
    .map((probe) => ({ ...probe, shown: shown(probe.pair.view) }));
}

function readProbes(target: ReadTarget, table: OwnTable): Omit<Probe, "shown">[] {
  const columns = target.columns.map((name) => `t.${ident(name)}`).join(", ");
  const find = (name: string) => table.columns.find((column) => column.name === name);
  const through = (build: (name: string) => string): Pair => ({
    table: build(target.table),
    view: build(target.view),
  });
  const where = (condition: string) => (name: string) =>
    `${OWN_STATEMENT} select ${columns} from ${name} as t where ${condition}`;
  const equals = (column: ValueColumn) => `t.${ident(column.name)} = ${plainValue(column)}`;
  const hasPlain = (column: ValueColumn) => plainValue(column) !== "null";

  const probes: Omit<Probe, "shown">[] = [];
  const key = target.key.flatMap((name) => find(name) ?? []);
  if (key.length > 0) {
    const parameters = key.map(({ name }, index) => `t.${ident(name)} = $${index + 1}`);
    const timed = { ...through(where(parameters.join(" and "))), key: target.key };
    const explained = key.every(hasPlain) ? key.map(equals).join(" and ") : null;
    const pair = through(where(explained ?? "false"));
    probes.push({ name: "by key", pair, timed });
  }
  const order = key.length === 0
    ? ""
    : ` order by ${key.map(({ name }) => `t.${ident(name)}`).join(", ")}`;
  const page = through((name) =>
    `${OWN_STATEMENT} select ${columns} from ${name} as t${order} limit ${PAGE}`
  );
  probes.push({ name: "first page", pair: page, timed: { ...page, key: [] } });
  const count = through((name) => `${OWN_STATEMENT} select pg_catalog.count(*) from ${name} as t`);
  probes.push({ name: "count", pair: count, timed: { ...count, key: [] } });
  const indexed = table.proof.indexed
    .filter((name) => target.columns.includes(name) && target.key.join() !== name)
    .flatMap((name) => find(name) ?? []).filter(hasPlain);
  for (const column of indexed.slice(0, MAX_INDEXED)) {
    probes.push({
      name: `filter by ${ident(column.name)}`,
      pair: through(where(equals(column))),
      timed: null,
    });
  }
  // A function that is not leakproof: a security barrier would keep it out of the scan.
  const [first] = target.columns;
  if (first !== undefined) {
    const filter = `pg_catalog.md5(t.${ident(first)}::text) = 'x'`;
    probes.push({ name: "filter by a function", pair: through(where(filter)), timed: null });
  }
  return probes;
}

/** Writes, which are explained only. */
function writeProbes(target: ReadTarget, table: OwnTable): Omit<Probe, "shown">[] {
  const key = table.columns.filter(({ name }) => target.key.includes(name));
  const condition = key.length > 0 && key.every((column) => plainValue(column) !== "null")
    ? key.map((column) => `${ident(column.name)} = ${plainValue(column)}`).join(" and ")
    : "false";
  const changed = changeable(table, target.columns);
  const both = (build: (name: string) => string): Pair => ({
    table: build(target.table),
    view: build(target.view),
  });
  const probes: Omit<Probe, "shown">[] = [{
    name: "delete by key",
    pair: both((name) => `${OWN_STATEMENT} delete from ${name} where ${condition}`),
    timed: null,
  }];
  if (changed !== undefined) {
    const set = `${ident(changed.name)} = ${plainValue(changed)}`;
    probes.push({
      name: "update by key",
      pair: both((name) => `${OWN_STATEMENT} update ${name} set ${set} where ${condition}`),
      timed: null,
    });
  }
  const given = table.columns.filter((column) =>
    target.columns.includes(column.name) && column.generated === "" && !hasOwnValue(column)
  );
  if (given.length > 0) {
    const list = given.map(({ name }) => ident(name)).join(", ");
    const values = given.map(plainValue).join(", ");
    probes.push({
      name: "insert",
      pair: both((name) => `${OWN_STATEMENT} insert into ${name} (${list}) values (${values})`),
      timed: null,
    });
  }
  return probes;
}

/** Times of the runs of one probe, in milliseconds, in the order of the runs. */
export interface TimedOutcome {
  /** Why it was not run; null: it was. */
  left_out: "cost" | "refused" | "no row" | null;
  table: Times;
  view: Times;
}

export interface Times {
  planning: number[];
  execution: number[];
}

/** Most runs by each name. */
const MAX_RUNS = 100;

/**
 * The block that runs one probe by both names in turn until its time is up, after a first run of each that is
 * not counted; its outcome is a `TimedOutcome`. A run is EXPLAIN ANALYZE without a clock in each node.
 *
 * @param maxMs Time for all runs, in milliseconds; at least one pair is run.
 * @param maxCost Estimated cost beyond which it is not run.
 */
export function timedBlock(
  persona: Persona,
  target: ReadTarget,
  { table, view, key }: Pair & { key: string[] },
  { maxMs, maxCost }: { maxMs: number; maxCost: number },
): string {
  const using = key.length === 0
    ? ""
    : ` using ${key.map((name) => `source.${ident(name)}`).join(", ")}`;
  const analyze = (sql: string) =>
    literal(`explain (analyze, timing off, buffers off, summary on, format json) ${sql}`);
  const run = (which: "table" | "view", sql: string) => `
      ${asClients(`execute ${analyze(sql)} into plan${using};`)}
      if run > 0 then
        ${which}_planning := ${which}_planning || (plan -> 0 ->> 'Planning Time')::float8;
        ${which}_execution := ${which}_execution || (plan -> 0 ->> 'Execution Time')::float8;
      end if;`;
  const estimate = (sql: string) => `
    ${asClients(`execute ${literal(`explain (format json) ${sql}`)} into plan${using};`)}
    cost := greatest(cost, (plan -> 0 -> 'Plan' ->> 'Total Cost')::float8);`;
  const times = (which: string) =>
    `pg_catalog.jsonb_build_object('planning', ${which}_planning, 'execution', ${which}_execution)`;
  return `
declare
  ${ONESELF}
  plan json;
  source record;
  left_out text;
  cost float8 := 0;
  found_rows int8 := 1;
  until_when timestamptz;
  table_planning float8[] := '{}'; table_execution float8[] := '{}';
  view_planning float8[] := '{}'; view_execution float8[] := '{}';
begin
  ${present(persona)}
  begin
    ${become(persona)}
    ${
    key.length === 0 ? "" : asClients(`execute ${
      literal(
        `select ${
          key.map((name) => `t.${ident(name)}`).join(", ")
        } from ${target.table} as t limit 1`,
      )
    } into source;
    get diagnostics found_rows = row_count;`)
  }
    if found_rows = 0 then left_out := 'no row';
    else${estimate(table)}${estimate(view)}
      if cost > ${maxCost} then left_out := 'cost'; end if;
    end if;
    if left_out is null then
      until_when := pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => ${
    maxMs / 1000
  });
      for run in 0..${MAX_RUNS} loop
        -- Whoever comes second finds things warm; so they take turns.
        if run % 2 = 0 then${run("table", table)}${run("view", view)}
        else${run("view", view)}${run("table", table)}
        end if;
        exit when run > 0 and pg_catalog.clock_timestamp() > until_when;
      end loop;
    end if;
  exception when ${ANYTHING} then left_out := 'refused';
  end;
  perform pg_catalog.set_config('role', oneself, true);
  ${
    leaveOutcome(`pg_catalog.jsonb_build_object('left_out', left_out,
    'table', ${times("table")}, 'view', ${times("view")})`)
  }
end `;
}

/** The middle of several times, and the ratio that tells what the view costs. */
export interface Figures {
  runs: number;
  table_ms: number;
  view_ms: number;
  ratio: number;
  table_planning_ms: number;
  view_planning_ms: number;
}

export function figuresOf({ table, view }: TimedOutcome): Figures {
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
