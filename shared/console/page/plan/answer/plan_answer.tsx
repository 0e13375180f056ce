/// <reference lib="dom" />
/** A plan: whether it can be applied, what it breaks, what depends on the tables, and its statements. */
import { lazy, Suspense, useMemo, useState } from "react";
import { visible } from "../../../../report/document/text.ts";
import { useSession } from "../../api/queries.ts";
import { Button } from "../../parts/controls/button.tsx";
import { Time } from "../../parts/time.tsx";
import { type Change, ChangeDialog } from "./change_dialog.tsx";
import { CopyMenu } from "./copy_menu.tsx";
import { DependantsList } from "./dependants_list.tsx";
import { Findings } from "./findings.tsx";
import type { ShownPlan } from "./shown_plan.ts";
import { Statements } from "./statements.tsx";
import { groupFindings, verdictOf } from "./verdict.ts";

const PlanGraph = lazy(() => import("../graph/plan_graph.tsx"));

const STATES = {
  current: "",
  outdated: "This plan is out of date: your choice has changed.",
  loading: "Updating the plan…",
};

export function PlanAnswer(plan: ShownPlan) {
  const { answer, request, options, state, madeAt } = plan;
  const { data: session } = useSession();
  const [accepted, setAccepted] = useState<ReadonlySet<string>>(new Set());
  const [change, setChange] = useState<Change | null>(null);
  const groups = useMemo(() => groupFindings(answer.findings), [answer]);
  const verdict = useMemo(() => verdictOf(answer, accepted), [answer, accepted]);
  const tables = answer.tables ?? [];
  const accept = (key: string, is: boolean) =>
    setAccepted((keys) => new Set(is ? [...keys, key] : [...keys].filter((one) => one !== key)));
  const isProposal = "batch_id" in request;
  const reason = session?.readOnly
    ? "This page is read-only."
    : state !== "current"
    ? STATES[state]
    : verdict.state === "refused"
    ? "It would be refused."
    : null;
  return (
    <div className="stack plan-answer" data-state={state} aria-busy={state === "loading"}>
      <section
        className="card plan-verdict"
        data-state={verdict.state}
        aria-labelledby="plan-title"
      >
        <div className="plan-verdict-text">
          <h2 id="plan-title">The plan</h2>
          <p role="status">
            <strong>{verdict.title}</strong> {verdict.detail && visible(verdict.detail)}
          </p>
          <p className="quiet plan-hash">
            {reason ?? (
              <>
                Made <Time at={new Date(madeAt).toISOString()} /> ·{" "}
                <span className="visually-hidden">Hash of the plan:</span>
                <code title={answer.plan_hash}>{answer.plan_hash.slice(0, 19)}…</code>
              </>
            )}
          </p>
        </div>
        <div className="row plan-actions">
          <CopyMenu
            answer={answer}
            request={request}
            options={options}
            verdict={verdict}
            disabled={state !== "current"}
          />
          {!isProposal && (
            <Button disabled={reason !== null} onClick={() => setChange("propose")}>
              Propose…
            </Button>
          )}
          <Button
            variant={verdict.state === "ready" ? "primary" : "plain"}
            disabled={reason !== null}
            onClick={() => setChange("apply")}
          >
            Apply…
          </Button>
        </div>
      </section>
      <Findings
        groups={groups}
        accepted={accepted}
        onAccept={accept}
        needsAccept={answer.would_be_refused !== undefined}
      />
      {tables.length > 0 && (
        <section className="card stack" aria-labelledby="graph-title">
          <h2 id="graph-title">
            {tables.length === 1 ? "What depends on the table" : "What depends on the tables"}
          </h2>
          <Suspense fallback={<div className="graph-place" role="status">Loading the graph…</div>}>
            <PlanGraph tables={tables} />
          </Suspense>
          <DependantsList tables={tables} />
        </section>
      )}
      <Statements statements={answer.statements} />
      <ChangeDialog
        change={change}
        onClose={() => setChange(null)}
        plan={plan}
        groups={groups}
        verdict={verdict}
        accepted={accepted}
        onAccept={accept}
      />
    </div>
  );
}
