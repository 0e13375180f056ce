/** Clients of a table, as a measurement sees them; they live in `workers/load_worker.ts`. */
import type { LoadOptions, LoadResult } from "./workers/load_worker.ts";

export type { LoadResult, Sample } from "./workers/load_worker.ts";

export interface Load extends Disposable {
  /** Lets the clients ask while `work` runs, and a little before and after it. */
  during(work: () => Promise<unknown>): Promise<LoadResult>;
}

/** Time that the clients ask before and after the work, in milliseconds. */
const AROUND_MS = 20;

/** Connects clients that have not begun to ask yet. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const worker = new Worker(new URL("./workers/load_worker.ts", import.meta.url), {
    type: "module",
  });
  const answer = <T>() =>
    new Promise<T>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
  const ready = answer<"ready">();
  worker.postMessage(options);
  await ready;
  return {
    async during(work) {
      worker.postMessage("begin");
      await pause(AROUND_MS);
      try {
        await work();
      } finally {
        await pause(AROUND_MS);
      }
      const result = answer<LoadResult>();
      worker.postMessage("end");
      return await result;
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}

/**
 * The time that the query took during which something was committed, at `committedAt` in milliseconds since
 * 1970. What else delays a client on a busy machine is not counted in.
 */
export function stallAt({ samples }: LoadResult, committedAt: number): number {
  const during = samples.filter(([sentAt, took]) =>
    sentAt <= committedAt + CLOCKS_DIFFER_MS && sentAt + took >= committedAt - CLOCKS_DIFFER_MS
  );
  return longestStall({ samples: during, errors: [] });
}

/** Two processes' clocks of the same machine, in milliseconds. */
const CLOCKS_DIFFER_MS = 0.5;

/** The longest time that any query took. */
export function longestStall({ samples }: LoadResult): number {
  return samples.reduce((longest, [, took]) => Math.max(longest, took), 0);
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
