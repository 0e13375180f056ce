/// <reference lib="dom" />
/** The plan that was applied, as it was reviewed: to say what changed if it is refused for being another one by now. */
import { navigate } from "wouter/use-browser-location";
import type { OperationAnswer } from "../../../contract/responses.ts";
import type { Operation } from "../live/operations.ts";
import { createStore } from "../parts/store.ts";
import { forgetMade } from "./draft.ts";
import type { PlanRequest } from "./requests.ts";

export interface ReviewedPlan {
  request: PlanRequest;
  /** The operation that was started with it. */
  operation: string;
  plan: OperationAnswer;
  /** The address of the view where it was reviewed. */
  address: string;
  /** Why the operation was refused, once it was. */
  refused?: { detail: string; changes: string[] };
}

const store = createStore<ReviewedPlan | null>("reviewed", null, () => null);

export const useReviewed = store.use;

export const setReviewed = (reviewed: ReviewedPlan | null): void => store.set(() => reviewed);

/** What was made is no longer to be planned; whoever waits for a plan that changed is brought back to the new one. */
export function afterOperation(
  { id, name, state, answer, error }: Pick<
    Operation,
    "id" | "name" | "state" | "answer" | "error"
  >,
): void {
  if (name !== "rename") return;
  if (state === "done" && answer !== undefined && "mode" in answer) forgetMade(answer);
  const reviewed = store.get();
  if (reviewed?.operation !== id) return;
  if (error?.code !== "plan_changed") return setReviewed(null);
  const changes = error.problem?.changes;
  setReviewed({
    ...reviewed,
    refused: {
      detail: error.detail,
      changes: Array.isArray(changes) ? changes.map(String) : [],
    },
  });
  if (location.pathname.startsWith("/live")) navigate(reviewed.address);
}
