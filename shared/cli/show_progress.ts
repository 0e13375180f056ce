/**
 * How an operation is going, on standard error while it runs: on a terminal as one line that is rewritten and
 * gone at the end, elsewhere as plain lines, and only once it takes longer than usual.
 */
import type { Blocker, Progress } from "../contract/responses.ts";
import { safe, type Stream } from "./terminal.ts";

/** How often it is looked whether there is something to show, in milliseconds. */
const TICK_MS = 100;

/** What is done sooner shows no live line, which would only flicker. */
const LIVE_AFTER_MS = 200;

/** Least time between two plain lines, and before the first. */
const PLAIN_EVERY_MS = 1_000;

/** The same where only the number of the attempt has changed. */
const ATTEMPTS_EVERY_MS = 10_000;

/**
 * Runs `work` and shows what it reports.
 *
 * @param wanted Whether to show anything; where not, `work` is given nothing to report to.
 */
export async function withProgress<T>(
  err: Stream,
  wanted: boolean,
  work: (onProgress?: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  if (!wanted) return await work();
  const display = new ProgressDisplay(err);
  const timer = setInterval(() => display.tick(), TICK_MS);
  try {
    return await work((progress) => display.note(progress));
  } finally {
    clearInterval(timer);
    display.end();
  }
}

/** Blockers that were not seen again for so long are in nobody's way any more. */
const SEEN_FOR_MS = 2_000;

/** What is known of an operation, put together from its reports. */
interface State extends Progress {
  blockers: Blocker[];
  /** When the operation began, and when its blockers were last seen; on this side's clock. */
  began: number;
  seen: number;
}

/** @internal Apart from its timer, for tests with a clock of their own. */
export class ProgressDisplay {
  readonly #err: Stream;
  readonly #now: () => number;
  readonly #started: number;
  #state: State | undefined;
  #printed: { at: number; what: string; attempt?: number };

  constructor(err: Stream, now: () => number = () => performance.now()) {
    this.#err = err;
    this.#now = now;
    this.#started = now();
    this.#printed = { at: this.#started, what: "" };
  }

  /** Takes a report. What it does not mention is as it was. */
  note(progress: Progress): void {
    const now = this.#now();
    const before = this.#state ?? { began: now, seen: now, blockers: [] };
    this.#state = {
      ...before,
      ...progress,
      ...(progress.waited_ms !== undefined && { began: now - progress.waited_ms }),
      ...(progress.blockers && { seen: now }),
    };
  }

  /** Shows what has changed, if it is time to. */
  tick(): void {
    if (this.#state === undefined) return;
    const now = this.#now();
    if (now - this.#state.seen > SEEN_FOR_MS) this.#state.blockers = [];
    if (this.#err.showLine === undefined) this.#print(this.#state, now);
    else if (now - this.#started >= LIVE_AFTER_MS) {
      this.#err.showLine(describeProgress(this.#state, now));
    }
  }

  end(): void {
    this.#err.showLine?.("");
  }

  #print(state: State, now: number): void {
    const { at, what, attempt } = this.#printed;
    const pids = state.blockers.map(({ pid, gid }) => gid ?? pid);
    const next = {
      at: now,
      what: `${heading(state)} ${state.check ?? ""} ${pids}`,
      attempt: state.attempt,
    };
    const changed = next.what !== what
      ? PLAIN_EVERY_MS
      : next.attempt !== attempt
      ? ATTEMPTS_EVERY_MS
      : Infinity;
    if (now - at < changed) return;
    this.#err.write(describeProgress(state, now));
    this.#printed = next;
  }
}

/** One line: what is going on, for how long, and who is in the way. */
function describeProgress(state: State, now: number): string {
  const { phase, attempt, blockers, began, seen, done = 0, total = 0, check } = state;
  const what = heading(state);
  if (phase === "preparing") return what;
  if (phase === "verifying") {
    if (check !== undefined) return `${what} ${safe(check)}, ${done + 1} of ${total}`;
    const tables = total === 1 ? "1 table" : `${total} tables`;
    return `${what} ${state.done === undefined ? "" : `${done} of `}${tables}`;
  }
  const parts = [what, attempt && `attempt ${attempt}`, duration(now - began)];
  const [blocker] = blockers;
  if (blocker !== undefined) {
    parts.push(`blocked by ${describeBlocker(blocker, blockers.length - 1, now - seen)}`);
  }
  return parts.filter(Boolean).join(", ");
}

/** Attempts follow each other too fast for their phases to be told one by one. */
function heading({ phase, attempt = 1, blockers }: State): string {
  if (phase === "queued") return "Waiting for other requests";
  if (phase === "preparing") return "Preparing";
  if (phase === "verifying") return "Verifying";
  return attempt === 1 && blockers.length === 0 ? "Locking" : "Waiting for locks";
}

/** The first of the blockers; its query last, since that is what a narrow terminal cuts. */
function describeBlocker(blocker: Blocker, others: number, sinceSeen: number): string {
  const { pid, role, application_name, age_ms, query, gid } = blocker;
  const who = [role, application_name].filter(Boolean).join(", ");
  return safe(
    [
      gid === undefined ? `pid ${pid}` : `the prepared transaction ${gid}`,
      who && ` (${who})`,
      age_ms !== null && ` for ${duration(age_ms + sinceSeen)}`,
      others > 0 && ` and ${others} more`,
      query && `: ${query.replaceAll(/\s+/g, " ").trim()}`,
    ].filter(Boolean).join(""),
  );
}

/** Milliseconds in the unit that fits: 2.3 s, 45 s, 12 min, 5 h, 3 days. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
