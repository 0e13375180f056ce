/** A plan as it is shown: what was asked for, what was answered, and whether that is still so. */
import type { OperationAnswer } from "../../../../contract/responses.ts";
import type { DraftOptions } from "../draft.ts";
import type { PlanRequest } from "../requests.ts";

export interface ShownPlan {
  answer: OperationAnswer;
  request: PlanRequest;
  options: DraftOptions;
  /** Where the reader is brought back to if the plan has changed. */
  address: string;
  /** `outdated`: of an earlier choice. `loading`: the one of the present choice is on its way. */
  state: "current" | "outdated" | "loading";
  /** Milliseconds since 1970. */
  madeAt: number;
}
