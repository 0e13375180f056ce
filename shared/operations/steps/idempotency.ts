/**
 * Idempotency keys: the work of a repeated request is done once, and every attempt gets the same answer.
 *
 * The transaction of the change locks and records the key, so that the record exists if and only if the change does.
 * What is known only after the commit is added then, or found out by the next attempt. Refusals and plans are not kept.
 */
import { Problem } from "../../contract/problems.ts";
import type { OperationAnswer } from "../../contract/responses.ts";
import type { Session } from "../../postgres/connection/database.ts";
import { afterCommit, isConnectionLost } from "../../postgres/database_errors.ts";
import type { Event } from "../../tracking/events.ts";
import {
  isAlone,
  keepAnswer,
  noteRefused,
  type PlannedAnswer,
  pruneRequests,
  type RecordedRequest,
  recordedRequest,
  recordRequest,
  requestFromRows,
  tryRequest,
} from "../../tracking/requests.ts";
import { type Idempotency, type OperationContext, orLog } from "./context.ts";
import { historyEntry } from "./history.ts";
import { readMigrations } from "./reading.ts";
import { notifyVerification } from "./notify_verification.ts";
import { verifyLate } from "./verify_change.ts";

type Operation = Event["operation"];

/** How long a request has to answer after its commit, in milliseconds; then another attempt answers. */
const FINISHING_MS = 10_000;

class DoneBefore extends Error {
  constructor(readonly recorded: RecordedRequest) {
    super("the request was answered before");
  }
}

/**
 * Does the work of a request, unless an earlier attempt did: then answers as that one, after the progress `replayed`.
 *
 * @throws {Problem} `request_in_progress`, `idempotency_key_reused`, `unauthorized` for a webhook that its
 *   sender did not send here or now; what `work` throws.
 */
export async function answeredOnce(
  context: OperationContext,
  operation: Operation,
  work: () => Promise<OperationAnswer>,
): Promise<OperationAnswer> {
  const { idempotency } = context;
  if (!idempotency) return await work();
  try {
    const answer = await work();
    await keep(context, idempotency, context.requestId, answer);
    return answer;
  } catch (error) {
    if (!(error instanceof DoneBefore)) {
      await recordRefused(context, idempotency, operation, error);
      throw error;
    }
    const { recorded } = error;
    const answer = recorded.answer ??
      await afterCommit(() => answerLate(context, idempotency, recorded));
    context.progress({ phase: "replayed" });
    return answer;
  }
}

/**
 * Locks the key until the end of the change's transaction.
 *
 * @throws {Problem} As `answeredOnce`, which also catches `DoneBefore`.
 */
export async function requireNew(
  { idempotency }: OperationContext,
  session: Session,
  operation: Operation,
): Promise<void> {
  if (!idempotency) return;
  // Read after the try: by then the record of whoever held the key is visible.
  const [tried, rows] = await session.runAll(
    `${tryRequest(idempotency)};\n${recordedRequest(idempotency)}`,
  );
  const recorded = requestFromRows(rows);
  if (recorded !== null) requireSame(idempotency, operation, recorded);
  if (recorded?.answer || (recorded?.made && recorded.made.age_ms > FINISHING_MS)) {
    throw new DoneBefore(recorded);
  }
  if (recorded?.made || !isAlone(tried)) {
    throw new Problem("request_in_progress", "A request with this key is still running.", {
      hint: "Send it again in a few seconds; once the work is done, you get its answer.",
    });
  }
}

/** The last step before the locks: records the request and what is known of its answer. */
export async function recordAnswer(
  context: OperationContext,
  session: Session,
  operation: Operation,
  planned: PlannedAnswer,
): Promise<void> {
  const { idempotency } = context;
  if (idempotency) await session.run(recordRequest(made(context, idempotency, operation), planned));
}

/** The same for an answer that is complete before the commit. */
export async function recordWholeAnswer(
  context: OperationContext,
  session: Session,
  operation: Operation,
  answer: OperationAnswer,
): Promise<void> {
  const { idempotency, requestId } = context;
  if (!idempotency) return;
  await recordAnswer(context, session, operation, answer);
  await session.run(keepAnswer(idempotency.key, requestId, answer));
}

/**
 * Refuses a key that was used for another request, and a webhook that was delivered before: an intercepted message may
 * be delivered again unchanged, to another endpoint or to one that refused it.
 */
function requireSame(
  { bodyHash, webhookSentAt }: Idempotency,
  operation: Operation,
  recorded: RecordedRequest,
): void {
  const same = recorded.operation === operation;
  const again = recorded.made !== null || webhookSentAt === null ||
    webhookSentAt > (recorded.webhook_sent_at ?? 0);
  if (webhookSentAt !== null && !(same && again)) {
    throw new Problem("unauthorized", "The webhook was delivered before.", {
      hint: same
        ? "Sign each attempt anew, with the time at which it is made."
        : "A webhook's id is good for one endpoint; send another webhook to this one.",
      fields: { reason: "replayed" },
    });
  }
  if (recorded.made === null || (same && recorded.body_hash === bodyHash)) return;
  throw new Problem(
    "idempotency_key_reused",
    same
      ? "The key was used for a request with another body."
      : `The key was used for another kind of request (${recorded.operation}).`,
    { hint: "Take a new key for each piece of work, and the same one only to repeat it." },
  );
}

/** The answer for an attempt that ended after its commit: what was recorded, and what can be read now. */
async function answerLate(
  context: OperationContext,
  idempotency: Idempotency,
  { made, operation, request_id }: RecordedRequest,
): Promise<OperationAnswer> {
  const { planned, migration_ids, lock } = made!;
  const { batch_id, mode, plan_hash, statements, findings } = planned;
  const history = mode === "apply" ? await historyEntry(context, request_id) : null;
  const answer = {
    batch_id,
    mode,
    plan_hash,
    migrations: await readMigrations(context, migration_ids),
    statements,
    findings,
    // A proposal takes no locks and has nothing to verify.
    lock: mode === "apply" ? lock : null,
    verification: mode === "apply" ? await verifyLate(context, migration_ids) : null,
    ...(history !== null && { history }),
  };
  if (answer.verification !== null) {
    await notifyVerification(context, operation, { batch_id, migration_ids }, answer.verification);
  }
  await keep(context, idempotency, request_id, answer);
  return answer;
}

async function keep(
  context: OperationContext,
  { key, days }: Idempotency,
  requestId: string,
  answer: OperationAnswer,
): Promise<void> {
  const { database } = context;
  const statements = `${keepAnswer(key, requestId, answer)};\n${pruneRequests(days)}`;
  await orLog(
    context,
    "the answer could not be kept for its key",
    () => database.whileReachable(() => database.query(statements)),
  );
}

/** Records that a webhook was refused, so that nobody else can deliver it; other callers' refusals are not kept. */
async function recordRefused(
  context: OperationContext,
  idempotency: Idempotency,
  operation: Operation,
  error: unknown,
): Promise<void> {
  const known = error instanceof Problem &&
    ["unauthorized", "request_in_progress", "idempotency_key_reused"].includes(error.code);
  if (idempotency.webhookSentAt === null || known || isConnectionLost(error)) return;
  const statements = [
    noteRefused(made(context, idempotency, operation)),
    pruneRequests(idempotency.days),
  ].join(";\n");
  await orLog(
    context,
    "a refused webhook could not be recorded",
    () => context.database.query(statements),
  );
}

const made = (
  { requestId, actor }: OperationContext,
  idempotency: Idempotency,
  operation: Operation,
) => ({ ...idempotency, request_id: requestId, operation, actor });
