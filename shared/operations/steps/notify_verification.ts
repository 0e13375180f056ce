/** What comes of a verification that did not pass, or could not be made. */
import type { Verification } from "../../contract/responses.ts";
import type { Event } from "../../tracking/events.ts";
import { noteFailedVerification } from "../../tracking/notifications.ts";
import { type OperationContext, orLog } from "./context.ts";

/** Most failed checks in a notification. */
const MAX_CHECKS = 20;

/** A verification that cannot be made has not passed; a committed change is never reported as failed. */
export async function verifiedOrNot(
  context: OperationContext,
  verify: () => Promise<Verification>,
): Promise<Verification> {
  return await orLog(context, "the verification could not be made", verify) ?? {
    passed: false,
    checks: [{
      name: "verification",
      passed: false,
      detail: "The change is done, but the database could not be read afterwards.",
    }],
  };
}

/** @param after The operation that was verified; null where the verification alone was requested. */
export async function notifyVerification(
  context: OperationContext,
  after: Event["operation"] | null,
  about: { batch_id: string | null; migration_ids: string[] },
  { passed, checks }: Pick<Verification, "passed"> & {
    checks: { name: string; passed: boolean }[];
  },
): Promise<void> {
  const { notify, database, requestId, actor } = context;
  if (passed || !notify || notify.receivers.length === 0) return;
  const failed_checks = checks.filter((check) => !check.passed).map(({ name }) => name)
    .slice(0, MAX_CHECKS);
  const failed = { request_id: requestId, actor, after, ...about, failed_checks };
  const statement = noteFailedVerification(failed, notify.receivers);
  await orLog(
    context,
    "receivers could not be notified of a failed verification",
    () => database.query(statement),
  );
}
