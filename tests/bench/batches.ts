/** Batches: how long clients wait for many tables at once, and what a thousand cost the function. */
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import type { TestDatabase } from "../support/servers/database.ts";
import { type Bench, type Measurement, plainRow, ratioRow, type Row } from "./bench.ts";
import { startOneMessage } from "./competitors.ts";
import { type FunctionProcess, startFunction } from "./function_process.ts";
import { type Load, stallAt, startLoad } from "./load.ts";
import { digits, median, shuffled, spread } from "./statistics.ts";
import { committedAt, createTables, type Pair, pairs, putBack } from "./tables.ts";

const SIZES = [1, 10, 100, 1_000];

/** The client's wait against hand-written SQL, by tables; a single one has a measurement of its own. */
const RATIO_LIMITS = new Map([[10, 0.35], [100, 0.25], [1_000, 0.3]]);
const WALL_LIMIT_MS = 3_000;

/** A third of what the platform gives one call of a function. */
const CPU_LIMIT_MS = 700;

/** Half of what the platform gives, 256 MB for JavaScript and its buffers, less 32 MB for the buffers. */
const HEAP_LIMIT_MB = 96;

interface Cost {
  wallMs: number;
  cpuMs: number | undefined;
  peakMb: number | undefined;
}

export const batches: Measurement = {
  name: "batches",
  title: "Batches",
  run: (bench) =>
    bench.withDatabase(async (db) => {
      const all = pairs(Math.max(...SIZES));
      bench.say(`making ${all.length} tables`);
      await createTables(db, all, 10);
      // The first table is locked first, and so the longest.
      using load = await startLoad({
        url: db.url,
        query: `select * from public.${all[0].old_name} where id = 5`,
        clients: 1,
        pauseMs: 0,
      });
      const rows: Row[] = [];
      for (const size of SIZES) {
        bench.say(`${size} at once`);
        rows.push(...await ofSize(bench, db, load, all.slice(0, size)));
      }
      rows.push(await locksTaken(db, all.slice(0, 100)));
      return {
        rows,
        notes: [
          "The client asks for a row of the table that is locked first. Processor time and memory " +
          "are those of the whole function process, the Deno runtime and its threads included.",
        ],
      };
    }),
};

async function ofSize(
  bench: Bench,
  db: TestDatabase,
  load: Load,
  tables: Pair[],
): Promise<Row[]> {
  const ours: number[] = [];
  const floor: number[] = [];
  const held: number[] = [];
  const costs: Cost[] = [];
  await using hand = await startOneMessage(db.url, tables);
  const byHand = async () => {
    const result = await load.during(hand.rename);
    return stallAt(result, await committedAt(db, tables));
  };
  // What a thousand cost must not depend on earlier calls: a new process for each.
  await using kept = tables.length < 1_000 ? await startWarm(db) : null;
  const byFunction = async () => {
    await using own = kept === null ? await startWarm(db) : null;
    const process = kept ?? own!;
    let heldMs = 0;
    const result = await load.during(async () => {
      costs.push(
        await costOf(process, async () => {
          heldMs = (await process.rename({ renames: tables })).lock!.held_ms;
        }),
      );
    });
    held.push(heldMs);
    return stallAt(result, await committedAt(db, tables));
  };
  const rounds = tables.length >= 1_000 ? bench.rounds(7, 2) : bench.rounds(20, 4);
  for (let round = 0; round < rounds; round++) {
    for (const rename of shuffled([byHand, byFunction])) {
      (rename === byHand ? floor : ours).push(await rename());
      await putBack(db, tables);
    }
  }
  const limit = RATIO_LIMITS.get(tables.length);
  const row = ratioRow(
    `batch of ${tables.length}: ours against hand-written SQL, one message`,
    `${spread(ours)} against ${spread(floor)}`,
    median(ours) / median(floor),
    limit ?? 1,
  );
  return [
    limit !== undefined ? row : { ...row, goal: null, met: null },
    ...(tables.length === 1_000
      ? [...costRows(costs, held, floor), await inLittleMemory(db, tables)]
      : []),
  ];
}

/** The code is loaded and a connection open, as in an isolate that has answered before. */
async function startWarm(db: TestDatabase): Promise<FunctionProcess> {
  const process = await startFunction(db.url);
  const [first] = pairs(1);
  await process.rename({ ...first, mode: "plan" });
  return process;
}

