/** Progress on standard error: on a terminal as one line that is rewritten, elsewhere as a few plain lines. */
import type { Progress } from "../../contract/responses.ts";
import { activity, describeProgress, type ProgressState } from "../../report/progress.ts";
import { visible } from "../../report/document/text.ts";
import type { Stream } from "./terminal.ts";

const TICK_MS = 100;

/** An operation that ends sooner shows no live line, which would only flicker. */
const LIVE_AFTER_MS = 200;

/** Least time between two plain lines, and before the first; the second if only the attempt has changed. */
const PLAIN_EVERY_MS = 1_000;
const ATTEMPTS_EVERY_MS = 10_000;

/** Blockers that were not seen again for so long no longer block anything. */
const SEEN_FOR_MS = 2_000;

/** Runs `work` and shows its progress. If that is not wanted, `work` gets no function to report to. */
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

/** @internal Apart from its timer, for tests with a clock of their own. */
export class ProgressDisplay {
  readonly #err: Stream;
  readonly #now: () => number;
  readonly #started: number;
  #state: ProgressState | undefined;
  #printed: { at: number; what: string; attempt?: number };

  constructor(err: Stream, now: () => number = () => performance.now()) {
    this.#err = err;
    this.#now = now;
    this.#started = now();
    this.#printed = { at: this.#started, what: "" };
  }

  /** Takes a report. What it leaves out has not changed. */
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

  tick(): void {
    if (this.#state === undefined) return;
    const now = this.#now();
    if (now - this.#state.seen > SEEN_FOR_MS) this.#state.blockers = [];
    if (this.#err.showLine === undefined) this.#print(this.#state, now);
    else if (now - this.#started >= LIVE_AFTER_MS) {
      this.#err.showLine(visible(describeProgress(this.#state, now)));
    }
  }

  end(): void {
    this.#err.showLine?.("");
  }

  #print(state: ProgressState, now: number): void {
    const { at, what, attempt } = this.#printed;
    const pids = state.blockers.map(({ pid, gid }) => gid ?? pid);
    const next = {
      at: now,
      what: `${activity(state)} ${state.check ?? ""} ${pids}`,
      attempt: state.attempt,
    };
    const changed = next.what !== what
      ? PLAIN_EVERY_MS
      : next.attempt !== attempt
      ? ATTEMPTS_EVERY_MS
      : Infinity;
    if (now - at < changed) return;
    this.#err.write(visible(describeProgress(state, now)));
    this.#printed = next;
  }
}
