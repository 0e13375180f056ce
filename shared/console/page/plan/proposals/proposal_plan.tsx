/// <reference lib="dom" />
/** The plan of a proposal, to be applied as it is, or withdrawn. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { visible } from "../../../../report/document/text.ts";
import type { Migration } from "../../../../contract/responses.ts";
import { migrationsOptions, planOptions, useSession } from "../../api/queries.ts";
import { startOperation } from "../../live/operations.ts";
import { Button } from "../../parts/controls/button.tsx";
import { Dialog } from "../../parts/controls/dialog.tsx";
import { EmptyState } from "../../parts/controls/empty_state.tsx";
import { Loading } from "../../parts/controls/loading.tsx";
import { Renaming } from "../../parts/name.tsx";
import { ProblemBox } from "../../parts/problem_box.tsx";
import { Time } from "../../parts/time.tsx";
import { PlanAnswer } from "../answer/plan_answer.tsx";

/** Notes and times to wait are the proposal's and the endpoint's. */
const OPTIONS = { compatibility_view: true, rename_indexes: false, count_use: false, notes: "" };

export function ProposalPlan({ batchId }: { batchId: string }) {
  const migrations = useQuery(migrationsOptions({ batch_id: batchId }));
  const isPending = migrations.data?.some(({ status }) => status === "pending") === true;
  const plan = useQuery({ ...planOptions({ batch_id: batchId }), enabled: isPending });
  if (migrations.error !== null) return <ProblemBox error={migrations.error} />;
  if (migrations.data === undefined) return <Loading what="the proposal" />;
  if (!isPending) {
    const [first] = migrations.data;
    return (
      <EmptyState
        title={first === undefined
          ? "There is no such proposal."
          : first.status === "rolled_back"
          ? "This proposal was withdrawn."
          : "This proposal is already applied."}
      >
        <Link href="/plan">Back to the plan</Link>
      </EmptyState>
    );
  }
  return (
    <>
      <Head batchId={batchId} migrations={migrations.data} />
      {plan.error !== null
        ? (
          <ProblemBox error={plan.error}>
            <p>
              <Button onClick={() => plan.refetch()}>Try again</Button>
            </p>
          </ProblemBox>
        )
        : plan.data === undefined
        ? <Loading what="the plan" />
        : (
          <PlanAnswer
            answer={plan.data}
            request={{ batch_id: batchId }}
            options={OPTIONS}
            address={`/plan?batch=${batchId}`}
            state={plan.isFetching ? "loading" : "current"}
            madeAt={plan.dataUpdatedAt}
          />
        )}
    </>
  );
}

function Head({ batchId, migrations }: { batchId: string; migrations: Migration[] }) {
  const { data: session } = useSession();
  const [asking, setAsking] = useState(false);
  const [, go] = useLocation();
  const [{ requested_by, requested_at, notes }] = migrations;
  const what = migrations.length === 1 ? "1 table" : `${migrations.length} tables`;
  const withdraw = () => {
    startOperation<"rollback">({
      name: "rollback",
      title: `Withdraw the proposal of ${what}`,
      tables: migrations.map(({ schema_name, old_name, new_name }) => ({
        schema: schema_name,
        old_name,
        new_name,
      })),
      request: { batch_id: batchId },
    });
    setAsking(false);
    go("/live");
  };
  return (
    <section className="card stack tight" aria-labelledby="proposal-title">
      <div className="row plan-section-head">
        <h2 id="proposal-title">Proposal</h2>
        <Link href="/plan">Back to the plan</Link>
        <Button
          disabled={session?.readOnly}
          title={session?.readOnly ? "This page is read-only." : undefined}
          onClick={() => setAsking(true)}
        >
          Withdraw…
        </Button>
      </div>
      <p>
        Proposed by <strong>{visible(requested_by)}</strong>, <Time at={requested_at} />: {what}
      </p>
      {notes !== null && <p className="quiet">{visible(notes)}</p>}
      <ul className="plan-dialog-tables" tabIndex={0} aria-label="Proposed renames">
        {migrations.map((one) => (
          <li key={one.id}>
            <Renaming schema={one.schema_name} old_name={one.old_name} new_name={one.new_name} />
          </li>
        ))}
      </ul>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title={`Withdraw the proposal of ${what} in ${session?.project}?`}
        footer={
          <>
            <Button onClick={() => setAsking(false)}>Cancel</Button>
            <Button variant="primary" onClick={withdraw}>Withdraw</Button>
          </>
        }
      >
        <p>No table is changed. The proposal can no longer be applied.</p>
      </Dialog>
    </section>
  );
}
