/** How an operation is going, on one line. */
import type { Blocker, Progress } from "../contract/responses.ts";
import { counted, duration } from "./document/text.ts";

/** What is known of an operation, put together from its reports. Times in milliseconds on the reader's clock. */
export interface ProgressState extends Progress {
  blockers: Blocker[];
  began: number;
  seen: number;
}

export function describeProgress(state: ProgressState, now: number): string {
  const { phase, attempt, blockers, began, seen, done = 0, total = 0, check } = state;
  const what = activity(state);
  if (phase === "preparing") return what;
  if (phase === "verifying") {
    if (check !== undefined) return `${what} ${check}, ${done + 1} of ${total}`;
    return `${what} ${state.done === undefined ? "" : `${done} of `}${counted(total, "table")}`;
  }
  const parts = [what, attempt && `attempt ${attempt}`, duration(now - began)];
  const [blocker] = blockers;
  if (blocker !== undefined) {
    parts.push(`blocked by ${describeBlocker(blocker, blockers.length - 1, now - seen)}`);
  }
  return parts.filter(Boolean).join(", ");
}

/** Attempts follow each other too fast to name the phases of each. */
export function activity({ phase, attempt = 1, blockers }: ProgressState): string {
  if (phase === "queued") return "Waiting for other requests";
  if (phase === "preparing") return "Preparing";
  if (phase === "verifying") return "Verifying";
  return attempt === 1 && blockers.length === 0 ? "Locking" : "Waiting for locks";
}

/** The first of the blockers; its query last, since a narrow terminal cuts the end. */
function describeBlocker(blocker: Blocker, others: number, sinceSeen: number): string {
  const { pid, role, application_name, age_ms, query, gid } = blocker;
  const who = [role, application_name].filter(Boolean).join(", ");
  return [
    gid === undefined ? `pid ${pid}` : `the prepared transaction ${gid}`,
    who && ` (${who})`,
    age_ms !== null && ` for ${duration(age_ms + sinceSeen)}`,
    others > 0 && ` and ${others} more`,
    query && `: ${query.replaceAll(/\s+/g, " ").trim()}`,
  ].filter(Boolean).join("");
}
