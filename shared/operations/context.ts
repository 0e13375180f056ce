/** What every operation is given: who asks, which database, and where to report to. */
import type { ProblemCode } from "../contract/problems.ts";
import { requireServer } from "../plan/refusals.ts";
import { beginReading, type Connected, connected, reportQueued } from "../postgres/apply_plan.ts";
import { MAX_TURN_MS, type Session, type SessionWish } from "../postgres/database.ts";
import type { DatabaseContext } from "../postgres/database_context.ts";
import {
  AfterCommit,
  isCatalogMoved,
  isConnectionLost,
  toProblem,
} from "../postgres/database_errors.ts";
import { sleep } from "../postgres/retry_budget.ts";
import { noteBypassedRowSecurity, noteLostViews } from "../tracking/drift_events.ts";
import { type Event, insertEvent } from "../tracking/events.ts";
import { type Receiver, withFailureNotification } from "../tracking/notifications.ts";

/** How a repeated request is recognized. */
export interface Idempotency {
  /** The caller, and the caller's key. */
  key: string;
  bodyHash: string;
  /** For a webhook when it was sent, in seconds since 1970; null for other callers. */
  webhookSentAt: number | null;
  /** How long the answer is kept, in days. */
  days: number;
}

export interface OperationContext extends DatabaseContext {
  /** Who asks, as it is recorded. */
  actor: string;
  requestId: string;
  /** Null, or left out, where the caller sent no key. */
  idempotency?: Idempotency | null;
  /** Who is notified of changes, and the errors in those settings; left out where nobody is. */
  notify?: { receivers: Receiver[]; errors: string[] };
}

/** How often a read is repeated because the catalog changed meanwhile, and the first pause in milliseconds. */
const MAX_REREADS = 5;
const REREAD_PAUSE_MS = 20;

/**
 * Does work that only reads, and can be repeated, in a read-only transaction of its own.
 *
 * @throws {Problem} `unsupported_server`; `database_unavailable` where the tracking tables are missing.
 */
export async function inReadOnlyTransaction<T>(
  context: OperationContext,
  work: (session: Session, connection: Connected) => Promise<T>,
): Promise<T> {
  for (let rereads = 0;; rereads++) {
    try {
      return await context.database.withSession(
        toRead(context),
        async (session) => await work(session, await beginToRead(context, session)),
      );
    } catch (error) {
      if (!isCatalogMoved(error) || rereads >= MAX_REREADS) throw error;
      await sleep(REREAD_PAUSE_MS * 2 ** rereads);
    }
  }
}

/** Begins a read-only transaction. */
export async function beginToRead(
  { limits }: OperationContext,
  session: Session,
): Promise<Connected> {
  const connection = connected(await session.begin(beginReading(limits)));
  requireServer(connection.serverVersion);
  return connection;
}

/** The wish for a session that only reads; a wait for it is reported. */
export function toRead({ limits, progress }: OperationContext): SessionWish {
  return { lane: "read", limits, waitMs: MAX_TURN_MS, waiting: reportQueued(progress, limits) };
}

/**
 * Runs an operation that leaves no event.
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

/** Does work that the request does not depend on: a failure is logged, and the answer is undefined then. */
export async function orLog<T>(
  { log }: OperationContext,
  message: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (cause) {
    log(message, { cause });
  }
}

/** Refusals that leave no event of their own: they say nothing about the tables, and can be many. */
const UNRECORDED: ProblemCode[] = [
  // Anybody can be refused like this; the endpoint decides how much of it to log.
  "unauthorized",
  // The request that is running leaves its event.
  "request_in_progress",
];

/**
 * How far a change has come: requested; begun, since its plan was made and accepted; committed, whatever fails
 * from then on.
 */
export type Stage = "requested" | "begun" | "committed";

/**
 * Runs an operation that changes something; if it fails, an event is written, the only trace of a failed request.
 * Receivers are notified of a change that was begun and failed. A refusal is for its caller alone: a receiver that
 * reacts by asking again would be notified again.
 *
 * @param stage How far the change came. An internal failure counts as begun in any case, and so does waiting for
 *   locks.
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
    // A committed change has left its event.
    if (UNRECORDED.includes(problem.code) || error instanceof AfterCommit) throw problem;
    const { attempts, waited_ms } = problem.fields as { attempts?: number; waited_ms?: number };
    const event: Event = {
      operation: about.operation,
      batch_id: about.batch_id,
      details: about.details,
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
    await orLog(
      context,
      "the event of a failed request could not be written",
      () =>
        recordAndNotify(
          context,
          begun && stage() !== "committed",
          (receivers) => withFailureNotification(written, event, receivers),
        ),
    );
    throw problem;
  }
}

/**
 * Writes an event and its notifications, in one statement. Where notifications cannot be written, as with tracking
 * tables from before the outbox, the event is written all the same.
 *
 * @param notifies Whether receivers are notified.
 */
async function recordAndNotify(
  { database, notify, log }: OperationContext,
  notifies: boolean,
  statement: (receivers: Receiver[]) => string,
): Promise<void> {
  const receivers = notifies ? notify?.receivers ?? [] : [];
  try {
    await database.query(statement(receivers));
  } catch (cause) {
    // Where the connection is lost, it may have been written.
    if (receivers.length === 0 || isConnectionLost(cause)) throw cause;
    log("receivers could not be notified of an event", { cause });
    await database.query(statement([]));
  }
}

/**
 * Records the drift that must not go unnoticed, whatever the request asked for: somebody may see rows they must not
 * see, or compatibility views are gone. A trigger of ours could not do so when it happens: it would run within other
 * people's commands, and could make them fail.
 */
export async function recordWorstDrift(context: OperationContext): Promise<void> {
  const { requestId, actor } = context;
  // One message, since it comes on top of what was asked for.
  const statements = (receivers: Receiver[]) =>
    [noteBypassedRowSecurity, noteLostViews]
      .map((statement) => statement(requestId, actor, receivers)).join(";\n");
  await orLog(
    context,
    "drift could not be recorded",
    () => recordAndNotify(context, true, statements),
  );
}
