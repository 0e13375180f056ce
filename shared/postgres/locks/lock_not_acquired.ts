/** What a caller learns where a change did not get its locks, and of sessions whose age cannot be seen. */
import { Problem } from "../../contract/problems.ts";
import type { Blocker } from "../../contract/responses.ts";
import { blockersHint } from "./blockers.ts";
import { NoFreeConnection } from "../connection/connection_slots.ts";
import { roundedMs } from "../critical_section.ts";
import type { RetryBudget } from "../limits.ts";

/** What an answer says where the ages of some holders could not be seen. */
export const hiddenHolders = (visible: boolean) =>
  visible ? {} : { holders_visible: false as const };

/**
 * Makes the problem of a change that used up its time: `deadline_exceeded` where that of the whole request is over, else
 * `lock_not_acquired`, with the blockers.
 */
export function lockNotAcquired(
  budget: RetryBudget,
  blockers: Blocker[],
  cause: unknown,
  holdersVisible: boolean,
): Problem {
  const waited = roundedMs(budget.elapsedMs);
  const { failures } = budget;
  const untried = cause instanceof NoFreeConnection && failures === 0 && blockers.length === 0;
  return new Problem(
    budget.endsWithRequest ? "deadline_exceeded" : "lock_not_acquired",
    untried
      ? `Other requests used all connections; this one could not start within ${waited} ms.`
      : failures === 0
      ? `Others held locks on the tables all the time, ${waited} ms. No lock was requested, so that no client had ` +
        "to wait."
      : `The locks could not be acquired within ${waited} ms, in ${failures} ${
        failures === 1 ? "attempt" : "attempts"
      }.`,
    {
      hint: untried
        ? "Try again when the other requests are done, or with a longer max_wait_ms."
        : blockers.length > 0
        ? blockersHint(blockers)
        : "Try again, with a longer max_wait_ms if the tables are busy.",
      fields: {
        attempts: failures,
        waited_ms: waited,
        blockers,
        ...hiddenHolders(holdersVisible),
      },
      cause,
    },
  );
}
