/// <reference lib="dom" />
/** New names for all tables that match a pattern, with what it would do while it is typed. */
import { useDeferredValue, useId, useMemo, useState } from "react";
import { useTables } from "../../api/queries.ts";
import { visible } from "../../../../report/document/text.ts";
import { Button } from "../../parts/controls/button.tsx";
import { Renaming } from "../../parts/name.tsx";
import { keyOf } from "../../../../contract/new_names.ts";
import { addRenames, useDraft } from "../draft.ts";
import { previewPattern } from "./names.ts";

/** Most lines of the preview. */
const MOST = 100;

const CHOSEN = "chosen";
const ALL = "all";

export function PatternForm() {
  return (
    <details className="fold">
      <summary>New names by a pattern</summary>
      <Form />
    </details>
  );
}

function Form() {
  const id = useId();
  const { renames } = useDraft();
  const { data: tables = [] } = useTables();
  const schemas = useMemo(() => [...new Set(tables.map(({ schema }) => schema))].sort(), [tables]);
  const [match, setMatch] = useState("");
  const [to, setTo] = useState("");
  const [picked, setPicked] = useState<string | null>(null);
  const where = picked ?? (renames.length > 0 ? CHOSEN : ALL);
  const typed = useDeferredValue(match);
  const among = useMemo(() => {
    if (where === ALL) return tables;
    if (where !== CHOSEN) return tables.filter(({ schema }) => `schema ${schema}` === where);
    const chosen = new Set(renames.map((one) => keyOf(one.schema, one.old_name)));
    return tables.filter(({ schema, table }) => chosen.has(keyOf(schema, table)));
  }, [where, tables, renames]);
  const preview = useMemo(
    () => typed === "" ? null : previewPattern(typed, to, among, tables),
    [typed, to, among, tables],
  );
  const error = preview !== null && "error" in preview ? preview.error : null;
  const found = preview !== null && "renames" in preview ? preview.renames : [];
  const clashes = found.filter(({ state }) => state === "clash").length;
  return (
    <div className="stack tight plan-pattern">
      <div className="row">
        <label className="grow">
          Names that match
          <input
            className="field name"
            placeholder="^document_(.*)$"
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            aria-invalid={error !== null}
            aria-describedby={`${id} ${id}-state`}
            value={match}
            onChange={({ target }) => setMatch(target.value)}
          />
        </label>
        <label className="grow">
          become
          <input
            className="field name"
            placeholder="doc_$1"
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            aria-describedby={id}
            value={to}
            onChange={({ target }) => setTo(target.value)}
          />
        </label>
        <label>
          among
          <select
            className="field"
            value={where}
            onChange={({ target }) => setPicked(target.value)}
          >
            {renames.length > 0 && <option value={CHOSEN}>the chosen tables</option>}
            <option value={ALL}>all tables</option>
            {schemas.length > 1 &&
              schemas.map((schema) => (
                <option key={schema} value={`schema ${schema}`}>schema {schema}</option>
              ))}
          </select>
        </label>
      </div>
      <p id={id} className="quiet">
        “Names that match” is a regular expression. <code>$1</code>{" "}
        stands for what its first group matched.
      </p>
      <div
        className="plan-preview"
        tabIndex={0}
        role="group"
        aria-label="What the pattern would do"
      >
        {found.slice(0, MOST).map(({ schema, old_name, new_name, state, fault }) => (
          <div key={keyOf(schema, old_name)} data-state={state}>
            <Renaming schema={schema} old_name={old_name} new_name={new_name} />
            {fault && <span className="plan-fault">{visible(fault)}</span>}
          </div>
        ))}
        {found.length > MOST && <p className="quiet">and {found.length - MOST} more</p>}
      </div>
      <div className="row">
        <Button
          disabled={found.length === 0}
          onClick={() => addRenames(found)}
        >
          {found.length === 0
            ? "Use these names"
            : found.length === 1
            ? "Use this name"
            : `Use these ${found.length} names`}
        </Button>
        <span id={`${id}-state`} role="status" className={error === null ? "quiet" : "plan-fault"}>
          {error !== null
            ? `This is not a regular expression: ${error}`
            : preview === null
            ? "Type a pattern to see what it would do."
            : found.length === 0
            ? `No name changes. ${among.length} tables were checked.`
            : clashes > 0
            ? `${clashes} of them cannot be used as they are.`
            : ""}
        </span>
      </div>
    </div>
  );
}
