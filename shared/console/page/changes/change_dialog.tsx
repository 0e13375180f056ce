/// <reference lib="dom" />
/** A change of renames: its plan first, then a confirmation that names the project and the tables. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "../parts/controls/button.tsx";
import { Dialog } from "../parts/controls/dialog.tsx";
import { Renaming } from "../parts/name.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import {
  breakingCodes,
  type ChangeKind,
  type ChangeOptions,
  type ChangeTarget,
  changeTitle,
  DEFAULT_OPTIONS,
  effectText,
  verbOf,
} from "./change.ts";
import { ChangeOptionFields } from "./change_options.tsx";
import { ChangePlan } from "./change_plan.tsx";
import { Confirmation, type Reviewed } from "./confirmation.tsx";
import { plansOptions } from "../api/change_plans.ts";

const NONE: ReadonlySet<string> = new Set();

/** A choice makes a plan when it was left alone for so long, in milliseconds. */
const SETTLED_MS = 400;

export default function ChangeDialog(
  { kind, migrations, onClose }: {
    kind: ChangeKind;
    migrations: ChangeTarget[];
    onClose: () => void;
  },
) {
  // What the button was pressed for, whatever the view behind learns meanwhile.
  const [targets] = useState(migrations);
  const [options, setOptions] = useState<ChangeOptions>(DEFAULT_OPTIONS);
  const [accepted, setAccepted] = useState(NONE);
  // What was read is what is confirmed, whatever is known of a newer plan.
  const [confirming, setConfirming] = useState<Reviewed | null>(null);
  const wanted = useSettled(options);
  const [progress, setProgress] = useState({ done: 0, total: 0 });
  const plans = useQuery({
    ...plansOptions(kind, targets, wanted, (done, total) => setProgress({ done, total })),
    // With other options, the last plan stays to be read until the new one is there.
    placeholderData: (last) => last,
    // What is confirmed is not planned again, not even once it is done and this is still there.
    enabled: confirming === null,
  });
  const isMaking = plans.isFetching || plans.isPlaceholderData || wanted !== options;
  const planned = plans.data?.planned ?? [];
  const codes = breakingCodes(planned.flatMap(({ plan }) => plan.findings));
  const open = codes.filter((code) => !accepted.has(code));
  const nothing = planned.length === 0;
  const reason = isMaking
    ? "Making the plan. Nothing is changed yet."
    : plans.error
    ? "There is no plan."
    : nothing
    ? "Nothing can be done now."
    : open.length > 0
    ? "First accept what breaks."
    : null;
  const hashes = planned.map(({ plan }) => plan.plan_hash).join();
  useEffect(() => setAccepted(NONE), [hashes]);
  if (confirming !== null) {
    return (
      <Confirmation
        kind={kind}
        reviewed={confirming}
        onBack={() => setConfirming(null)}
        onClose={onClose}
      />
    );
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={<Title kind={kind} targets={targets} />}
      footer={
        <>
          <p className="quiet grow" role="status">{reason}</p>
          <Button onClick={onClose}>Close</Button>
          <Button
            variant="primary"
            disabled={reason !== null}
            onClick={() => setConfirming({ planned, options, accepted })}
          >
            Continue
          </Button>
        </>
      }
    >
      <p>{effectText(kind, targets)}</p>
      <ChangeOptionFields
        kind={kind}
        options={options}
        findings={planned.flatMap(({ plan }) => plan.findings)}
        onChange={setOptions}
      />
      <div className="change-plan stack" aria-busy={isMaking}>
        {plans.error
          ? (
            <ProblemBox error={plans.error}>
              <div className="row">
                <Button onClick={() => void plans.refetch()}>Make the plan again</Button>
              </div>
            </ProblemBox>
          )
          : plans.data === undefined
          ? (
            <p className="loading">
              Making the plan{progress.total > 1 && ` ${progress.done + 1} of ${progress.total}`}…
            </p>
          )
          : (
            <ChangePlan
              kind={kind}
              plans={plans.data}
              accepted={accepted}
              onAccept={(code, yes) =>
                setAccepted(
                  new Set(yes ? [...accepted, code] : [...accepted].filter((one) => one !== code)),
                )}
            />
          )}
      </div>
    </Dialog>
  );
}

/** The value, once it has not changed for a while. */
function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** The title with names that are shown as they are. */
function Title({ kind, targets }: { kind: ChangeKind; targets: ChangeTarget[] }): ReactNode {
  const [first] = targets;
  if (targets.length > 1) return changeTitle(kind, targets);
  return (
    <>
      {verbOf(kind)}{" "}
      <Renaming schema={first.schema_name} old_name={first.old_name} new_name={first.new_name} />
    </>
  );
}
