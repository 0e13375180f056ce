/// <reference lib="dom" />
/**
 * Changes and tests that this tab has asked for. Each change has an idempotency key, so that it is done once however
 * often the connection breaks; one that was running when the tab was loaded anew is asked for again under its key.
 */
import { RenameError } from "../../../client/client.ts";
import { client, isUnreachable, watchAttempts } from "../api/client.ts";
import { createStore } from "../parts/store.ts";
import { keptOperations } from "./kept.ts";
import {
  isOver,
  type Operation,
  type OperationError,
  type OperationName,
  type Report,
} from "./operation.ts";

export type {
  Operation,
  OperationError,
  OperationName,
  OperationTable,
  Report,
} from "./operation.ts";

type Wanted<Name extends OperationName = OperationName> = Pick<
  Operation<Name>,
  "name" | "title" | "tables" | "request"
>;

/** Most reports that are kept of one operation. */
const MAX_REPORTS = 500;

/** Most operations that are kept of those that are over. */
const MAX_OVER = 50;

/** How long an unanswered change is asked for again without a click, and how often, in milliseconds. */
const ASK_AGAIN_FOR_MS = 120_000;
const ASK_AGAIN_EVERY_MS = 3_000;

const store = createStore<Operation[]>("operations", [], keptOperations);

const aborts = new Map<string, AbortController>();
const settled = new Set<(operation: Operation) => void>();

/** Newest first. */
export const useOperations = store.use;

/** Calls the function each time that an operation has ended. */
export function onSettled(listener: (operation: Operation) => void): () => void {
  settled.add(listener);
  return () => settled.delete(listener);
}

/** Starts an operation; gives its id. */
export const startOperation = <Name extends OperationName>(wanted: Wanted<Name>): string =>
  startOperations([wanted])[0];

/** Starts operations one after the other: each when the one before is done. Gives their ids. */
export function startOperations(wanted: Wanted[]): string[] {
  const added: Operation[] = [];
  for (const one of wanted) {
    const after = added.at(-1)?.id;
    added.push({
      ...one,
      id: crypto.randomUUID(),
      startedAt: Date.now(),
      state: after === undefined ? "running" : "next",
      after,
      progress: [],
    });
  }
  let over = 0;
  store.set((operations) =>
    [...added.toReversed(), ...operations].filter((one) => !isOver(one) || ++over <= MAX_OVER)
  );
  if (added.length > 0) run(added[0]);
  return added.map(({ id }) => id);
}

/** Stops waiting. What the database has begun to commit is finished, which this tab does not get to know. */
export function cancelOperation(id: string): void {
  const abort = aborts.get(id);
  if (abort !== undefined) return abort.abort();
  const waiting = store.get().find((one) => one.id === id && one.state === "next");
  if (waiting !== undefined) end(waiting, { state: "cancelled" });
}

/** Asks again for one that nobody has answered, under its key: if it is done already, its answer comes. */
export function askAgain(id: string): void {
  const operation = store.get().find((one) => one.id === id);
  if (operation === undefined || !isOver(operation)) return;
  change(id, () => ({ state: "running", endedAt: undefined, error: undefined }));
  run(operation, Date.now());
}

/** Asks for the same anew. Gives the new operation's id. */
export const tryAgain = ({ name, title, tables, request }: Operation): string =>
  startOperation({ name, title, tables, request });

/** Takes one that is over from the list. */
export const forgetOperation = (id: string): void =>
  store.set((operations) => operations.filter((one) => one.id !== id || !isOver(one)));

/** Goes on with what was running when this tab was loaded anew. To be called once. */
export function resumeOperations(): void {
  for (const operation of store.get()) {
    if (operation.state === "running") run(operation, Date.now());
  }
}

const change = (id: string, how: (operation: Operation) => Partial<Operation>): void =>
  store.set((operations) => operations.map((one) => one.id === id ? { ...one, ...how(one) } : one));

/** @param since From when on it is asked for again, if nobody answers. */
async function run(operation: Operation, since = operation.startedAt): Promise<void> {
  const { id, startedAt } = operation;
  const abort = new AbortController();
  aborts.set(id, abort);
  const report = (what: Omit<Report, "at">) => {
    const one = { ...what, at: Date.now() - startedAt };
    change(id, ({ progress }) => ({ progress: [...progress, one].slice(-MAX_REPORTS) }));
  };
  let sent = 0;
  const unwatch = watchAttempts(id, (attempt) => {
    if (attempt === "unanswered") report({ phase: "unreachable" });
    else if (sent++ > 0) report({ phase: "asked_again" });
  });
  try {
    const answer = await answered(operation, since, abort.signal, report);
    end(operation, { state: "done", answer });
  } catch (error) {
    if (abort.signal.aborted) end(operation, { state: "cancelled" });
    else end(operation, { state: "failed", error: describeError(error) });
  } finally {
    unwatch();
    aborts.delete(id);
  }
}

/** The answer, however often the connection breaks within two minutes. */
async function answered(
  { id, name, request }: Operation,
  since: number,
  signal: AbortSignal,
  report: (what: Omit<Report, "at">) => void,
): Promise<Operation["answer"]> {
  // A test changes nothing, so it has no key, and is made once.
  const options = name === "verify" ? { signal } : { signal, idempotencyKey: id };
  for (;;) {
    try {
      const followed = client.follow(name, request, options);
      for await (const progress of followed) report(progress);
      return await followed.answer;
    } catch (error) {
      const goesOn = name !== "verify" && isUnreachable(error) && !signal.aborted &&
        Date.now() - since < ASK_AGAIN_FOR_MS;
      if (!goesOn) throw error;
      await pause(ASK_AGAIN_EVERY_MS, signal);
      signal.throwIfAborted();
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });

/** Ends an operation, and begins or drops what comes after it. */
function end({ id }: Operation, how: Pick<Operation, "state" | "answer" | "error">): void {
  change(id, () => ({ ...how, endedAt: Date.now() }));
  const next = store.get().find(({ state, after }) => state === "next" && after === id);
  if (next !== undefined) {
    if (how.state === "done") {
      const startedAt = Date.now();
      change(next.id, () => ({ state: "running", startedAt }));
      run({ ...next, startedAt });
    } else {
      end(next, {
        state: "cancelled",
        error: {
          code: "not_started",
          detail: "It was not started, because the one before did not succeed.",
        },
      });
    }
  }
  const ended = store.get().find((one) => one.id === id);
  if (ended !== undefined) { for (const listener of settled) listener(ended); }
}

function describeError(error: unknown): OperationError {
  if (!(error instanceof RenameError)) {
    return { code: "page", detail: error instanceof Error ? error.message : String(error) };
  }
  const { code, detail, hint, problem } = error;
  return { code, detail, hint, problem };
}
