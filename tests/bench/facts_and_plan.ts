/** Reading the facts and making the plan, for schemas of 10 to 1,000 tables that are all renamed. */
import { factsFromRow, factsQuery } from "../../shared/catalog/read_facts.ts";
import { planRename } from "../../shared/plan/rename.ts";
import { transactionSettings } from "../../shared/sql/transaction_settings.ts";
import { type Measurement, plainRow, type Row } from "./bench.ts";
import { startFunction } from "./function_process.ts";
import { countingMessages } from "./message_count.ts";
import { digits, median, spread } from "./statistics.ts";
import { createTables, type Pair, pairs } from "./tables.ts";

const SIZES = [10, 100, 1_000];
const LIMIT_MS = 600;

interface Figures {
  size: number;
  /** The whole request, mode plan, as a caller sees it. */
  request: number[];
  query: number[];
  plan: number[];
  catalogMessages: number;
}

export const factsAndPlan: Measurement = {
  name: "facts-and-plan",
  title: "Facts and plan",
  async run(bench) {
    const figures: Figures[] = [];
    for (const size of SIZES) {
      bench.say(`a schema of ${size} tables`);
      figures.push(
        await bench.withDatabase(async (db) => {
          const tables = pairs(size);
          await createTables(db, tables, 1);
          await using counting = countingMessages(db.url);
          await using process = await startFunction(counting.url);
          const request: number[] = [];
          const query: number[] = [];
          const plan: number[] = [];
          for (let round = 0; round < bench.rounds(9, 3); round++) {
            counting.reset();
            request.push(await timed(() => process.rename({ renames: tables, mode: "plan" })));
            let facts: { facts: string };
            query.push(
              await timed(async () => {
                [facts] = (await db.sql.begin(async (tx) => {
                  await tx.unsafe(transactionSettings(60_000).join(";\n")).simple();
                  return await tx.unsafe(factsQuery(wanted(tables))).simple();
                })) as unknown as [{ facts: string }];
              }),
            );
            plan.push(await timed(() => makePlan(tables, facts)));
          }
          return { size, request, query, plan, catalogMessages: counting.catalogMessages };
        }),
      );
    }
    return { rows: rowsOf(figures) };
  },
};

const withSchema = (tables: Pair[]) => tables.map((pair) => ({ schema: "public", ...pair }));

const wanted = (tables: Pair[]) => ({
  names: withSchema(tables).flatMap(({ schema, old_name, new_name }) => [
    { schema, name: old_name },
    { schema, name: new_name },
  ]),
  oids: [],
});

const makePlan = (tables: Pair[], row: { facts: string }) =>
  planRename(withSchema(tables), factsFromRow(row), [], { compatibilityView: true });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function rowsOf(figures: Figures[]): Row[] {
  const perTable = ({ size, request }: Figures) => median(request) / size;
  const [, hundred, thousand] = figures;
  const growth = perTable(thousand) / perTable(hundred);
  const catalogMessages = Math.max(...figures.map(({ catalogMessages }) => catalogMessages));
  return [
    ...figures.map((one) => {
      const value = median(one.request);
      const row = {
        what: `facts and plan of ${one.size} tables, the whole request`,
        figures: `${spread(one.request)}; of that query ${digits(median(one.query))} ms, plan ${
          digits(median(one.plan))
        } ms`,
        result: `${digits(value)} ms`,
      };
      return one.size === 1_000
        ? { ...row, goal: `< ${LIMIT_MS} ms`, met: value < LIMIT_MS }
        : plainRow(row.what, row.figures, row.result);
    }),
    {
      what: "growth: time a table, 1000 tables against 100",
      figures: `${digits(perTable(thousand))} ms against ${digits(perTable(hundred))} ms a table`,
      result: `${growth.toFixed(2)} ×`,
      goal: "≤ 1 ×, ± 20 %",
      met: growth <= 1.2,
    },
    {
      what: "round trips that read the catalog",
      figures: "messages of the function to the server that name pg_class, at any size",
      result: String(catalogMessages),
      goal: "1",
      met: catalogMessages === 1,
    },
  ];
}
