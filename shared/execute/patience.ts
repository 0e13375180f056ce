/** Patience: how long one request goes on trying for its locks, and how long it sleeps in between. */

const BASE_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;

/**
 * Exponential backoff with full jitter: each sleep is random between nothing and a bound that doubles, so
 * that competitors do not meet again and again.
 */
export class Patience {
  readonly #started = performance.now();
  readonly #maxWaitMs: number;
  #failures = 0;

  /** @param maxWaitMs The longest time to go on trying, in milliseconds; 0 tries once. */
  constructor(maxWaitMs: number) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** Tries so far that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds since the first try began. */
  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** Milliseconds left; never less than nothing. */
  get remainingMs(): number {
    return Math.max(0, this.#maxWaitMs - this.elapsedMs);
  }

  /** Notes a failed try and sleeps; false, at once, where no time is left for another try. */
  async again(): Promise<boolean> {
    const bound = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** this.#failures);
    this.#failures++;
    const delay = 1 + Math.random() * bound;
    if (delay >= this.remainingMs) return false;
    await new Promise((resolve) => setTimeout(resolve, delay));
    return true;
  }
}
