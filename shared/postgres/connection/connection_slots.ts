/**
 * Slots: the connections of an isolate's pool, and which of its requests gets one next. Only the rules, without
 * connections, so that tests can try them in every order of events.
 *
 * A change can wait long for other sessions' locks while it has its connection. So changes never have all connections:
 * one is left that only reads can take, above all what follows a commit, and one that only single statements can
 * take, since sessions ask things by them beside their work.
 */

/** What a connection is for. `change`: a session that may wait for locks. `read`: a session that only reads. `query`: one message that waits for nobody. */
export type Lane = "change" | "read" | "query";

/** Most connections of one isolate. */
export const MAX_CONNECTIONS = 4;

/** Most of them that are sessions, of either kind. */
const MAX_SESSIONS = MAX_CONNECTIONS - 1;

/** Most sessions of one kind. */
const MAX_OF_A_KIND = MAX_SESSIONS - 1;

export interface SlotRequest {
  lane: Lane;
  /** Whether it has had no slot yet: every second slot goes to such a request, however many others wait. Default: false. */
  first?: boolean;
  /** When the HTTP request began, on the clock of `performance.now()`: older ones go first. Default: now. */
  since?: number;
  /** Longest time to wait for the slot, in milliseconds. */
  waitMs: number;
  /** Ends the wait; then no slot is given. */
  signal?: AbortSignal;
  /** Called soon after the wait begins, and then regularly. */
  waiting?: () => void;
}

/** No connection was free in time, or the wait was aborted. */
export class NoFreeConnection extends Error {
  override name = "NoFreeConnection";

  constructor(readonly lane: Lane) {
    super("no connection was free in time");
  }
}

/** How long a wait must last before it is reported, and how often it is reported then, in milliseconds. */
const FIRST_REPORT_MS = 100;
const NEXT_REPORT_MS = 1_000;

/**
 * How long a slot may be kept while requests wait that had one before, in milliseconds. A request that gives its slot
 * up has to prepare everything again.
 */
const QUANTUM_MS = 500;

export interface Slot {
  /** Can be called more than once. */
  release: () => void;
  /** Whether a waiting request should have it now. */
  isAwaited: () => boolean;
}

interface Waiter {
  lane: Lane;
  first: boolean;
  since: number;
  admit: () => void;
}

export class ConnectionSlots {
  readonly #held: Record<Lane, number> = { change: 0, read: 0, query: 0 };
  readonly #waiting: Waiter[] = [];
  readonly #quantumMs: number;
  /** Whether the last waiter that got a slot had had none before. */
  #lastWasFirst = false;

  constructor(quantumMs = QUANTUM_MS) {
    this.#quantumMs = quantumMs;
  }

  /** How many slots of each kind are held. */
  get held(): Readonly<Record<Lane, number>> {
    return { ...this.#held };
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Waits for a slot. Those of the oldest request come first, among those that had none yet and among the others, so
   * that what is begun is finished before more is begun.
   *
   * @throws {NoFreeConnection}
   */
  async acquire(request: SlotRequest): Promise<Slot> {
    const { lane, signal } = request;
    if (signal?.aborted) throw new NoFreeConnection(lane);
    if (!this.#admits(lane)) await this.#wait(request);
    else this.#held[lane]++;
    const since = performance.now();
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#held[lane]--;
        this.#admitWaiting();
      },
      isAwaited: () => {
        const others = { ...this.#held, [lane]: this.#held[lane] - 1 };
        const overdue = performance.now() - since >= this.#quantumMs;
        return this.#waiting.some((one) => (one.first || overdue) && admits(others, one.lane));
      },
    };
  }

  #admits(lane: Lane): boolean {
    return admits(this.#held, lane) && !this.#waiting.some((waiter) => waiter.lane === lane);
  }

  async #wait(request: SlotRequest): Promise<void> {
    const { lane, first = false, since = performance.now(), waitMs, signal, waiting } = request;
    if (waitMs <= 0) throw new NoFreeConnection(lane);
    const admitted = Promise.withResolvers<void>();
    const waiter: Waiter = { lane, first, since, admit: admitted.resolve };
    const giveUp = () => {
      const index = this.#waiting.indexOf(waiter);
      // It has its slot already.
      if (index < 0) return;
      this.#waiting.splice(index, 1);
      admitted.reject(new NoFreeConnection(lane));
    };
    const younger = this.#waiting.findIndex((one) => one.since > since);
    this.#waiting.splice(younger < 0 ? this.#waiting.length : younger, 0, waiter);
    const timer = setTimeout(giveUp, waitMs);
    signal?.addEventListener("abort", giveUp);
    const stopReports = waiting && reportRegularly(waiting);
    try {
      await admitted.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      stopReports?.();
    }
  }

  /** Admits as many as possible: alternately those that had no slot yet and the others, the oldest requests first. */
  #admitWaiting(): void {
    for (;;) {
      const admissible = this.#waiting.filter(({ lane }) => admits(this.#held, lane));
      const next = admissible.find(({ first }) => first !== this.#lastWasFirst) ??
        admissible.at(0);
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#held[next.lane]++;
      this.#lastWasFirst = next.first;
      next.admit();
    }
  }
}

function admits({ change, read, query }: Record<Lane, number>, lane: Lane): boolean {
  if (change + read + query >= MAX_CONNECTIONS) return false;
  if (lane === "query") return true;
  const ofItsKind = lane === "change" ? change : read;
  return ofItsKind < MAX_OF_A_KIND && change + read < MAX_SESSIONS;
}

/** Calls `report` soon and then regularly, until the returned function is called. */
function reportRegularly(report: () => void): () => void {
  let timer = setTimeout(function again() {
    report();
    timer = setTimeout(again, NEXT_REPORT_MS);
  }, FIRST_REPORT_MS);
  return () => clearTimeout(timer);
}
