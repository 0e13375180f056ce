/** What every operation is given: who asks, which database, and where to report to. */
import type { ProblemCode } from "../contract/problems.ts";
import type { Progress } from "../contract/responses.ts";
import type { Database, Session, SessionRequest } from "../postgres/database.ts";
import { MAX_QUEUE_MS } from "../postgres/database.ts";
import { AfterCommit, isCatalogMoved, isConnectionLost } from "../postgres/database_errors.ts";
import { toProblem } from "../postgres/database_problems.ts";
import { type Limits, sleep } from "../postgres/limits.ts";
import { reportQueued } from "../postgres/apply_plan.ts";
import { type Event, insertEvent } from "../tracking/events.ts";
import { type Receiver, withFailureNotification } from "../tracking/notifications.ts";

/** By what a request is known that comes again. */
export interface Idempotency {
  /** Who asks, and the caller's key for it. */
  key: string;
  bodyHash: string;
  /** For a webhook when it was sent, in seconds since 1970; null for other callers. */
  webhookSentAt: number | null;
  /** How long the answer is kept, in days. */
  days: number;
}

export interface OperationContext {
  database: Database;
  /** Who asks, as it is recorded. */
  actor: string;
  requestId: string;
  /** Null, or left out, where the caller does not say what makes a request the same. */
  idempotency?: Idempotency | null;
  /** Who is told of changes, and what is wrong with the settings of that; left out where nobody is. */
  notify?: { receivers: Receiver[]; errors: string[] };
  /** Until when the work may go on. */
  limits: Limits;
  /** Told where the work is. */
  progress: (progress: Progress) => void;
  /** Called with what the caller is not told; never with secrets or rows. */
  log: (message: string, details: Record<string, unknown>) => void;
}

/** How often something is read again because the catalog changed meanwhile, and the first pause in milliseconds. */
const MOST_REREADS = 5;
const REREAD_PAUSE_MS = 20;

/** Takes a session for what only reads, and can be read again. */
export async function readingSession<T>(
  context: OperationContext,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  for (let rereads = 0;; rereads++) {
    try {
      return await context.database.withSession(toRead(context), work);
    } catch (error) {
      if (!isCatalogMoved(error) || rereads >= MOST_REREADS) throw error;
      await sleep(REREAD_PAUSE_MS * 2 ** rereads);
    }
  }
}

/** The wish for a session that only reads; a wait for it is reported. */
export function toRead({ limits, progress }: OperationContext): SessionRequest {
  return { lane: "read", limits, waitMs: MAX_QUEUE_MS, waiting: reportQueued(progress, limits) };
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

/** Refusals that leave no event of their own: they would say nothing about the tables, and can be many. */
const UNRECORDED: ProblemCode[] = [
  // Anybody can be refused so; whoever let them ask knows how much of it to write down.
  "unauthorized",
  // The request that is at work leaves its event.
  "request_in_progress",
];

/**
 * How far a change has come: asked for; begun, since its plan was made and accepted; committed, whatever goes
 * wrong from then on.
 */
export type Stage = "asked" | "begun" | "committed";

/**
 * Runs an operation that changes something; if it fails, that is told in the caller's terms and leaves an
 * event, the one trace of a failed request. Receivers are told of what was begun and did not come about; a
 * refusal is for its caller alone, or whoever is told and asks again would be told again.
 *
 * @param stage How far the change came. What fails of itself counts as begun in any case, and so does waiting
 *   for locks.
 * @throws {Problem} Whatever went wrong, as a problem.
 */
export async function recordingFailure<T>(
  context: OperationContext,
  about: Pick<Event, "operation" | "batch_id" | "details">,
  work: () => Promise<T>,
  stage: () => Stage,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = toProblem(error);
    context.database.goFirst();
    // What was committed has left its event.
    if (UNRECORDED.includes(problem.code) || error instanceof AfterCommit) throw problem;
    const { attempts, waited_ms } = problem.fields as { attempts?: number; waited_ms?: number };
    const event: Event = {
      ...about,
      request_id: context.requestId,
      actor: context.actor,
      outcome: problem.status < 500 ? "refused" : "failed",
      problem_code: problem.code,
      migration_ids: [],
    };
    const written = insertEvent(event, {
      attempts: String(attempts ?? 0),
      waitedMs: String(waited_ms ?? 0),
      heldMs: "0",
    });
    const begun = problem.status >= 500 || problem.code === "lock_not_acquired" ||
      stage() === "begun";
    const told = begun && stage() !== "committed";
    try {
      await recordAndTell(
        context,
        told,
        (receivers) => withFailureNotification(written, event, receivers),
      );
    } catch (cause) {
      context.log("the event of a failed request could not be written", { cause });
    }
    throw problem;
  }
}

/**
 * Writes an event and those who are to be told of it, in one statement. Where they cannot be told, as with
 * tracking tables from before the outbox, the event is written all the same.
 *
 * @param told Whether anybody is.
 */
export async function recordAndTell(
  { database, notify, log }: OperationContext,
  told: boolean,
  statement: (receivers: Receiver[]) => string,
): Promise<void> {
  const receivers = told ? notify?.receivers ?? [] : [];
  try {
    await database.query(statement(receivers));
  } catch (cause) {
    // Where the connection is gone, it may be written.
    if (receivers.length === 0 || isConnectionLost(cause)) throw cause;
    log("an event could not be told", { cause });
    await database.query(statement([]));
  }
}
