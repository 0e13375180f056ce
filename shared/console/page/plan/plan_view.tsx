/// <reference lib="dom" />
/** Which tables get which names, what that would do, and to make exactly that. */
import { useSearchParams } from "wouter";
import { DraftPlan } from "./draft_plan.tsx";
import { PlanChanged } from "./plan_changed.tsx";
import { ProposalPlan } from "./proposals/proposal_plan.tsx";
import { Proposals } from "./proposals/proposals.tsx";

/** `?batch=ID` shows a proposal in place of what is chosen. */
export default function View() {
  const [search] = useSearchParams();
  const batch = search.get("batch");
  return (
    <>
      <div className="view-head">
        <h1>Plan</h1>
        <p>
          {batch === null
            ? "Choose tables and their new names, see what that would do, and apply exactly that."
            : "Review what was proposed, and apply exactly that."}
        </p>
      </div>
      <div className="stack plan">
        <PlanChanged />
        {batch === null
          ? (
            <>
              <Proposals />
              <DraftPlan />
            </>
          )
          : <ProposalPlan key={batch} batchId={batch} />}
      </div>
    </>
  );
}
