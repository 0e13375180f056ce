/// <reference lib="dom" />
/**
 * Changes and tests that this tab has asked for. Each has an idempotency key, so that it is done once however often the
 * connection breaks; one that was running when the tab was loaded anew is asked for again under its key.
 */
import { RenameError } from "../../../client/client.ts";
import type { Operations } from "../../../client/client.ts";
import type { ProblemBody } from "../../../contract/problems.ts";
import type { OperationAnswer, Progress, VerifyAnswer } from "../../../contract/responses.ts";
import { client } from "../api/client.ts";
import { createStore } from "../parts/store.ts";

export type OperationName = keyof Operations;

export interface OperationTable {
  schema: string;
  old_name: string;
  new_name: string;
}

export interface OperationError {
  code: string;
  detail: string;
  hint?: string;
  problem?: ProblemBody;
}

export interface Operation<Name extends OperationName = OperationName> {
  /** The idempotency key. */
  id: string;
  name: Name;
  /** What it does, such as "Rename experts to expert_profiles". */
  title: string;
  tables: OperationTable[];
  request: Operations[Name]["input"];
  /** Milliseconds since 1970. */
  startedAt: number;
  endedAt?: number;
  state: "running" | "done" | "failed" | "cancelled";
  /** What was reported, with the milliseconds since the start. */
  progress: (Progress & { at: number })[];
  answer?: OperationAnswer | VerifyAnswer;
  error?: OperationError;
}

/** Most reports that are kept of one operation. */
const MAX_REPORTS = 500;

/** Most operations that are kept. */
const MAX_OPERATIONS = 50;

const store = createStore<Operation[]>("operations", [], (operations) =>
  // Of what is over, a reload keeps nothing: the events of the project have it.
  operations.filter(({ state }) => state === "running").map((one) => ({ ...one, progress: [] })));

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
export function startOperation<Name extends OperationName>(
  { name, title, tables, request }: Pick<Operation<Name>, "name" | "title" | "tables" | "request">,
): string {
  const id = crypto.randomUUID();
  const operation: Operation = {
    id,
    name,
    title,
    tables,
    request,
    startedAt: Date.now(),
    state: "running",
    progress: [],
  };
  store.set((operations) => [operation, ...operations].slice(0, MAX_OPERATIONS));
  run(operation);
  return id;
}

/** Stops waiting. What the database has begun to commit is finished; the answer says which of both it was. */
export const cancelOperation = (id: string): void => aborts.get(id)?.abort();

/** Goes on with what was running when this tab was loaded anew. To be called once. */
export function resumeOperations(): void {
  for (const operation of store.get()) if (operation.state === "running") run(operation);
}

const change = (id: string, how: (operation: Operation) => Partial<Operation>): void =>
  store.set((operations) => operations.map((one) => one.id === id ? { ...one, ...how(one) } : one));

async function run({ id, name, request, startedAt }: Operation): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  const followed = client.follow(name, request, { idempotencyKey: id, signal: abort.signal });
  try {
    for await (const report of followed) {
      const at = Date.now() - startedAt;
      change(
        id,
        ({ progress }) => ({ progress: [...progress, { ...report, at }].slice(-MAX_REPORTS) }),
      );
    }
    const answer = await followed.answer;
    change(id, () => ({ state: "done", answer, endedAt: Date.now() }));
  } catch (error) {
    change(id, () => ({
      state: abort.signal.aborted ? "cancelled" : "failed",
      error: describeError(error),
      endedAt: Date.now(),
    }));
  } finally {
    aborts.delete(id);
    const operation = store.get().find((one) => one.id === id);
    if (operation) { for (const listener of settled) listener(operation); }
  }
}

function describeError(error: unknown): OperationError {
  if (!(error instanceof RenameError)) {
    return { code: "page", detail: error instanceof Error ? error.message : String(error) };
  }
  const { code, detail, hint, problem } = error;
  return { code, detail, hint, problem };
}
