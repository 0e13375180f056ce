/** Queries through the compatibility view, and through one that counts its use, against the table. */
import type postgres from "postgres";
import { functionsFor } from "../support/http/functions.ts";
import type { TestDatabase } from "../support/servers/database.ts";
import { type Bench, type Measurement, plainRow, ratioRow, type Row } from "./bench.ts";
import { digits, median, shuffled, spread } from "./statistics.ts";
import { createTables, type Pair, pairs } from "./tables.ts";

const TABLES = pairs(2);
const [PLAIN, COUNTED] = TABLES;

/** $1 is a number from 1 to 1,000 in each. */
const QUERIES: Record<string, (relation: string) => string> = {
  "row by key": (r) => `select * from public.${r} where id = $1`,
  "list of 20": (r) =>
    `select id, title, amount from public.${r} where status = 'paid' and $1 > 0
     order by created_at desc limit 20`,
  "join and group": (r) =>
    `select a.status, count(*), sum(b.amount) from public.${r} a join public.${r} b on b.id = a.id + 1
     where a.id between $1 and $1 + 200 group by a.status`,
  "insert": (r) => `insert into public.${r} (title, amount) values ('bench', $1) returning id`,
  "update": (r) => `update public.${r} set amount = amount + 1 where id = $1`,
};

/** Executions of one query in a round; view and table take turns, query by query. */
const EXECUTIONS = 100;

type Ask = (sql: postgres.Sql, query: string, n: number) => PromiseLike<unknown>;

const prepared: Ask = (sql, query, n) => sql.unsafe(query, [n], { prepare: true });
const unprepared: Ask = (sql, query, n) => sql.unsafe(query.replaceAll("$1", String(n))).simple();

export const queryThroughView: Measurement = {
  name: "query-through-view",
  title: "Queries through the view",
  run: (bench) =>
    bench.withDatabase(async (db) => {
      await createTables(db, TABLES, 100_000);
      await using functions = functionsFor(db.url);
      await functions.rename({ renames: [PLAIN] });
      await functions.rename({ renames: [COUNTED], count_use: true });
      const rows = [await equalPlans(db)];
      for (const [kind, ask] of Object.entries({ prepared, unprepared })) {
        rows.push(...await against(bench, db, PLAIN, kind, ask));
      }
      const counted = await against(bench, db, COUNTED, "prepared, counted", prepared);
      rows.push(...counted.map((row) => ({ ...row, goal: null, met: null })));
      return { rows };
    }),
};

async function against(
  bench: Bench,
  db: TestDatabase,
  { old_name: view, new_name: table }: Pair,
  kind: string,
  ask: Ask,
): Promise<Row[]> {
  const sql = db.connect({ max: 1 });
  const rows: Row[] = [];
  const ratios: number[] = [];
  for (const [name, queryOf] of Object.entries(QUERIES)) {
    bench.say(`${name}, ${kind}`);
    const times: Record<string, number[]> = { [view]: [], [table]: [] };
    for (let round = -1; round < bench.rounds(40, 8); round++) {
      for (let n = 1; n <= EXECUTIONS; n++) {
        for (const relation of shuffled([view, table])) {
          const query = queryOf(relation);
          const started = performance.now();
          await ask(sql, query, n);
          // The first round connects, prepares, and fills caches.
          if (round >= 0) times[relation].push((performance.now() - started) * 1000);
        }
      }
    }
    const ratio = median(times[view]) / median(times[table]);
    ratios.push(ratio);
    rows.push(plainRow(
      `${name}, ${kind}: view against table`,
      `${spread(times[view], "µs")} against ${spread(times[table], "µs")}`,
      `${ratio.toFixed(3)} ×`,
    ));
  }
  const worst = Math.max(...ratios);
  const total = ratioRow(
    `${kind} statements: median and worst of ${ratios.length} queries`,
    `median ${median(ratios).toFixed(3)} ×, worst ${worst.toFixed(3)} ×`,
    worst,
    1.05,
  );
  rows.push(kind === "prepared" ? total : { ...total, goal: null, met: null });
  return rows;
}

/** EXPLAIN VERBOSE, costs and all, word for word; as the owner and as a role with row-level security. */
async function equalPlans(db: TestDatabase): Promise<Row> {
  const differing: string[] = [];
  let compared = 0;
  for (const role of ["postgres", "authenticated", "anon"]) {
    for (const [name, queryOf] of Object.entries(QUERIES)) {
      const explain = (relation: string) =>
        db.as(role, async (tx) => {
          const query = queryOf(relation).replaceAll("$1", "500");
          return (await tx.unsafe(`explain (verbose) ${query}`)).map((row) => row["QUERY PLAN"])
            // Two texts of a query have two identifiers in pg_stat_statements.
            .filter((line) => !line.startsWith("Query Identifier"));
        });
      const [table, view] = [await explain(PLAIN.new_name), await explain(PLAIN.old_name)]
        .map((lines) => butForNames(lines.join("\n")));
      compared++;
      if (table !== view) differing.push(`${name} as ${role}:\n${table}\n${view}`);
    }
  }
  if (differing.length > 0) console.error(differing.join("\n\n"));
  return {
    what: "plans by EXPLAIN VERBOSE: view against table, three roles",
    figures: `${compared - differing.length} of ${compared} equal, costs included`,
    result: differing.length === 0 ? "equal" : `${digits(differing.length)} differ`,
    goal: "equal",
    met: differing.length === 0,
  };
}

/**
 * One name for the table, the view and their aliases; columns without it. An identity column's next number is printed
 * without the type of its sequence's name, as a view's default it is printed with it (ruleutils.c).
 */
function butForNames(plan: string): string {
  return plan.replace(/\b(a|b|(customer_)?orders_0000)(_\d+)?\b/g, "t")
    .replaceAll("public.t t", "public.t")
    .replace(/\bt\./g, "")
    .replace(/nextval\('([^']+)'::regclass\)/g, "nextval('$1')");
}
