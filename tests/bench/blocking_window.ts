/** How long one rename makes a client of the table wait, by distance to the database. */
import type { TestDatabase } from "../support/servers/database.ts";
import { type Bench, type Measurement, plainRow, ratioRow, type Row } from "./bench.ts";
import {
  type Competitor,
  NODE_PG_MIGRATE,
  ONE_MESSAGE,
  OURS,
  ROUND_TRIPS,
  startNodePgMigrate,
  startOneMessage,
  startOurs,
  startRoundTrips,
} from "./competitors.ts";
import { startDistance } from "./distance.ts";
import { stallAt, startLoad } from "./load.ts";
import { plotWindows } from "./plots.ts";
import { digits, median, shuffled, spread } from "./statistics.ts";
import { committedAt, createTables, pairs, putBack } from "./tables.ts";

const DISTANCES_MS = [0, 5, 20];
const TABLES = pairs(1);

/** A way to rename, at a distance, and what was measured of it. */
interface Variant {
  distance: number;
  competitor: Competitor;
  /** Whether it has to connect first. */
  fresh: boolean;
  /** How long a client waited for the rename, in milliseconds. */
  stalls: number[];
  /** From the lock to the end of COMMIT on the server's clock. */
  held: number[];
}

export const blockingWindow: Measurement = {
  name: "blocking-window",
  title: "Blocking window of one rename",
  run: (bench) =>
    bench.withDatabase(async (db) => {
      await createTables(db, TABLES, 1_000);
      await using stack = new AsyncDisposableStack();
      const variants: Variant[] = [];
      for (const distance of DISTANCES_MS) {
        const { far } = stack.use(await startDistance(bench.server.port, distance));
        for (const start of [startOurs, startOneMessage, startRoundTrips, startNodePgMigrate]) {
          const competitor = stack.use(await start(far(db.url), TABLES));
          variants.push({ distance, competitor, fresh: false, stalls: [], held: [] });
        }
      }
      for (const start of [startOurs, startOneMessage]) {
        const competitor = stack.use(await start(db.url, TABLES));
        variants.push({ distance: 0, competitor, fresh: true, stalls: [], held: [] });
      }
      await measure(bench, db, variants);
      return {
        rows: [...DISTANCES_MS.flatMap((ms) => rowsAt(variants, ms)), ...summary(variants)],
        pictures: [{
          file: "blocking-window.svg",
          caption:
            "The longest that a client of the table waits during one rename, by the distance " +
            "between whoever renames and the database (median and quartiles).",
          svg: plotWindows(
            variants.filter(({ fresh }) => !fresh)
              .map(({ distance, competitor, stalls }) => ({
                distance,
                name: competitor.name,
                stalls,
              })),
          ),
        }],
        notes: [
          "One client asks for a row again and again, close to the database; the blocking window is how " +
          "long the query took during which the rename was committed. Every way keeps the view's options, " +
          "defaults and grants; ours also records the rename, and checks the outcome before it commits.",
        ],
      };
    }),
};

/** Every variant once a round, in random order: what else the machine does comes at everybody's cost. */
async function measure(bench: Bench, db: TestDatabase, variants: Variant[]): Promise<void> {
  using load = await startLoad({
    url: db.url,
    query: `select * from public.${TABLES[0].old_name} where id = 500`,
    clients: 1,
    pauseMs: 0,
  });
  const rounds = bench.rounds(40, 8);
  for (let round = -2; round < rounds; round++) {
    if (round % 10 === 0) bench.say(`round ${round} of ${rounds}`);
    for (const { competitor, fresh, stalls, held } of shuffled(variants)) {
      if (fresh) await competitor.disconnect();
      let heldMs: number | undefined;
      const result = await load.during(async () => heldMs = await competitor.rename());
      if (result.errors.length > 0) throw new Error(`a client failed: ${result.errors[0]}`);
      const stall = stallAt(result, await committedAt(db, TABLES));
      await putBack(db, TABLES);
      if (round < 0) continue;
      stalls.push(stall);
      if (heldMs !== undefined) held.push(heldMs);
    }
  }
}

function find(variants: Variant[], name: string, distance: number, fresh = false): Variant {
  return variants.find((variant) =>
    variant.competitor.name === name && variant.distance === distance && variant.fresh === fresh
  )!;
}

/** The figures of two, and the ratio of their medians. */
function compare(ours: number[], others: number[]): { figures: string; ratio: number } {
  return {
    figures: `${spread(ours)} against ${spread(others)}`,
    ratio: median(ours) / median(others),
  };
}

function rowsAt(variants: Variant[], distance: number): Row[] {
  const at = `one rename, ${distance} ms away`;
  const ours = find(variants, OURS, distance).stalls;
  const { figures, ratio } = compare(ours, find(variants, ONE_MESSAGE, distance).stalls);
  const floor = ratioRow(`${at}: ours against ${ONE_MESSAGE}`, figures, ratio, 0.75);
  return [
    distance === 5 ? { ...floor, goal: null, met: null } : floor,
    ...[ROUND_TRIPS, NODE_PG_MIGRATE].map((name) => {
      const { stalls } = find(variants, name, distance);
      return plainRow(
        `${at}: ${name}`,
        spread(stalls),
        `${digits(median(stalls) / median(ours))} × ours`,
      );
    }),
  ];
}

function summary(variants: Variant[]): Row[] {
  const ours = find(variants, OURS, 0);
  const hand = find(variants, ONE_MESSAGE, 0);
  const distances = compare(find(variants, OURS, 20).stalls, ours.stalls);
  const held = compare(ours.held, hand.held);
  const fresh = compare(
    find(variants, OURS, 0, true).stalls,
    find(variants, ONE_MESSAGE, 0, true).stalls,
  );
  return [
    {
      what: "the same at both distances: ours at 20 ms against 0 ms",
      figures: distances.figures,
      result: `${distances.ratio.toFixed(2)} ×`,
      goal: "0.8–1.2 ×",
      met: distances.ratio >= 0.8 && distances.ratio <= 1.2,
    },
    plainRow(
      "locks held on the server's clock, 0 ms away: ours against one message",
      held.figures,
      `${held.ratio.toFixed(2)} ×`,
    ),
    plainRow(
      "one rename on new connections, 0 ms away: ours against one message",
      fresh.figures,
      `${fresh.ratio.toFixed(2)} ×`,
    ),
  ];
}
