/** What every operation is given: who asks, which database, and where to report to. */
import type { ProblemCode } from "../../contract/problems.ts";
import { requireServer } from "../../plan/refusals.ts";
import { reportQueued } from "../../postgres/apply_plan.ts";
import {
  beginReading,
  type Connected,
  connected,
  readingTransaction,
} from "../../postgres/begin.ts";
import {
  MAX_QUEUE_MS,
  type Row,
  type Session,
  type SessionRequest,
} from "../../postgres/connection/database.ts";
import type { DatabaseContext } from "../../postgres/connection/database_context.ts";
import { AfterCommit, isCatalogMoved, isConnectionLost } from "../../postgres/database_errors.ts";
import { toProblem } from "../../postgres/database_problems.ts";
import { sleep } from "../../postgres/limits.ts";
import { noteBypassedRowSecurity, noteLostViews } from "../../tracking/drift_events.ts";
import { type Event, insertEvent } from "../../tracking/events.ts";
import { type Receiver, withFailureNotification } from "../../tracking/notifications.ts";

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
 * @param tries Whether the work tries something that would change the database. The transaction is rolled back.
 * @throws {Problem} `unsupported_server`; `database_unavailable` where the tracking tables are missing.
 */
export async function inReadOnlyTransaction<T>(
  context: OperationContext,
  work: (session: Session, connection: Connected) => Promise<T>,
  { tries = false }: { tries?: boolean } = {},
): Promise<T> {
  return await inReadingSession(
    context,
    async (session) => await work(session, await beginToRead(context, session, tries)),
  );
}

/**
 * Runs queries in a read-only transaction of their own, in one message, and answers the rows of each. It may run twice.
 * Nobody asks what the server can do, or whether it is a version that is supported: the request knows that by then.
 */
export async function readAtOnce(context: OperationContext, queries: string[]): Promise<Row[][]> {
  const results = await context.database.whileReachable(() =>
    inReadingSession(
      context,
      (session) => session.runWhole(readingTransaction(context.limits, queries)),
    )
  );
  return results.slice(-queries.length);
}

/** Does work in a session that only reads; again, where the catalog changed meanwhile. */
async function inReadingSession<T>(
  context: OperationContext,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  for (let rereads = 0;; rereads++) {
    try {
      return await context.database.withSession(toRead(context), work);
    } catch (error) {
      if (!isCatalogMoved(error) || rereads >= MAX_REREADS) throw error;
      await sleep(REREAD_PAUSE_MS * 2 ** rereads);
    }
  }
}

export async function beginToRead(
  { limits }: OperationContext,
  session: Session,
  tries = false,
): Promise<Connected> {
  const connection = connected(await session.begin(beginReading(limits, tries)));
  requireServer(connection.serverVersion);
  return connection;
}

/** The wish for a session that only reads; a wait for it is reported. */
export function toRead({ limits, progress }: OperationContext): SessionRequest {
  return { lane: "read", limits, waitMs: MAX_QUEUE_MS, waiting: reportQueued(progress, limits) };
}

/** @throws {Problem} Whatever went wrong, as a problem. */
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

/** The results of several works, once all have ended: where one fails, no other goes on after the answer. */
export async function allEnded<T extends unknown[]>(
  works: { [Index in keyof T]: Promise<T[Index]> },
): Promise<T> {
  await Promise.allSettled(works);
  return await Promise.all(works) as T;
}

/** Refusals that leave no event: they say nothing about the tables, and can be many. */
const UNRECORDED: ProblemCode[] = [
  "unauthorized",
  // The running request leaves its event.
  "request_in_progress",
];

/** How far a change has come; it is begun once its plan is made and accepted. */
export type Stage = "requested" | "begun" | "committed";

/**
 * Runs a change; if it fails, an event is written, and where it was begun receivers are notified. They are not notified
 * of refusals: a receiver that reacts by asking again would be notified again.
 *
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

/** Writes an event with its notifications; without them where that fails, as on tracking tables without an outbox. */
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
 * Records the worst drift, whatever was requested: somebody may see rows they must not see, or compatibility views are
 * gone. An event trigger could do so at once, but it would run within other people's commands, and could fail them.
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
