/** How long one rename makes a client of the table wait, by distance to the database. */
import type { TestDatabase } from "../support/database.ts";
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
import { type Load, stallAt, startLoad } from "./load.ts";
import { plotWindows, type WindowPoint } from "./plots.ts";
import { digits, median, shuffled, spread } from "./statistics.ts";
import { committedAt, createTables, pairs, putBack } from "./tables.ts";

const DISTANCES_MS = [0, 5, 20];
const TABLES = pairs(1);

interface Figures {
  /** How long a client waited for the rename, in milliseconds. */
  stalls: number[];
  /** From the lock to the end of COMMIT on the server's clock. */
  held: number[];
}

type ByName = Map<string, Figures>;

export const blockingWindow: Measurement = {
  name: "blocking-window",
  title: "Blocking window of one rename",
  run: (bench) =>
    bench.withDatabase(async (db) => {
      await createTables(db, TABLES, 1_000);
      using load = await startLoad({
        url: db.url,
        query: `select * from public.${TABLES[0].old_name} where id = 500`,
        clients: 1,
        pauseMs: 0,
      });
      const kept = new Map<number, ByName>();
      for (const distance of DISTANCES_MS) {
        bench.say(`${distance} ms from the database`);
        kept.set(distance, await atDistance(bench, db, load, distance, false));
      }
      bench.say("with new connections");
      const fresh = await atDistance(bench, db, load, 0, true);
      return {
        rows: [...DISTANCES_MS.flatMap((ms) => rowsAt(ms, kept.get(ms)!)), ...summary(kept, fresh)],
        pictures: [{
          file: "blocking-window.svg",
          caption:
            "The longest that a client of the table waits during one rename, by the distance " +
            "between whoever renames and the database (median and quartiles).",
          svg: plotWindows(pointsOf(kept)),
        }],
        notes: [
          "Blocking window: one client asks for a row again and again, close to the database; the window " +
          "is how long the query took during which the rename was committed. All ways keep the view's options, defaults and grants; " +
          "ours also records the rename and checks the outcome before it commits.",
        ],
      };
    }),
};

async function atDistance(
  bench: Bench,
  db: TestDatabase,
  load: Load,
  distanceMs: number,
  newConnections: boolean,
): Promise<ByName> {
  using distance = await startDistance(bench.server.port, distanceMs);
  const url = distance.far(db.url);
  const starts = newConnections
    ? [startOurs, startOneMessage]
    : [startOurs, startOneMessage, startRoundTrips, startNodePgMigrate];
  const competitors = await Promise.all(starts.map((start) => start(url, TABLES)));
  const figures: ByName = new Map(competitors.map(({ name }) => [name, { stalls: [], held: [] }]));
  const rename = async (competitor: Competitor, keep: boolean) => {
    if (newConnections) await competitor.disconnect();
    let held: number | undefined;
    const result = await load.during(async () => held = await competitor.rename());
    if (result.errors.length > 0) throw new Error(`a client failed: ${result.errors[0]}`);
    const stall = stallAt(result, await committedAt(db, TABLES));
    await putBack(db, TABLES);
    if (!keep) return;
    const { stalls, held: heldTimes } = figures.get(competitor.name)!;
    stalls.push(stall);
    if (held !== undefined) heldTimes.push(held);
  };
  try {
    for (let round = -2; round < bench.rounds(40, 8); round++) {
      for (const competitor of shuffled(competitors)) await rename(competitor, round >= 0);
    }
  } finally {
    await Promise.all(competitors.map((competitor) => competitor[Symbol.asyncDispose]()));
  }
  return figures;
}

const stallOf = (figures: ByName, name: string) => median(figures.get(name)!.stalls);

function rowsAt(distance: number, figures: ByName): Row[] {
  const at = `one rename, ${distance} ms away`;
  const against = (name: string) => stallOf(figures, name) / stallOf(figures, OURS);
  const floor = ratioRow(
    `${at}: ours against ${ONE_MESSAGE}`,
    `${spread(figures.get(OURS)!.stalls)} against ${spread(figures.get(ONE_MESSAGE)!.stalls)}`,
    1 / against(ONE_MESSAGE),
    1.5,
  );
  return [
    distance === 5 ? { ...floor, goal: null, met: null } : floor,
    ...[ROUND_TRIPS, NODE_PG_MIGRATE].map((name) =>
      plainRow(
        `${at}: ${name}`,
        spread(figures.get(name)!.stalls),
        `${digits(against(name))} × ours`,
      )
    ),
  ];
}

function summary(kept: Map<number, ByName>, fresh: ByName): Row[] {
  const [near, far] = [0, 20].map((distance) => kept.get(distance)!);
  const ratio = stallOf(far, OURS) / stallOf(near, OURS);
  const held = (figures: ByName, name: string) => figures.get(name)!.held;
  return [
    {
      what: "the same at both distances: ours at 20 ms against 0 ms",
      figures: `${spread(far.get(OURS)!.stalls)} against ${spread(near.get(OURS)!.stalls)}`,
      result: `${ratio.toFixed(2)} ×`,
      goal: "0.8–1.2 ×",
      met: ratio >= 0.8 && ratio <= 1.2,
    },
    plainRow(
      "locks held on the server's clock, 0 ms away: ours against one message",
      `${spread(held(near, OURS))} against ${spread(held(near, ONE_MESSAGE))}`,
      `${(median(held(near, OURS)) / median(held(near, ONE_MESSAGE))).toFixed(2)} ×`,
    ),
    plainRow(
      "one rename on new connections, 0 ms away: ours against one message",
      `${spread(fresh.get(OURS)!.stalls)} against ${spread(fresh.get(ONE_MESSAGE)!.stalls)}`,
      `${(stallOf(fresh, OURS) / stallOf(fresh, ONE_MESSAGE)).toFixed(2)} ×`,
    ),
  ];
}

function pointsOf(kept: Map<number, ByName>): WindowPoint[] {
  return [...kept].flatMap(([distance, figures]) =>
    [...figures].map(([name, { stalls }]) => ({ distance, name, stalls }))
  );
}
