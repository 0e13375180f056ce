/** How far the compatibility tests are, and what came of them. */
import type { Progress, VerifyAnswer } from "../../../contract/responses.ts";
import type { ChangeTarget } from "../changes/change.ts";
import type { OperationError } from "../live/operation.ts";

export interface TestResult {
  /** Milliseconds since 1970. */
  at: number;
  answer?: VerifyAnswer;
  error?: OperationError;
}

export interface TestRun {
  /** What is tested; `done` of them are. Empty if nothing was tested since the page was loaded. */
  targets: ChangeTarget[];
  done: number;
  running: boolean;
  stopped: boolean;
  /** What the running test has reported last. */
  progress: Progress | null;
  /** By the migration's id. */
  results: Record<string, TestResult>;
}

export type TestState = "not tested" | "waiting" | "testing" | "passed" | "failed" | "not possible";

/**
 * What is known of the test of one rename.
 *
 * @param last What the project knows of the last test, whoever made it.
 */
export function testStateOf(
  { targets, done, running, results }: TestRun,
  id: string,
  last?: { at: string; passed: boolean } | null,
): TestState {
  const index = running ? targets.findIndex((target) => target.id === id) : -1;
  if (index === done) return "testing";
  if (index > done) return "waiting";
  const result = results[id];
  if (last && !(result?.at > Date.parse(last.at))) return last.passed ? "passed" : "failed";
  if (result === undefined) return "not tested";
  if (result.answer === undefined) return "not possible";
  return result.answer.passed ? "passed" : "failed";
}
