/** Drift that leaves an event whoever asked for what: whoever looks at anything here finds it. */
import { noteBypassedRowSecurity, noteLostViews } from "../tracking/drift_events.ts";
import { type OperationContext, recordAndTell } from "./context.ts";

/**
 * Notes what lets somebody see rows they must not see, and compatibility views that are gone. No trigger of the
 * server's could do so at the moment that it happens: it would run within other people's commands, and could
 * make them fail.
 */
export async function noteWorstDrift(context: OperationContext): Promise<void> {
  const { requestId, actor } = context;
  try {
    // One message, since it comes on top of what was asked for.
    await recordAndTell(
      context,
      true,
      (receivers) =>
        [noteBypassedRowSecurity, noteLostViews]
          .map((statement) => statement(requestId, actor, receivers)).join(";\n"),
    );
  } catch (cause) {
    context.log("drift could not be recorded", { cause });
  }
}
