/// <reference lib="dom" />
/** A change of renames: its plan first, then a confirmation that names the project and the tables. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useSession } from "../api/queries.ts";
import { startOperations } from "../live/operations.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Fold } from "../parts/fold.tsx";
import { Name, Renaming } from "../parts/name.tsx";
import { shownName } from "../parts/shown_name.ts";
import { ProblemBox } from "../parts/problem_box.tsx";
import {
  applyRequest,
  breakingCodes,
  type ChangeKind,
  type ChangeOptions,
  type ChangeTarget,
  changeTitle,
  DEFAULT_OPTIONS,
  effectText,
  tablesOf,
  verbOf,
  wordToType,
} from "./change.ts";
import { ChangeOptionFields } from "./change_options.tsx";
import { ChangePlan } from "./change_plan.tsx";
import { type PlannedUnit, plansOptions } from "../api/change_plans.ts";

const NONE: ReadonlySet<string> = new Set();

/** A choice makes a plan when it was left alone for so long, in milliseconds. */
const SETTLED_MS = 400;

interface Reviewed {
  planned: PlannedUnit[];
  options: ChangeOptions;
  accepted: ReadonlySet<string>;
}

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
  });
  const isMaking = plans.isFetching || plans.isPlaceholderData || wanted !== options;
  const planned = plans.data?.planned ?? [];
  const codes = breakingCodes(planned.flatMap(({ plan }) => plan.findings));
  const open = codes.filter((code) => !accepted.has(code));
  const nothing = planned.length === 0;
  const reason = isMaking
    ? "Making the plan. Nothing is changed."
    : plans.error
    ? "There is no plan."
    : nothing
    ? "Nothing of it can be done now."
    : open.length > 0
    ? "Tick what breaks first."
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

function Confirmation(
  { kind, reviewed: { planned, options, accepted }, onBack, onClose }: {
    kind: ChangeKind;
    reviewed: Reviewed;
    onBack: () => void;
    onClose: () => void;
  },
) {
  const session = useSession().data;
  const [, go] = useLocation();
  const [typed, setTyped] = useState("");
  const field = useId();
  const about = useId();
  const start = useRef<HTMLElement>(null);
  const targets = planned.flatMap(({ unit }) => unit.targets);
  const word = wordToType(kind, targets);
  const ready = session?.readOnly === false && (word === null || isTyped(typed, word));
  const apply = () => {
    if (!ready) return;
    startOperations(planned.map(({ unit, plan }) => ({
      name: kind,
      title: changeTitle(kind, unit.targets),
      tables: tablesOf(unit.targets),
      request: applyRequest(kind, unit, options, plan, accepted),
    })));
    onClose();
    go("/live");
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={`${verbOf(kind)}: are you sure?`}
      initialFocus={start}
      footer={
        <>
          <p className="quiet grow" role="status">
            {session?.readOnly && "This page was started to read only, and changes nothing."}
          </p>
          <Button onClick={onBack}>Back to the plan</Button>
          <Button
            variant={kind === "finalize" ? "danger" : "primary"}
            disabled={!ready}
            onClick={apply}
          >
            {changeButtonText(kind, targets)}
          </Button>
        </>
      }
    >
      <p
        id={about}
        tabIndex={-1}
        ref={(element) => {
          if (word === null) start.current = element;
        }}
      >
        In the project <strong>{session?.project}</strong> you {verbOf(kind).toLowerCase()}{" "}
        {targets.length === 1
          ? "this rename:"
          : `these ${targets.length} renames${
            planned.length > 1 ? ` by ${planned.length} requests, one after the other` : ""
          }:`}
      </p>
      <Targets targets={targets} />
      <p>{effectText(kind, targets)}</p>
      {accepted.size > 0 && (
        <p>
          You accept what breaks: {[...accepted].map((code, index) => (
            <span key={code}>
              {index > 0 && ", "}
              <code>{code}</code>
            </span>
          ))}
        </p>
      )}
      {word !== null && (
        <form
          className="stack tight"
          onSubmit={(event) => {
            event.preventDefault();
            apply();
          }}
        >
          <label htmlFor={field}>
            {targets.length === 1
              ? (
                <>
                  Type the old name,{" "}
                  <strong>
                    <Name name={word} />
                  </strong>, to go on
                </>
              )
              : (
                <>
                  Type the number of renames, <strong>{word}</strong>, to go on
                </>
              )}
          </label>
          <input
            id={field}
            aria-describedby={about}
            ref={(element) => {
              start.current = element;
            }}
            className="field"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
          />
        </form>
      )}
    </Dialog>
  );
}

/** The name itself, or with what cannot be seen written out, as it is shown. */
const isTyped = (typed: string, word: string): boolean =>
  [word, shownName(word)].some((one) => one.trim() === typed.trim());

const changeButtonText = (kind: ChangeKind, { length }: ChangeTarget[]): string =>
  length === 1 ? verbOf(kind) : `${verbOf(kind)} ${length} renames`;

const SHOWN = 8;

export function Targets({ targets }: { targets: ChangeTarget[] }) {
  const list = (shown: ChangeTarget[]) => (
    <ul className="operation-tables">
      {shown.map(({ id, schema_name, old_name, new_name }) => (
        <li key={id}>
          <Renaming schema={schema_name} old_name={old_name} new_name={new_name} />
        </li>
      ))}
    </ul>
  );
  if (targets.length <= SHOWN) return list(targets);
  return (
    <>
      {list(targets.slice(0, SHOWN))}
      <Fold title={`${targets.length - SHOWN} more`}>{list(targets.slice(SHOWN))}</Fold>
    </>
  );
}
