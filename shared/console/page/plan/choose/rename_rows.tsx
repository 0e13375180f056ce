/// <reference lib="dom" />
/** Old and new names side by side; what stands against a name is beside it. */
import { type KeyboardEvent, memo, useId } from "react";
import { visible } from "../../../../report/document/text.ts";
import { Name } from "../../parts/name.tsx";
import { keyOf } from "../../../../contract/new_names.ts";
import { setNewName, toggleTable } from "../draft.ts";
import type { CheckedRename } from "./names.ts";

export function RenameRows(
  { renames, issues }: { renames: CheckedRename[]; issues?: Map<number, string> },
) {
  return (
    <div
      className="plan-renames"
      role="group"
      aria-label="Old and new names"
      onKeyDown={toNextName}
    >
      <div className="plan-rename plan-rename-head" aria-hidden="true">
        <span>Old name</span>
        <span />
        <span>New name</span>
        <span />
        <span />
      </div>
      <div className="plan-rename-list">
        {renames.map(({ schema, old_name, new_name, state, fault }, index) => (
          <Row
            key={keyOf(schema, old_name)}
            schema={schema}
            oldName={old_name}
            newName={new_name}
            state={state}
            fault={fault ?? issues?.get(index)}
          />
        ))}
      </div>
    </div>
  );
}

/** Enter goes to the next new name. */
function toNextName(event: KeyboardEvent<HTMLElement>) {
  if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
  const all = [...event.currentTarget.querySelectorAll("input")];
  all[all.indexOf(event.target) + 1]?.focus();
}

const Row = memo(function Row(
  { schema, oldName, newName, state, fault }: {
    schema: string;
    oldName: string;
    newName: string;
    state: CheckedRename["state"];
    fault?: string;
  },
) {
  const id = useId();
  const text = fault ?? (state === "unnamed" ? "Type a new name." : "");
  return (
    <div className="plan-rename" data-state={fault === undefined ? state : "clash"}>
      <Name schema={schema} name={oldName} />
      <span aria-hidden="true">→</span>
      <input
        className="field name"
        aria-label={`New name of ${oldName}`}
        aria-describedby={id}
        aria-invalid={fault !== undefined}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        value={newName}
        onChange={({ target }) => setNewName(schema, oldName, target.value)}
        onFocus={({ target }) => state === "unnamed" && target.select()}
      />
      <span id={id} className="plan-fault">{visible(text)}</span>
      <button
        type="button"
        className="plan-remove"
        aria-label={`Remove ${oldName}`}
        title="Remove"
        onClick={() => toggleTable(schema, oldName)}
      >
        <span aria-hidden="true">✕</span>
      </button>
    </div>
  );
});
