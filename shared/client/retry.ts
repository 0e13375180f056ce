/** Calls that are made again where nobody can know whether the first one got through. */
import { neverSent, RenameError } from "./rename_error.ts";

/**
 * `any`: whatever may fare better later. `unanswered`: only from the first failure on after which the work may
 * have been done.
 */
export type Retries = "any" | "unanswered";

/**
 * Pauses before the second and every later attempt, in milliseconds; each is cut by up to a half, at random.
 * Together they outlast the ten seconds for which an answer may be left unfinished by a function that was ended.
 */
const PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000];

/** What the endpoints and the platform before them answer where another attempt may fare better. */
const PASSING_CODES = ["unreachable", "busy", "database_unavailable", "request_in_progress"];
const PASSING_STATUSES = [502, 503, 504, 546];

/**
 * Makes the attempt, and makes it again where it may not have been answered, or is still being worked on.
 * Only for what is done once however often it is asked for.
 *
 * @throws What the last attempt threw; the signal's reason.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { retries = "any", signal }: { retries?: Retries; signal?: AbortSignal } = {},
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

/** Whether the request may have come to a function that nothing more was heard of. */
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
