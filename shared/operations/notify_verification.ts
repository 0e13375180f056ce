/** Tells of a verification that failed; what could not be told has no part in the answer. */
import type { Verification } from "../contract/responses.ts";
import type { Event } from "../tracking/events.ts";
import { noteFailedVerification } from "../tracking/notifications.ts";
import type { OperationContext } from "./context.ts";

/** Most checks that are named. */
const MAX_CHECKS = 20;

/**
 * Leaves an event, and a notification, of checks that failed.
 *
 * @param after The operation that was verified; null where somebody asked for the verification alone.
 */
export async function notifyVerification(
  context: OperationContext,
  after: Event["operation"] | null,
  about: { batch_id: string | null; migration_ids: string[] },
  { passed, checks }: Pick<Verification, "passed"> & {
    checks: { name: string; passed: boolean }[];
  },
): Promise<void> {
  const { notify, database, requestId, actor, log } = context;
  if (passed || !notify || notify.receivers.length === 0) return;
  const failed_checks = checks.filter((check) => !check.passed).map(({ name }) => name)
    .slice(0, MAX_CHECKS);
  const failed = { request_id: requestId, actor, after, ...about, failed_checks };
  try {
    await database.query(noteFailedVerification(failed, notify.receivers));
  } catch (cause) {
    log("a failed verification could not be told", { cause });
  }
}

/** A check that cannot be made is a check that did not pass; what is committed is never told as failed. */
export async function verified(
  context: OperationContext,
  verify: () => Promise<Verification>,
): Promise<Verification> {
  try {
    return await verify();
  } catch (cause) {
    context.log("the verification could not be made", { cause });
    return {
      passed: false,
      checks: [{
        name: "verification",
        passed: false,
        detail: "The change is done, but the database could not be asked about it afterwards.",
      }],
    };
  }
}
