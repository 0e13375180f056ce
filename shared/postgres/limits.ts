/**
 * Limits of one request: until when it may work, and whether anybody still waits for it.
 */
import { Problem } from "../contract/problems.ts";

/** The request's end, kept by everything that waits. */
export interface Limits {
  /** On the clock of `performance.now()`, in milliseconds. */
  deadline: number;
  /** Aborted when the caller has gone away. */
  signal: AbortSignal;
  /** When the work began, on the same clock: what a caller's longest wait counts from. */
  started: number;
}

/** Milliseconds until the deadline; never less than nothing. */
export function remainingMs(limits: Limits): number {
  return Math.max(0, limits.deadline - performance.now());
}

/**
 * Refuses to begin anything new once the caller is gone or the time is up.
 *
 * @throws {Problem} `deadline_exceeded`.
 */
export function requireTime(limits: Limits): void {
  if (limits.signal.aborted) {
    throw new Problem("deadline_exceeded", "The caller went away; nothing was changed.", {
      hint: "Send the request again.",
    });
  }
  if (remainingMs(limits) > 0) return;
  throw new Problem(
    "deadline_exceeded",
    "The work could not be done in time; nothing was changed.",
    {
      hint: "Try again when the database is less busy, or rename fewer tables at once.",
    },
  );
}
