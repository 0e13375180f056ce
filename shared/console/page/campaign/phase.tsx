/// <reference lib="dom" />
/** One phase: how far it is, what is next, and its tables. */
import { useState } from "react";
import type { CampaignPhase } from "../../../report/campaign.ts";
import { NextSteps } from "./next_steps.tsx";
import { PhaseTables } from "./phase_tables.tsx";
import { progressOf } from "./progress.ts";
import { ProgressBar } from "./progress_bar.tsx";

/** @param isOnly Whether there is no other, so that what is said of all together is not said again. */
export function Phase(
  { phase, title, isOpen, isOnly }: {
    phase: CampaignPhase;
    title: string;
    isOpen: boolean;
    isOnly: boolean;
  },
) {
  const progress = progressOf(phase.tables);
  const [open, setOpen] = useState(isOpen);
  return (
    <section className="card stack phase" aria-label={title}>
      <div className="row phase-head">
        <h2>{title}</h2>
        {!isOnly && <p className="quiet">{progress.done} of {progress.total} done</p>}
      </div>
      {phase.tables.length === 0 ? <p className="quiet">No table matches this phase.</p> : (
        <>
          {!isOnly && <ProgressBar progress={progress} />}
          <NextSteps phase={phase} />
          <details open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
            <summary>Tables ({phase.tables.length})</summary>
            {open && <PhaseTables tables={phase.tables} />}
          </details>
        </>
      )}
    </section>
  );
}
