/** Others use the tables when the rename comes, for long or all the time: how long do all the other clients wait? */
import postgres from "postgres";
import type { TestDatabase } from "../support/servers/database.ts";
import { type Bench, type Measurement, type Row } from "./bench.ts";
import { type Competitor, OURS, startOurs } from "./competitors.ts";
import { type LoadResult, longestStall, pause, startLoad } from "./load.ts";
import { plotTimelines, type Timeline } from "./plots.ts";
import { digits, spread, summarize } from "./statistics.ts";
import { startFunction } from "./function_process.ts";
import { committedAt, createTables, handWritten, pairs, putBack } from "./tables.ts";

const TABLES = pairs(1);
const READER_MS = 5_000;
/** The function's default. */
const LOCK_TIMEOUT_MS = 200;
/** How long after the reader the rename is asked for. */
const LATER_MS = 500;
const NAIVE = "ALTER TABLE … RENAME with no lock_timeout";

/** How long a request waits for a session that stays idle in its transaction. */
const MAX_WAIT_MS = 3_000;

/** The batch, and how soon each of its clients has its next transaction. */
const BATCH = pairs(20);
const STEADY_PAUSE_MS = 5;

/** The longest waits of clients that are allowed. */
const GOAL_MS = 30;
const BATCH_GOAL_MS = 100;

