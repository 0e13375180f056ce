/// <reference lib="dom" />
/** What can be done for a phase, as buttons, and the same as a command. */
import { Link, useLocation } from "wouter";
import type { CampaignPhase } from "../../../report/campaign.ts";
import { ChangeButton } from "../changes/change_button.tsx";
import { Button } from "../parts/controls/button.tsx";
import { CopyButton } from "../parts/controls/copy_button.tsx";
import { Name } from "../parts/name.tsx";
import { Time } from "../parts/time.tsx";
import { setRenames, useDraft } from "../plan/draft.ts";
import { progressOf, type Step, stepsOf, withPhase } from "./progress.ts";

export function NextSteps({ phase: { tables, next } }: { phase: CampaignPhase }) {
  const steps = stepsOf(tables);
  if (steps.length === 0) return null;
  return (
    <div className="stack tight next">
      <h3>Next</h3>
      <ul className="stack tight">
        {steps.map((step, index) => (
          <li key={step.kind}>
            <StepLine step={step} isFirst={index === 0} earliest={progressOf(tables).earliest} />
          </li>
        ))}
      </ul>
      {next !== undefined && (
        <div className="row command">
          <span className="quiet">In a terminal:</span>
          <code className="grow">{next.command}</code>
          <CopyButton label="Copy" text={next.command} />
        </div>
      )}
    </div>
  );
}

function StepLine(
  { step, isFirst, earliest }: { step: Step; isFirst: boolean; earliest: string | null },
) {
  const [, go] = useLocation();
  const { renames } = useDraft();
  switch (step.kind) {
    case "refresh":
      return (
        <p>
          {tablesOf(step.migrations.length)} changed after the rename, so that{" "}
          {step.migrations.length === 1 ? "its old name differs" : "their old names differ"}{" "}
          from it. <Link href="/names">See what differs</Link>
        </p>
      );
    case "apply":
      return (
        <p>
          {tablesOf(step.migrations.length)} {step.migrations.length === 1 ? "is" : "are"}{" "}
          proposed, and not applied yet.{" "}
          <Link href={`/plan?batch=${step.migrations[0].batch_id}`}>Open the proposal</Link>
        </p>
      );
    case "correct":
      return (
        <p>
          {tablesOf(step.tables.length)}{" "}
          {step.tables.length === 1 ? "does not exist or has" : "do not exist or have"}{" "}
          another name than the phase says:{" "}
          <Name schema={step.tables[0].schema} name={step.tables[0].old_name} />
          {step.tables.length > 1 && " and others"}. Correct the project file.
        </p>
      );
    case "rename": {
      const planned = withPhase(renames, step.tables);
      const others = planned.length - step.tables.length;
      return (
        <div className="row">
          <Button
            variant={isFirst ? "primary" : "plain"}
            onClick={() => {
              setRenames(planned);
              go("/plan");
            }}
          >
            Plan the rest of this phase ({step.tables.length})
          </Button>
          {others > 0 && (
            <span className="quiet">
              {tablesOf(others)} that {others === 1 ? "is" : "are"}{" "}
              already chosen will be in the same plan.
            </span>
          )}
        </div>
      );
    }
    case "finalize":
      return (
        <div className="row">
          <ChangeButton kind="finalize" migrations={step.migrations}>
            {`Finalize what is ready (${step.migrations.length})`}
          </ChangeButton>
          <span className="quiet">
            {step.migrations.length === 1 ? "Its old name was" : "The old names were"}{" "}
            not used for long enough.
          </span>
        </div>
      );
    case "wait":
      return (
        <p className="quiet">
          {tablesOf(step.migrations.length)} {step.migrations.length === 1 ? "is" : "are"}{" "}
          not ready to finalize. {earliest === null ? <Link href="/names">See why</Link> : (
            <>
              The first one will be from <Time at={earliest} day />.
            </>
          )}
        </p>
      );
  }
}

const tablesOf = (count: number) => count === 1 ? "1 table" : `${count} tables`;
