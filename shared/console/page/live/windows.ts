/** For how long earlier changes kept other clients waiting. */
import type { EventRecord } from "../../../contract/responses.ts";
import { changeAnswer, isProposal, type Operation, type OperationName } from "./operation.ts";

export interface BlockingWindow {
  id: string;
  operation: OperationName;
  /** Milliseconds since 1970. */
  at: number;
  held_ms: number;
  attempts: number;
  /** Of its first table. */
  name: string;
  tables: number;
}

/** Most changes that are shown. */
export const MAX_WINDOWS = 60;

/** Of what this tab has done, the oldest first. What took no locks kept nobody waiting. */
export const windowsOfOperations = (operations: Operation[]): BlockingWindow[] =>
  operations.flatMap((operation): BlockingWindow[] => {
    const lock = changeAnswer(operation)?.lock;
    const { id, name, tables, endedAt } = operation;
    if (!lock || lock.attempts === 0 || endedAt === undefined || tables.length === 0) return [];
    if (isProposal(operation)) return [];
    return [{
      id,
      operation: name,
      at: endedAt,
      held_ms: lock.held_ms,
      attempts: lock.attempts,
      name: tables[0].old_name,
      tables: tables.length,
    }];
  }).toReversed();

const CHANGES: string[] = ["rename", "rollback", "finalize", "refresh"] satisfies OperationName[];

const isChange = (operation: string): operation is OperationName => CHANGES.includes(operation);

/**
 * Of everybody's changes, the oldest first. An event is written before COMMIT, so its time is without that; a change of
 * this tab has the time of its answer, which is with it. A proposal holds nobody.
 */
export function windowsOfEvents(
  events: EventRecord[],
  operations: Operation[] = [],
): BlockingWindow[] {
  const answers = operations.flatMap((operation) => {
    const answer = changeAnswer(operation);
    return answer?.lock ? [{ operation: operation.name, ...answer, lock: answer.lock }] : [];
  });
  return events.flatMap((event): BlockingWindow[] => {
    const { id, operation, occurred_at, outcome, lock, renames, renames_total, details } = event;
    if (outcome !== "succeeded" || !isChange(operation) || details.proposed === true) return [];
    if (lock.attempts === 0 || renames.length === 0) return [];
    const own = answers.find((answer) =>
      answer.operation === operation && answer.plan_hash === event.plan_hash &&
      answer.batch_id === event.batch_id && answer.lock.attempts === lock.attempts &&
      Math.abs(answer.lock.waited_ms - lock.waited_ms) < ROUNDING_MS
    );
    return [{
      id: String(id),
      operation,
      at: Date.parse(occurred_at),
      held_ms: own?.lock.held_ms ?? lock.held_ms,
      attempts: lock.attempts,
      name: renames[0].old_name,
      tables: renames_total,
    }];
  }).toReversed();
}

/** By how much the same time differs in an event and in an answer, which are rounded at different steps. */
const ROUNDING_MS = 0.05;

interface WindowFigures {
  count: number;
  median: number;
  longest: BlockingWindow;
}

/** Null without any. */
export function windowFigures(windows: BlockingWindow[]): WindowFigures | null {
  if (windows.length === 0) return null;
  const sorted = windows.toSorted((a, b) => a.held_ms - b.held_ms);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1
    ? sorted[middle].held_ms
    : (sorted[middle - 1].held_ms + sorted[middle].held_ms) / 2;
  return { count: windows.length, median, longest: sorted[sorted.length - 1] };
}
