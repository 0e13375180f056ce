/// <reference lib="dom" />
/** Compatibility tests, one after the other. They change nothing, and go on while other views are open. */
import { RenameError } from "../../../client/client.ts";
import { client, isUnreachable } from "../api/client.ts";
import type { ChangeTarget } from "../changes/change.ts";
import type { OperationError } from "../live/operation.ts";
import { createStore } from "../parts/store.ts";
import type { TestResult, TestRun } from "./test_run_state.ts";

const EMPTY: TestRun = {
  targets: [],
  done: 0,
  running: false,
  stopped: false,
  progress: null,
  results: {},
};

/** Most results that a reload keeps. */
const MAX_KEPT = 50;

const store = createStore<TestRun>("tests", EMPTY, ({ results }) => ({
  ...EMPTY,
  results: Object.fromEntries(Object.entries(results).slice(-MAX_KEPT)),
}));

export const useTests = store.use;

let abort: AbortController | null = null;

/** Stops after, and with, the running test. */
export function stopTests(): void {
  abort?.abort();
}

/** Tests these, unless tests run already. */
export async function startTests(targets: ChangeTarget[]): Promise<void> {
  if (abort !== null || targets.length === 0) return;
  const current = new AbortController();
  abort = current;
  store.set(({ results }) => ({ ...EMPTY, results, targets, running: true }));
  try {
    for (const { id } of targets) {
      if (current.signal.aborted) break;
      const result = await test(id, current.signal);
      if (result === null) break;
      store.set((run) => ({
        ...run,
        done: run.done + 1,
        progress: null,
        results: { ...run.results, [id]: result },
      }));
      // The others would not be answered either.
      if (result.error?.code === "unreachable") current.abort();
    }
  } finally {
    abort = null;
    store.set((run) => ({
      ...run,
      running: false,
      progress: null,
      stopped: current.signal.aborted,
    }));
  }
}

/** Null if it was stopped. */
async function test(migration_id: string, signal: AbortSignal): Promise<TestResult | null> {
  try {
    const followed = client.follow("verify", { migration_id }, { signal });
    for await (const progress of followed) store.set((run) => ({ ...run, progress }));
    return { at: Date.now(), answer: await followed.answer };
  } catch (error) {
    if (signal.aborted) return null;
    return { at: Date.now(), error: errorOf(error) };
  }
}

function errorOf(error: unknown): OperationError {
  if (error instanceof RenameError) {
    const { code, detail, hint, problem } = error;
    return { code, detail, hint, problem };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { code: isUnreachable(error) ? "unreachable" : "page", detail };
}
