/** A job queue that is running: producers, workers and schedules on one database, and what went wrong with them. */
import { until } from "../waiting.ts";

/** Disposed of, it ends without waiting for jobs. */
export interface RunningClient extends AsyncDisposable {
  /** What it said in its log at the level of errors, and every statement of its that failed. */
  readonly errors: string[];
  /**
   * Waits until jobs that are added from now on have run.
   *
   * @param thorough Whether everything else that it does has to happen, too: schedules add their jobs, it looks
   *   after its tables, jobs are cancelled, moved and counted.
   * @throws {Error} when they have not after a while; the message says what stands still
   */
  progress(thorough: boolean): Promise<void>;
  /**
   * Stops the producers, waits for the last jobs, stops the workers, and says what became of the jobs: one line
   * for each that was lost or ran more than once. Empty when all is well.
   */
  stop(): Promise<string[]>;
}

/** Waits until the condition holds, as `until` does. */
export async function untilTrue(what: string, condition: () => boolean): Promise<void> {
  await until(what, () => Promise.resolve(condition()));
}

/** Jobs by their number: how often each was added and ran. */
export class JobCounts {
  added = 0;
  /** Numbers of the jobs that ran, as often as they did. */
  #runs = new Map<number, number>();
  /** Numbers of the jobs that were refused when they were added. */
  refused = new Set<number>();

  ran(n: number): void {
    this.#runs.set(n, (this.#runs.get(n) ?? 0) + 1);
  }

  hasRun(n: number): boolean {
    return this.#runs.has(n) || this.refused.has(n);
  }

  /** Whether all up to this number have run. */
  allRan(upTo: number): boolean {
    for (let n = 1; n <= upTo; n++) if (!this.hasRun(n)) return false;
    return true;
  }

  /** One line for each job that did not run exactly once. */
  faults(name: string): string[] {
    const faults: string[] = [];
    for (let n = 1; n <= this.added; n++) {
      if (this.refused.has(n)) continue;
      const runs = this.#runs.get(n) ?? 0;
      if (runs !== 1) faults.push(`${name} ${n} ran ${runs} times`);
    }
    return faults;
  }
}

/** Calls `add` again and again, a little apart, until stopped. */
export function produce(add: () => Promise<void>, everyMs: number) {
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      await add();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await running;
    },
  };
}
