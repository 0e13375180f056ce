/** RetryBudget: how long one request goes on trying for its locks, and how long it sleeps in between. */
import { type Limits, remainingMs } from "./limits.ts";

const BASE_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;

/** Milliseconds kept back from the deadline, to roll back and to say who was in the way. */
const RESERVE_MS = 2_000;

/**
 * Exponential backoff with full jitter: each sleep is random between nothing and a bound that doubles, so
 * that competitors do not meet again and again.
 */
export class RetryBudget {
  readonly #started: number;
  readonly #maxWaitMs: number;
  readonly #limits: Limits | undefined;
  #failures = 0;

  /**
   * @param maxWaitMs The longest time to go on trying, in milliseconds; 0 tries once.
   * @param limits Where they end sooner, so does the budget.
   */
  constructor(maxWaitMs: number, limits?: Limits) {
    this.#started = limits?.started ?? performance.now();
    this.#maxWaitMs = maxWaitMs;
    this.#limits = limits;
  }

  /** Tries so far that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds since the request's work began. */
  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** Milliseconds left; never less than nothing. */
  get remainingMs(): number {
    return Math.max(0, Math.min(this.#ownMs, this.#commonMs));
  }

  /** Whether the request's time ends it, rather than its own. */
  get endsWithRequest(): boolean {
    return this.#commonMs < this.#ownMs;
  }

  get #ownMs(): number {
    return this.#maxWaitMs - this.elapsedMs;
  }

  get #commonMs(): number {
    return this.#limits ? remainingMs(this.#limits) - RESERVE_MS : Infinity;
  }

  /**
   * Notes a failed try and sleeps; false, at once, where no time is left for another try, or nobody waits
   * for it any more.
   */
  async again(): Promise<boolean> {
    const bound = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** this.#failures);
    this.#failures++;
    const delay = 1 + Math.random() * bound;
    if (delay >= this.remainingMs || this.#limits?.signal.aborted) return false;
    await sleep(delay, this.#limits?.signal);
    return !this.#limits?.signal.aborted;
  }
}

/** Sleeps; wakes early when the signal is given. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  // One that was given before is not given again.
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}
