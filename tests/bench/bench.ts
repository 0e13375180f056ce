/** What a measurement is given, and what it gives back. */
import { createTestDatabase, type TestDatabase } from "../support/servers/database.ts";
import type { TestServer } from "../support/servers/servers.ts";

/** One line of the result. */
export interface Row {
  what: string;
  /** What was measured, with spreads: `median (min; quartiles)`. */
  figures: string;
  /** The figure that the goal is about, or that sums the line up. */
  result: string;
  /** Null where there is no goal, the line is for comparison. */
  goal: string | null;
  /** Null where there is no goal. */
  met: boolean | null;
}

/** A drawing, as SVG. */
export interface Picture {
  file: string;
  caption: string;
  svg: string;
}

export interface Measured {
  rows: Row[];
  pictures?: Picture[];
  /** What a reader has to know about how it was measured. */
  notes?: string[];
}

export interface Measurement {
  /** For `--only`. */
  name: string;
  title: string;
  run: (bench: Bench) => Promise<Measured>;
}

export interface Bench {
  quick: boolean;
  server: TestServer;
  /** How often something is repeated: the first number, or the second with `--quick`. */
  rounds: (usual: number, quick: number) => number;
  /** Runs `work` with a database of its own, made like a Supabase project's, and drops it. */
  withDatabase: <T>(work: (db: TestDatabase) => Promise<T>) => Promise<T>;
  /** Says where the work is. */
  say: (message: string) => void;
}

export function makeBench(server: TestServer, quick: boolean): Bench {
  return {
    quick,
    server,
    rounds: (usual, short) => quick ? short : usual,
    say: (message) => console.error(`  ${message}`),
    async withDatabase(work) {
      const db = await createTestDatabase(server);
      try {
        return await work(db);
      } finally {
        await db.close();
      }
    },
  };
}

/** A line with a goal: a ratio that must not be larger than `limit`. */
export function ratioRow(what: string, figures: string, ratio: number, limit: number): Row {
  return {
    what,
    figures,
    result: `${ratio.toFixed(2)} ×`,
    goal: `≤ ${limit} ×`,
    met: ratio <= limit,
  };
}

/** A line without a goal. */
export function plainRow(what: string, figures: string, result: string): Row {
  return { what, figures, result, goal: null, met: null };
}
