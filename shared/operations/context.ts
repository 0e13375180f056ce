/** What every operation is given: who asks, which database, and where to report to. */
import type { Progress } from "../contract/responses.ts";
import type { Database } from "../execute/database.ts";
import { toProblem } from "../execute/database_errors.ts";
import type { Limits } from "../execute/limits.ts";
import { type Event, insertEvent } from "../tracking/events.ts";

export interface OperationContext {
  database: Database;
  /** Who asks, as it is recorded. */
  actor: string;
  requestId: string;
  /** Until when the work may go on. */
  limits: Limits;
  /** Told where the work is. */
  progress: (progress: Progress) => void;
  /** Called with what the caller is not told; never with secrets or rows. */
  log: (message: string, details: Record<string, unknown>) => void;
}

/**
 * Runs an operation that only looks.
 *
 * @throws {Problem} Whatever went wrong, as a problem.
 */
export async function asProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toProblem(error);
  }
}

/**
 * Runs an operation that changes something; if it fails, that is told in the caller's terms and leaves an
 * event, the one trace of a failed request.
 *
 * @throws {Problem} Whatever went wrong, as a problem.
 */
export async function recordingFailure<T>(
  context: OperationContext,
  about: Pick<Event, "operation" | "batch_id" | "details">,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = toProblem(error);
    const { attempts, waited_ms } = problem.fields as { attempts?: number; waited_ms?: number };
    const event = insertEvent({
      ...about,
      request_id: context.requestId,
      actor: context.actor,
      outcome: problem.status < 500 ? "refused" : "failed",
      problem_code: problem.code,
      migration_ids: [],
    }, {
      attempts: String(attempts ?? 0),
      waitedMs: String(waited_ms ?? 0),
      heldMs: "0",
    });
    try {
      await context.database.query(event);
    } catch (cause) {
      context.log("the event of a failed request could not be written", { cause });
    }
    throw problem;
  }
}
