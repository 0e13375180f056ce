/** A long-running query reads the table when the rename comes: how long do all the other readers wait? */
import postgres from "postgres";
import type { TestDatabase } from "../support/database.ts";
import { type Bench, type Measurement, type Row } from "./bench.ts";
import { type Competitor, OURS, startOurs } from "./competitors.ts";
import { type LoadResult, longestStall, pause, startLoad } from "./load.ts";
import { plotTimelines, type Timeline } from "./plots.ts";
import { digits, spread, summarize } from "./statistics.ts";
import { createTables, handWritten, pairs, putBack } from "./tables.ts";

const TABLES = pairs(1);
const READER_MS = 5_000;
/** The function's default. */
const LOCK_TIMEOUT_MS = 200;
/** How long after the reader the rename is asked for. */
const LATER_MS = 500;
const NAIVE = "ALTER TABLE … RENAME with no lock_timeout";

interface Figures {
  /** The longest wait of any client, a run each. */
  stalls: number[];
  errors: string[];
  timelines: Timeline[];
}

export const readerConvoy: Measurement = {
  name: "reader-convoy",
  title: "Behind a reader of five seconds",
  run: (bench) =>
    bench.withDatabase(async (db) => {
      await createTables(db, TABLES, 1_000);
      await using ours = await startOurs(db.url, TABLES);
      await using naive = startNaive(db);
      const figures = await measure(bench, db, [ours, naive]);
      return {
        rows: rowsOf(figures),
        pictures: [{
          file: "reader-convoy.svg",
          caption:
            "What every query of eight clients took, by when it was sent, while a query of five " +
            "seconds reads the table and a rename is asked for. Without a lock timeout the rename waits for " +
            "the reader, and everybody else waits for the rename. The rename function gives way after " +
            "200 ms and tries again.",
          svg: plotTimelines(
            [OURS, NAIVE].map((name) => typical(figures.get(name)!)),
            { ms: READER_MS },
            LOCK_TIMEOUT_MS,
          ),
        }],
      };
    }),
};

async function measure(
  bench: Bench,
  db: TestDatabase,
  competitors: Competitor[],
): Promise<Map<string, Figures>> {
  using load = await startLoad({
    url: db.url,
    query: `select * from public.${TABLES[0].old_name} where id = 500`,
    clients: 8,
    pauseMs: 20,
  });
  const figures = new Map<string, Figures>(
    competitors.map(({ name }) => [name, { stalls: [], errors: [], timelines: [] }]),
  );
  for (let round = 0; round < bench.rounds(5, 1); round++) {
    for (const { name, rename } of competitors) {
      bench.say(`${name}, round ${round + 1}`);
      let readerAt = 0;
      let renameMs: [number, number] = [0, 0];
      const result = await load.during(async () => {
        await pause(300);
        readerAt = now();
        const reader = readFor(db, READER_MS);
        await pause(LATER_MS);
        const asked = now();
        await rename();
        renameMs = [asked - readerAt, now() - readerAt];
        await reader;
        await pause(700);
      });
      await putBack(db, TABLES);
      const { stalls, errors, timelines } = figures.get(name)!;
      stalls.push(longestStall(result));
      errors.push(...result.errors);
      timelines.push({ name, samples: since(readerAt, result), renameMs });
    }
  }
  return figures;
}

const now = () => performance.timeOrigin + performance.now();

const since = (start: number, { samples }: LoadResult): LoadResult["samples"] =>
  samples.map(([sentAt, took]) => [sentAt - start, took]);

/** A transaction that has read the table and stays open. */
async function readFor(db: TestDatabase, ms: number): Promise<void> {
  await db.sql.begin(async (tx) => {
    await tx.unsafe(`select * from public.${TABLES[0].old_name} limit 1`);
    await tx`select pg_sleep(${ms / 1000})`;
  });
}

/** The same statements, without the line that bounds the wait. */
function startNaive(db: TestDatabase): Competitor {
  const connection = postgres(db.url, { max: 1, prepare: false, onnotice: () => {} });
  const close = () => connection.end({ timeout: 1 });
  return {
    name: NAIVE,
    async rename() {
      const statements = handWritten(TABLES).filter((sql) => !sql.includes("lock_timeout"));
      await connection.unsafe(statements.join(";\n")).simple();
      return undefined;
    },
    disconnect: close,
    [Symbol.asyncDispose]: close,
  };
}

/** The run with the median stall. */
function typical({ stalls, timelines }: Figures): Timeline {
  const order = stalls.map((stall, index) => ({ stall, index })).sort((a, b) => a.stall - b.stall);
  return timelines[order[Math.floor((order.length - 1) / 2)].index];
}

function rowsOf(figures: Map<string, Figures>): Row[] {
  const ours = figures.get(OURS)!;
  const naive = figures.get(NAIVE)!;
  const worst = summarize(ours.stalls).max;
  const limit = LOCK_TIMEOUT_MS + 50;
  const errors = ours.errors.length;
  return [
    {
      what:
        "longest wait of eight clients, at any attempt: ours against a rename with no lock_timeout",
      figures: `${spread(ours.stalls)}, at most ${digits(worst)} ms, against ${
        spread(naive.stalls)
      }`,
      result: `${digits(worst)} ms`,
      goal: `≤ ${limit} ms`,
      met: worst <= limit,
    },
    {
      what: "errors of the clients meanwhile: ours",
      figures: `${ours.timelines.reduce((sum, { samples }) => sum + samples.length, 0)} queries`,
      result: String(errors),
      goal: "0",
      met: errors === 0,
    },
  ];
}
