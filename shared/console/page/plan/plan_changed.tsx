/// <reference lib="dom" />
/** After a plan was refused for being another one by now: what changed since it was reviewed. */
import { useQuery } from "@tanstack/react-query";
import { visible } from "../../../report/document/text.ts";
import { planOptions } from "../api/queries.ts";
import { Button } from "../parts/controls/button.tsx";
import { Name } from "../parts/name.tsx";
import { planChanges } from "./changes.ts";
import { type ReviewedPlan, setReviewed, useReviewed } from "./reviewed.ts";
import type { OperationAnswer } from "../../../contract/responses.ts";

/** Most changed lines that are shown. */
const MOST = 60;

export function PlanChanged() {
  const reviewed = useReviewed();
  if (reviewed?.refused === undefined) return null;
  return <Changed reviewed={reviewed} refused={reviewed.refused} />;
}

function Changed(
  { reviewed, refused }: {
    reviewed: ReviewedPlan;
    refused: NonNullable<ReviewedPlan["refused"]>;
  },
) {
  const now = usePlanOfNow(reviewed);
  const changes = now === undefined ? null : planChanges(reviewed.plan, now);
  const lines = refused.changes.length > 0 ? refused.changes : changes?.lines ?? [];
  return (
    <section className="problem" role="alert" aria-labelledby="changed-title">
      <h2 id="changed-title" className="problem-title">
        Nothing was changed: the plan is different from the one that you reviewed
      </h2>
      <p>{visible(refused.detail)} The plan below is current. Review it again.</p>
      {changes !== null && changes.added.length > 0 && (
        <Findings title="New" findings={changes.added} />
      )}
      {changes !== null && changes.gone.length > 0 && (
        <Findings title="No longer there" findings={changes.gone} />
      )}
      {lines.length > 0 && (
        <div className="stack tight">
          <h3>What changed in the statements</h3>
          <pre className="plan-diff" tabIndex={0}>
            {lines.slice(0, MOST).map((line, index) => (
              <span key={index} data-sign={line[0]}>{visible(line)}</span>
            ))}
            {lines.length > MOST && `… and ${lines.length - MOST} more lines`}
          </pre>
        </div>
      )}
      <div>
        <Button onClick={() => setReviewed(null)}>Dismiss</Button>
      </div>
    </section>
  );
}

const Findings = (
  { title, findings }: { title: string; findings: OperationAnswer["findings"] },
) => (
  <div className="stack tight">
    <h3>{title}</h3>
    <ul>
      {findings.slice(0, 10).map(({ code, object, message }, index) => (
        <li key={index}>
          <code>{code}</code> <Name name={object} />: {visible(message)}
        </li>
      ))}
    </ul>
  </div>
);

/** The plan of now, once it is there. */
function usePlanOfNow({ request, plan }: ReviewedPlan): OperationAnswer | undefined {
  // It is asked for by the view below.
  const { data } = useQuery({ ...planOptions(request), enabled: false });
  return data?.plan_hash === plan.plan_hash ? undefined : data;
}
