/** Time limits of one request: its deadline, and how long it retries to get its locks. */
import { Problem } from "../contract/problems.ts";

/** The end of a request, respected by everything that waits. */
export interface Limits {
  /** On the clock of `performance.now()`, in milliseconds. */
  deadline: number;
  /** Aborted when the caller has disconnected. */
  signal: AbortSignal;
  /** When the work began, on the same clock: `max_wait_ms` counts from here. */
  started: number;
}

/** Milliseconds until the deadline; never negative. */
export function remainingMs(limits: Limits): number {
  return Math.max(0, limits.deadline - performance.now());
}

/**
 * Checks that something new may be begun: the caller is still there and there is time left.
 *
 * @throws {Problem} `deadline_exceeded`.
 */
export function requireTime(limits: Limits): void {
  if (limits.signal.aborted) {
    throw new Problem("deadline_exceeded", "The caller disconnected; nothing was changed.", {
      hint: "Send the request again.",
    });
  }
  if (remainingMs(limits) > 0) return;
  throw new Problem(
    "deadline_exceeded",
    "The work could not be done in time; nothing was changed.",
    { hint: "Try again when the database is less busy, or rename fewer tables at once." },
  );
}

const BASE_DELAY_MS = 25;
const MAX_DELAY_MS = 1_000;

/** Milliseconds kept back from the deadline, to roll back and to find out who blocks. */
const RESERVE_MS = 2_000;

/**
 * How long one request retries, with exponential backoff and full jitter: each sleep is random between 0 and a bound
 * that doubles, so that competing requests do not retry at the same moments.
 */
export class RetryBudget {
  readonly #started: number;
  readonly #maxWaitMs: number;
  readonly #limits: Limits | undefined;
  #failures = 0;

  /**
   * @param maxWaitMs The longest time to retry, in milliseconds; 0: one attempt.
   * @param limits If they end sooner, so does the budget. Default: no limits.
   */
  constructor(maxWaitMs: number, limits?: Limits) {
    this.#started = limits?.started ?? performance.now();
    this.#maxWaitMs = maxWaitMs;
    this.#limits = limits;
  }

  /** Failed attempts so far. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds since the request's work began. */
  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** Milliseconds left; never negative. */
  get remainingMs(): number {
    return Math.max(0, Math.min(this.#ownMs, this.#deadlineMs));
  }

  /** Whether the request's deadline ends it, rather than `maxWaitMs`. */
  get endsWithRequest(): boolean {
    return this.#deadlineMs < this.#ownMs;
  }

  get #ownMs(): number {
    return this.#maxWaitMs - this.elapsedMs;
  }

  get #deadlineMs(): number {
    return this.#limits ? remainingMs(this.#limits) - RESERVE_MS : Infinity;
  }

  /**
   * Counts a failed attempt and sleeps before the next one. False, without sleeping to the end, if there is no time for
   * another attempt or the caller has disconnected.
   */
  async pause(): Promise<boolean> {
    const bound = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** this.#failures);
    this.#failures++;
    const delay = 1 + Math.random() * bound;
    if (delay >= this.remainingMs || this.#limits?.signal.aborted) return false;
    return await this.#sleep(delay);
  }

  /**
   * Sleeps for up to `ms`, without an attempt to count. False if there was no time left before, or the caller has
   * disconnected.
   */
  async wait(ms: number): Promise<boolean> {
    const delay = Math.min(ms, this.remainingMs);
    if (delay <= 0 || this.#limits?.signal.aborted) return false;
    return await this.#sleep(delay);
  }

  async #sleep(ms: number): Promise<boolean> {
    await sleep(ms, this.#limits?.signal);
    return !this.#limits?.signal.aborted;
  }
}

/** Sleeps; returns early when the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  // A signal that is aborted already sends no event.
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
