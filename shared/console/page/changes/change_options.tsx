/// <reference lib="dom" />
/** What can be chosen of a change. Each choice makes the plan anew. */
import { useState } from "react";
import type { Finding } from "../../../contract/responses.ts";
import type { ChangeKind, ChangeOptions } from "./change.ts";

const MAX_DAYS = 3_650;

export function ChangeOptionFields(
  { kind, options, findings, onChange }: {
    kind: ChangeKind;
    options: ChangeOptions;
    findings: Finding[];
    onChange: (options: ChangeOptions) => void;
  },
) {
  const carries = options.carry_privileges ||
    findings.some(({ code }) => code === "view_grants_changed");
  if (kind === "rollback" && !carries) return null;
  return (
    <fieldset className="options">
      <legend className="visually-hidden">Options</legend>
      {kind !== "rollback" && (
        <Tick
          label="Put the new name into functions and cron jobs that use the old one"
          note="Only where each use is certain. The plan below shows what changes."
          checked={options.rewrite_texts}
          onChange={(rewrite_texts) => onChange({ ...options, rewrite_texts })}
        />
      )}
      {carries && (
        <Tick
          label="Keep privileges that were changed only on the old name"
          note="They are granted on the table, or revoked from it."
          checked={options.carry_privileges}
          onChange={(carry_privileges) => onChange({ ...options, carry_privileges })}
        />
      )}
      {kind === "finalize" && (
        <Days
          days={options.quiet_for_days}
          onChange={(quiet_for_days) => onChange({ ...options, quiet_for_days })}
        />
      )}
    </fieldset>
  );
}

function Tick(
  { label, note, checked, onChange }: {
    label: string;
    note: string;
    checked: boolean;
    onChange: (checked: boolean) => void;
  },
) {
  return (
    <label className="tick">
      <input
        type="checkbox"
        checked={checked}
        onChange={({ target }) => onChange(target.checked)}
      />
      <span>
        {label}
        <span className="quiet">{note}</span>
      </span>
    </label>
  );
}

function Days({ days, onChange }: { days: number; onChange: (days: number) => void }) {
  const [typed, setTyped] = useState(String(days));
  const daysOf = (text: string) => /^\d{1,4}$/.test(text) ? Math.min(Number(text), MAX_DAYS) : null;
  return (
    <label className="row tight">
      The old name must have been unused for
      <input
        className="field days"
        type="number"
        min={0}
        max={MAX_DAYS}
        value={typed}
        aria-invalid={daysOf(typed) === null}
        onChange={({ target }) => {
          setTyped(target.value);
          const wanted = daysOf(target.value);
          if (wanted !== null) onChange(wanted);
        }}
      />
      days
      <span className="quiet">
        0: how long it was unused is not checked. A use that is seen still stops it.
      </span>
    </label>
  );
}
