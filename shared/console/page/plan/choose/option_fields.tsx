/// <reference lib="dom" />
/** The options of a rename. */
import { type ReactNode, useId } from "react";
import { type DraftOptions, setOptions, useDraft } from "../draft.ts";

export function OptionFields() {
  const { options } = useDraft();
  return (
    <fieldset className="plan-options">
      <legend>Options</legend>
      <Tick
        label="Keep the old names"
        hint="A view takes each old name, so that applications can use either."
        checked={options.compatibility_view}
        onChange={(compatibility_view) => setOptions({ compatibility_view })}
      />
      <Tick
        label="Rename indexes too"
        hint="Indexes that are named after the table, and their constraints."
        checked={options.rename_indexes}
        onChange={(rename_indexes) => setOptions({ rename_indexes })}
      />
      <Tick
        label="Count use of the old names"
        hint="The view counts reads, updates and deletes by the old name. Each call costs a little more."
        checked={options.count_use && options.compatibility_view}
        disabled={!options.compatibility_view}
        onChange={(count_use) => setOptions({ count_use })}
      />
      <label className="plan-option-note">
        Note, kept with the rename
        <input
          className="field"
          maxLength={10_000}
          value={options.notes}
          onChange={({ target }) => setOptions({ notes: target.value })}
        />
      </label>
      <details className="fold">
        <summary>More</summary>
        <div className="row plan-more">
          <Milliseconds
            label="Longest wait for one lock"
            field="lock_timeout_ms"
            normal={200}
            min={1}
            max={10_000}
          />
          <Milliseconds
            label="Keep trying for"
            field="max_wait_ms"
            normal={30_000}
            min={0}
            max={120_000}
          />
          <p className="quiet grow">
            While the rename waits for a lock, clients of the table wait, too. Short waits with
            several attempts hold them for less time.
          </p>
        </div>
      </details>
    </fieldset>
  );
}

function Tick(
  { label, hint, checked, disabled = false, onChange }: {
    label: ReactNode;
    hint: string;
    checked: boolean;
    disabled?: boolean;
    onChange: (checked: boolean) => void;
  },
) {
  const id = useId();
  return (
    <div className="plan-option">
      <label className="tick">
        <input
          type="checkbox"
          checked={checked}
          disabled={disabled}
          aria-describedby={id}
          onChange={({ target }) => onChange(target.checked)}
        />
        {label}
      </label>
      <p id={id} className="quiet">{hint}</p>
    </div>
  );
}

/** A time in milliseconds; empty means the normal one. */
function Milliseconds(
  { label, field, normal, min, max }: {
    label: string;
    field: "lock_timeout_ms" | "max_wait_ms";
    normal: number;
    min: number;
    max: number;
  },
) {
  const { options } = useDraft();
  const value: DraftOptions[typeof field] = options[field];
  return (
    <label className="plan-time">
      {label}, in ms
      <input
        className="field number"
        type="number"
        min={min}
        max={max}
        step={1}
        placeholder={String(normal)}
        value={value ?? ""}
        onChange={({ target }) => {
          const wanted = target.valueAsNumber;
          setOptions({
            [field]: Number.isNaN(wanted)
              ? undefined
              : Math.min(max, Math.max(min, Math.round(wanted))),
          });
        }}
      />
    </label>
  );
}
