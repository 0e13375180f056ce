/** Clients that do one thing again and again, and remember how long it took at worst. */
import type { TestDatabase } from "../servers/database.ts";

export interface Stall {
  /** Longest time that one round took, in milliseconds. */
  longestMs: number;
  rounds: number;
}

/**
 * Runs statements in a loop on a connection of its own while `work` runs; an error of theirs is thrown.
 */
export async function whileQuerying(
  db: TestDatabase,
  statements: string[],
  work: () => Promise<void>,
): Promise<Stall> {
  const client = db.connect({ max: 1 });
  const stall = { longestMs: 0, rounds: 0 };
  let over = false;
  // The first round connects.
  for (const statement of statements) await client.unsafe(statement);
  const loop = (async () => {
    for (; !over; stall.rounds++) {
      for (const statement of statements) {
        const started = performance.now();
        await client.unsafe(statement);
        stall.longestMs = Math.max(stall.longestMs, performance.now() - started);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  // A client's error is not to be an unhandled rejection while the work still runs.
  loop.catch(() => {});
  try {
    await work();
  } finally {
    over = true;
  }
  await loop;
  await client.end();
  return stall;
}