async function costOf(process: FunctionProcess, work: () => Promise<void>): Promise<Cost> {
  process.forgetPeak();
  const cpu = process.cpuMs();
  const started = performance.now();
  await work();
  return {
    wallMs: performance.now() - started,
    cpuMs: cpu === undefined ? undefined : process.cpuMs()! - cpu,
    peakMb: process.peakMb(),
  };
}

/** @param floor How long a client waits for hand-written SQL, in milliseconds. */
function costRows(costs: Cost[], held: number[], floor: number[]): Row[] {
  const known = (values: (number | undefined)[]) => values.filter((value) => value !== undefined);
  const row = (what: string, values: number[], unit: string): Row =>
    values.length === 0
      ? plainRow(what, "not available on this system", "")
      : plainRow(what, spread(values, unit), `${digits(median(values))} ${unit}`);
  const cpu = known(costs.map(({ cpuMs }) => cpuMs));
  const wall = costs.map(({ wallMs }) => wallMs);
  const at = "batch of 1000:";
  return [
    {
      ...row(`${at} the whole request`, wall, "ms"),
      goal: `≤ ${WALL_LIMIT_MS} ms`,
      met: median(wall) <= WALL_LIMIT_MS,
    },
    plainRow(
      `${at} the same against a client's wait for hand-written SQL, which is nearly all of its message`,
      "with record, migration history, verification and answer",
      `${(median(wall) / median(floor)).toFixed(2)} ×`,
    ),
    row(`${at} locks held`, held, "ms"),
    {
      ...row(`${at} processor time of the function`, cpu, "ms"),
      ...(cpu.length > 0 && { goal: `< ${CPU_LIMIT_MS} ms`, met: median(cpu) < CPU_LIMIT_MS }),
    },
    row(`${at} most memory of the process`, known(costs.map(({ peakMb }) => peakMb)), "MB"),
  ];
}

/** Whether the same can be done with half of the memory. */
async function inLittleMemory(db: TestDatabase, tables: Pair[]): Promise<Row> {
  await using process = await startFunction(db.url, HEAP_LIMIT_MB);
  const idle = process.peakMb();
  const done = await process.rename({ renames: tables }).then(() => true, () => false);
  if (done) await putBack(db, tables);
  return {
    what: `batch of 1000: with ${HEAP_LIMIT_MB} MB for JavaScript, and 32 MB left for buffers`,
    figures: idle === undefined ? "" : `the idle process takes ${digits(idle)} MB, all included`,
    result: done ? "done" : "out of memory",
    goal: "done",
    met: done,
  };
}

/** How much of the server's lock table a rename and a rollback fill, table by table. */
async function locksTaken(db: TestDatabase, tables: Pair[]): Promise<Row> {
  await using process = await startFunction(db.url);
  const renaming = await process.rename({ renames: tables, mode: "plan" });
  const forRename = await locksOf(db, renaming);
  const { batch_id } = await process.rename({ renames: tables });
  const forRollback = await locksOf(
    db,
    await process.rollback({ batch_id: batch_id!, mode: "plan" }),
  );
  await putBack(db, tables);
  const each = (locks: number) => (locks / tables.length).toFixed(1);
  return plainRow(
    "locks at a time, for each table of a batch",
    `rename ${each(forRename)}, rollback ${each(forRollback)}; the server has room for ` +
      "max_locks_per_transaction × max_connections and some more",
    `${each(forRename)} / ${each(forRollback)}`,
  );
}

/** The locks that a plan's statements hold in the end. */
async function locksOf(db: TestDatabase, { statements }: OperationAnswer): Promise<number> {
  const abandoned = new Error("rolled back on purpose");
  let locks = 0;
  await db.sql.begin(async (tx) => {
    await tx.unsafe("set local search_path = pg_catalog, pg_temp");
    await tx.unsafe(statements.map(({ sql }) => sql).join(";\n")).simple();
    [{ locks }] =
      await tx`select count(*)::int as locks from pg_locks where pid = pg_backend_pid()`;
    throw abandoned;
  }).catch((error) => {
    if (error !== abandoned) throw error;
  });
  return locks;
}
