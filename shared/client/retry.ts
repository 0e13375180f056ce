/** Options of a call, and repeating a call that may not have arrived. */
import type { Progress } from "../contract/responses.ts";
import { neverSent, RenameError } from "./rename_error.ts";

export interface CallOptions {
  /**
   * Gets the progress of the operation while it runs, and who it waits for; what it throws ends the call like an
   * abort. Default: none, and the answer comes as plain JSON.
   */
  onProgress?: (progress: Progress) => void;
  /**
   * Aborted, the call throws the signal's reason. No new attempt is made then; one that is under way may still
   * succeed, which `listMigrations` shows.
   */
  signal?: AbortSignal;
  /**
   * A name for this piece of work, 1 to 255 visible ASCII characters, such as a UUID. The work is done once,
   * however often it is asked for by this name, and is asked for again, for up to half a minute, if no answer
   * comes or the database cannot be reached. Default: none, and one attempt.
   */
  idempotencyKey?: string;
  /**
   * With a key, after which failures the call asks again. `any`: whenever that may help. `unanswered`: only once
   * the work may have been done and its answer lost. Default: `any`.
   */
  retries?: "any" | "unanswered";
}

/**
 * Pauses before the second and every later attempt, in milliseconds; up to half of each is cut at random.
 * Together they are longer than the ten seconds after which an unfinished request counts as abandoned.
 */
const PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000];

/** What endpoints and platform answer when another attempt may succeed. */
const PASSING_CODES = ["unreachable", "busy", "database_unavailable", "request_in_progress"];
const PASSING_STATUSES = [502, 503, 504, 546];

/**
 * Makes the attempt, and repeats it if it may not have been answered, or is still in progress. Only for work that
 * is done once however often it is asked for.
 *
 * @throws What the last attempt threw; the signal's reason.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { retries = "any", signal }: CallOptions = {},
): Promise<T> {
  let started = retries === "any";
  for (const pause of PAUSES_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error)) throw error;
      started ||= mayBeDone(error);
      if (!started) throw error;
    }
    await sleep(pause * (1 - Math.random() / 2), signal);
    signal?.throwIfAborted();
  }
  return await attempt();
}

/** Whether the request may have reached a function whose answer was lost. */
const mayBeDone = (error: RenameError): boolean =>
  error.code === "unexpected_answer" || (error.code === "unreachable" && !neverSent(error));

function isPassing(error: unknown): error is RenameError {
  if (!(error instanceof RenameError)) return false;
  return PASSING_CODES.includes(error.code) ||
    (error.code === "unexpected_answer" && PASSING_STATUSES.includes(error.status ?? 0));
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
    if (signal?.aborted) end();
  });
}
