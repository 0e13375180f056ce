/**
 * Turns: who of an isolate's requests may have a connection when. The rules alone, without connections, so that
 * they can be tried in every order of events.
 *
 * A change waits for other people's locks while it has its connection, and that can take long. So changes never have
 * all connections: what only reads, and above all what follows a commit, has one that no change can take; and
 * single statements have one that no session can take, since sessions ask things by them beside their work.
 */

/**
 * `change`: a session that may wait for locks. `read`: a session that only reads. `query`: one message, which waits
 * for nobody.
 */
export type Lane = "change" | "read" | "query";

/** Most connections one isolate has at the same time. */
export const MAX_CONNECTIONS = 4;

/** Most of them that are sessions, of either kind. */
const MAX_SESSIONS = MAX_CONNECTIONS - 1;

/** Most sessions of one kind. */
const MAX_OF_A_KIND = MAX_SESSIONS - 1;

export interface Wish {
  lane: Lane;
  /** Whether it has had no turn yet; of two turns one goes to such a wish, however many others wait. Default: false. */
  first?: boolean;
  /** When the request began that it is for, on the clock of `performance.now()`: older ones go first. Default: now. */
  since?: number;
  /** Longest time to wait for the turn, in milliseconds. */
  waitMs: number;
  /** Ends the waiting; whoever waited gets no turn. */
  signal?: AbortSignal;
  /** Told that the turn is waited for, soon after that begins and then again and again. */
  waiting?: () => void;
}

/** The turn did not come in time, or nobody waits for it any more. */
export class NoTurn extends Error {
  override name = "NoTurn";

  constructor(readonly lane: Lane) {
    super("no connection was free in time");
  }
}

/** How long a wait must last before it is reported, and how often it is then, in milliseconds. */
const FIRST_REPORT_MS = 100;
const NEXT_REPORT_MS = 1_000;

/**
 * How long a turn may be kept while others wait who had one before, in milliseconds: whoever gives it away has to make
 * everything ready again.
 */
const QUANTUM_MS = 500;

/** A turn that somebody has. */
export interface Turn {
  /** Gives it back; once, however often it is called. */
  giveBack: () => void;
  /** Whether somebody waits who should have it now. */
  isAwaited: () => boolean;
}

interface Waiter {
  lane: Lane;
  first: boolean;
  since: number;
  admit: () => void;
}

export class Turns {
  readonly #held: Record<Lane, number> = { change: 0, read: 0, query: 0 };
  readonly #waiting: Waiter[] = [];
  readonly #quantumMs: number;
  /** Whether the last turn that was waited for went to somebody who had none before. */
  #lastWasFirst = false;

  constructor(quantumMs = QUANTUM_MS) {
    this.#quantumMs = quantumMs;
  }

  /** How many of each kind have a turn now. */
  get held(): Readonly<Record<Lane, number>> {
    return { ...this.#held };
  }

  /** How many wait for a turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Waits for a turn. Among those who had none yet, and among the others, those of the oldest request come first: what
   * is begun is brought to its end before more is begun.
   *
   * @throws {NoTurn}
   */
  async take(wish: Wish): Promise<Turn> {
    const { lane, signal } = wish;
    if (signal?.aborted) throw new NoTurn(lane);
    if (!this.#admits(lane)) await this.#wait(wish);
    else this.#held[lane]++;
    const since = performance.now();
    let had = true;
    return {
      giveBack: () => {
        if (!had) return;
        had = false;
        this.#held[lane]--;
        this.#admitWaiting();
      },
      isAwaited: () => {
        const held = { ...this.#held, [lane]: this.#held[lane] - 1 };
        const overdue = performance.now() - since >= this.#quantumMs;
        return this.#waiting.some((one) => (one.first || overdue) && admits(held, one.lane));
      },
    };
  }

  #admits(lane: Lane): boolean {
    return admits(this.#held, lane) && !this.#waiting.some((waiter) => waiter.lane === lane);
  }

  async #wait(wish: Wish): Promise<void> {
    const { lane, first = false, since = performance.now(), waitMs, signal, waiting } = wish;
    if (waitMs <= 0) throw new NoTurn(lane);
    const turn = Promise.withResolvers<void>();
    const waiter: Waiter = { lane, first, since, admit: turn.resolve };
    const giveUp = () => {
      const index = this.#waiting.indexOf(waiter);
      // Whoever was admitted already has the turn.
      if (index < 0) return;
      this.#waiting.splice(index, 1);
      turn.reject(new NoTurn(lane));
    };
    const younger = this.#waiting.findIndex((one) => one.since > since);
    this.#waiting.splice(younger < 0 ? this.#waiting.length : younger, 0, waiter);
    const end = setTimeout(giveUp, waitMs);
    signal?.addEventListener("abort", giveUp);
    const report = waiting === undefined ? undefined : reporting(waiting);
    try {
      await turn.promise;
    } finally {
      clearTimeout(end);
      signal?.removeEventListener("abort", giveUp);
      report?.();
    }
  }

  /** As many as may go on: in turns those who had none yet and the others, the oldest requests first. */
  #admitWaiting(): void {
    for (;;) {
      const free = this.#waiting.filter(({ lane }) => admits(this.#held, lane));
      const next = free.find(({ first }) => first !== this.#lastWasFirst) ?? free.at(0);
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#held[next.lane]++;
      this.#lastWasFirst = next.first;
      next.admit();
    }
  }
}

/** The rules. */
function admits({ change, read, query }: Record<Lane, number>, lane: Lane): boolean {
  if (change + read + query >= MAX_CONNECTIONS) return false;
  if (lane === "query") return true;
  const ofItsKind = lane === "change" ? change : read;
  return ofItsKind < MAX_OF_A_KIND && change + read < MAX_SESSIONS;
}

/** Calls `report` soon and then regularly, until the answer is called. */
function reporting(report: () => void): () => void {
  let timer = setTimeout(function again() {
    report();
    timer = setTimeout(again, NEXT_REPORT_MS);
  }, FIRST_REPORT_MS);
  return () => clearTimeout(timer);
}
