/** What is known of a change or test that this tab has asked for. */
import type { Operations } from "../../../client/client.ts";
import type { ProblemBody } from "../../../contract/problems.ts";
import type { OperationAnswer, Progress, VerifyAnswer } from "../../../contract/responses.ts";

export type OperationName = keyof Operations;

export interface OperationTable {
  schema: string;
  old_name: string;
  new_name: string;
  /** The rename that is changed; none of a rename that begins. */
  migration_id?: string;
  batch_id?: string;
}

export interface OperationError {
  code: string;
  detail: string;
  hint?: string;
  problem?: ProblemBody;
}

/** What was reported, with the milliseconds since the start; `unreachable` and `asked_again` are the page's own. */
export type Report = Omit<Progress, "phase"> & {
  phase: Progress["phase"] | "unreachable" | "asked_again";
  at: number;
};

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
  /** `next`: it begins once the operation `after` is done. */
  state: "next" | "running" | "done" | "failed" | "cancelled";
  after?: string;
  progress: Report[];
  answer?: OperationAnswer | VerifyAnswer;
  error?: OperationError;
}

export const isOver = ({ state }: Operation): boolean => state !== "next" && state !== "running";

/** Whether a rename is only proposed by it. */
export const isProposal = ({ request }: Operation): boolean =>
  "mode" in request && request.mode === "propose";

/** The answer of a change; undefined while there is none, and for a test. */
export const changeAnswer = ({ answer }: Operation): OperationAnswer | undefined =>
  answer !== undefined && "migrations" in answer ? answer : undefined;
