/// <reference lib="dom" />
/** The last look before a change: the project, the tables, and what has to be typed where it cannot be undone. */
import { useId, useRef, useState } from "react";
import { useLocation } from "wouter";
import { visible } from "../../../report/document/text.ts";
import type { PlannedUnit } from "../api/change_plans.ts";
import { useSession } from "../api/queries.ts";
import { startOperations } from "../live/operations.ts";
import { Button } from "../parts/controls/button.tsx";
import { Dialog } from "../parts/controls/dialog.tsx";
import { Fold } from "../parts/controls/fold.tsx";
import { Name, Renaming } from "../parts/name.tsx";
import {
  applyRequest,
  type ChangeKind,
  type ChangeOptions,
  type ChangeTarget,
  changeTitle,
  effectText,
  tablesOf,
  verbOf,
  wordToType,
} from "./change.ts";

export interface Reviewed {
  planned: PlannedUnit[];
  options: ChangeOptions;
  accepted: ReadonlySet<string>;
}

export function Confirmation(
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
            {session?.readOnly && "This page is read-only."}
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
                  </strong>, to continue
                </>
              )
              : (
                <>
                  Type the number of renames, <strong>{word}</strong>, to continue
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
  [word, visible(word)].some((one) => one.trim() === typed.trim());

const changeButtonText = (kind: ChangeKind, { length }: ChangeTarget[]): string =>
  length === 1 ? verbOf(kind) : `${verbOf(kind)} ${length} renames`;

const SHOWN = 8;

function Targets({ targets }: { targets: ChangeTarget[] }) {
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
