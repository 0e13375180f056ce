/** What this tab changes, or has changed: what runs now, who is in its way, what came of it. */
import { lazy, Suspense } from "react";
import { Link } from "wouter";
import { EmptyState } from "../parts/controls/empty_state.tsx";
import { isOver } from "./operation.ts";
import { OperationCard } from "./operation_card.tsx";
import { useOperations } from "./operations.ts";

const BlockingWindows = lazy(() => import("./blocking_windows.tsx"));

export default function LiveView() {
  const operations = useOperations();
  const running = operations.filter((one) => !isOver(one)).toReversed();
  const over = operations.filter(isOver);
  return (
    <>
      <div className="view-head">
        <h1>Live</h1>
        <p>The changes that you start in this tab. They continue when you open another view.</p>
      </div>
      <div className="stack live">
        {running.length > 0 && (
          <section className="stack" aria-label="Running">
            {running.map((one) => <OperationCard key={one.id} operation={one} />)}
          </section>
        )}
        {operations.length === 0 && (
          <EmptyState title="Nothing runs">
            <Link href="/tables">Choose tables</Link> and apply their plan, or open{" "}
            <Link href="/names">Old names</Link>{" "}
            to roll back or finalize a rename. What others have done is in{" "}
            <Link href="/events">Events</Link>.
          </EmptyState>
        )}
        {over.length > 0 && (
          <section className="stack" aria-label="Finished">
            {running.length > 0 && <h2>Finished</h2>}
            {over.map((one) => <OperationCard key={one.id} operation={one} />)}
          </section>
        )}
        <Suspense fallback={<div className="card windows" />}>
          <BlockingWindows />
        </Suspense>
      </div>
    </>
  );
}