interface Figures {
  /** The longest wait of any client, a run each. */
  stalls: number[];
  /** Time from the reader's end to the rename's commit, a run each. */
  delays: number[];
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
      const rows = [
        ...rowsOf(figures),
        ...await idleRows(bench, db),
        ...await bench.withDatabase((other) => steadyRows(bench, other)),
      ];
      return {
        rows,
        pictures: [{
          file: "reader-convoy.svg",
          caption:
            "What every query of eight clients took, by when it was sent, while a query of five " +
            "seconds reads the table and a rename is asked for. Without a lock timeout the rename waits for " +
            "the reader, and everybody else waits for the rename. The rename function looks who reads the table, " +
            "and requests its lock when the reader has ended.",
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
    competitors.map(({ name }) => [name, { stalls: [], delays: [], errors: [], timelines: [] }]),
  );
  for (let round = 0; round < bench.rounds(5, 1); round++) {
    for (const { name, rename } of competitors) {
      bench.say(`${name}, round ${round + 1}`);
      let readerAt = 0;
      let readerEnd = 0;
      let renameMs: [number, number] = [0, 0];
      const result = await load.during(async () => {
        await pause(300);
        readerAt = now();
        const reader = readFor(db, READER_MS).then(() => readerEnd = now());
        await pause(LATER_MS);
        const asked = now();
        await rename();
        renameMs = [asked - readerAt, now() - readerAt];
        await reader;
        await pause(700);
      });
      const committed = await committedAt(db, TABLES);
      await putBack(db, TABLES);
      const { stalls, delays, errors, timelines } = figures.get(name)!;
      stalls.push(longestStall(result));
      delays.push(committed - readerEnd);
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

/** The same behind a session that never ends its transaction. */
async function idleRows(bench: Bench, db: TestDatabase): Promise<Row[]> {
  await using ours = await startFunction(db.url);
  using load = await startLoad({
    url: db.url,
    query: `select * from public.${TABLES[0].old_name} where id = 500`,
    clients: 8,
    pauseMs: 20,
  });
  const [stalls, alone]: number[][] = [[], []];
  let named = 0;
  const rounds = bench.rounds(5, 1);
  for (let round = 0; round < rounds; round++) {
    bench.say(`idle in transaction, round ${round + 1}`);
    const idle = await db.connect({ max: 1 }).reserve();
    await idle`begin`;
    const [{ pid }] = await idle.unsafe(
      `select pg_backend_pid() as pid, count(*) from public.${TABLES[0].old_name}`,
    );
    alone.push(longestStall(await load.during(() => pause(MAX_WAIT_MS))));
    const result = await load.during(async () => {
      const answer = await ours.rename({ renames: TABLES, max_wait_ms: MAX_WAIT_MS })
        .catch((error: Error) => JSON.parse(error.message));
      if (
        answer.status === 423 && answer.blockers.some((one: { pid: number }) => one.pid === pid)
      ) {
        named++;
      }
    });
    stalls.push(longestStall(result));
    if (result.errors.length > 0) throw new Error(result.errors[0]);
    await idle`rollback`;
    idle.release();
  }
  return [
    waitRow("behind a session that stays idle in its transaction", stalls, alone, GOAL_MS),
    {
      what: "the same: answers 423 that name the session's pid",
      figures: `${rounds} requests that waited for ${MAX_WAIT_MS} ms`,
      result: `${named} of ${rounds}`,
      goal: "all",
      met: named === rounds,
    },
  ];
}

/** A batch, while eight clients have one short transaction after another, each on three of its tables. */
async function steadyRows(bench: Bench, db: TestDatabase): Promise<Row[]> {
  await createTables(db, BATCH, 100);
  await using ours = await startFunction(db.url);
  const read = (index: number) =>
    `select * from public.${BATCH[index % BATCH.length].old_name} where id = 50`;
  using load = await startLoad({
    url: db.url,
    query: BATCH.map((_, index) =>
      `begin; ${read(index)}; ${read(index + 7)}; ${read(index + 13)}; commit`
    ),
    clients: 8,
    pauseMs: STEADY_PAUSE_MS,
  });
  const [stalls, alone, attempts, held]: number[][] = [[], [], [], []];
  const errors: string[] = [];
  let transactions = 0;
  for (let round = 0; round < bench.rounds(20, 5); round++) {
    bench.say(`steady transactions, round ${round + 1}`);
    alone.push(longestStall(await load.during(() => pause(700))));
    const result = await load.during(async () => {
      await pause(200);
      const { lock } = await ours.rename({ renames: BATCH });
      attempts.push(lock!.attempts);
      held.push(lock!.held_ms);
      await pause(200);
    });
    stalls.push(longestStall(result));
    errors.push(...result.errors);
    transactions += result.samples.length;
    await putBack(db, BATCH);
  }
  const { median, max } = summarize(attempts);
  return [
    {
      what: "batch of 20 under steady transactions of eight clients on all of it: attempts, median",
      figures: `${attempts.length} renames, at most ${max} attempts; locks held for ${
        spread(held)
      }`,
      result: digits(median),
      goal: "≤ 5",
      met: median <= 5,
    },
    waitRow("the same", stalls, alone, BATCH_GOAL_MS),
    errorRow("the same", transactions, errors),
  ];
}

/** The longest wait of all, beside what the machine does to clients while nobody renames. */
function waitRow(what: string, stalls: number[], alone: number[], limit: number): Row {
  const worst = summarize(stalls).max;
  return {
    what: `${what}: longest wait of eight clients`,
    figures: `${spread(stalls)}; without any rename ${spread(alone)}, at most ${
      digits(summarize(alone).max)
    } ms`,
    result: `${digits(worst)} ms`,
    goal: `≤ ${limit} ms`,
    met: worst <= limit,
  };
}

const errorRow = (what: string, queries: number, errors: string[]): Row => ({
  what: `${what}: errors of the clients`,
  figures: `${queries} queries`,
  result: String(errors.length),
  goal: "0",
  met: errors.length === 0,
});

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
  const latest = summarize(ours.delays).max;
  return [
    {
      what: "longest wait of eight clients: ours against a rename with no lock_timeout",
      figures: `${spread(ours.stalls)}, at most ${digits(worst)} ms, against ${
        spread(naive.stalls)
      }`,
      result: `${digits(worst)} ms`,
      goal: `≤ ${GOAL_MS} ms`,
      met: worst <= GOAL_MS,
    },
    {
      what: "from the reader's end to the rename's commit: ours",
      figures: spread(ours.delays),
      result: `${digits(latest)} ms`,
      goal: "≤ 200 ms",
      met: latest <= 200,
    },
    errorRow(
      "ours",
      ours.timelines.reduce((sum, { samples }) => sum + samples.length, 0),
      ours.errors,
    ),
  ];
}
