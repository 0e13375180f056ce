/// <reference lib="dom" />
/** Finds a table by a part of its name, and adds it. */
import * as Ariakit from "@ariakit/react";
import { useDeferredValue, useMemo, useState } from "react";
import { useTables } from "../../api/queries.ts";
import { Name } from "../../parts/name.tsx";
import { keyOf } from "../../../../contract/new_names.ts";
import { chosenRows, rowsOf } from "../../tables/rows.ts";
import { toggleTable, useDraft } from "../draft.ts";

/** Most names that are offered. */
const MOST = 50;

export function AddTable() {
  const [text, setText] = useState("");
  const sought = useDeferredValue(text);
  const { renames } = useDraft();
  const { data: tables } = useTables();
  const rows = useMemo(() => rowsOf(tables ?? [], []), [tables]);
  const found = useMemo(() => {
    const chosen = new Set(renames.map((one) => keyOf(one.schema, one.old_name)));
    return chosenRows(
      rows.filter(({ key }) => !chosen.has(key)),
      { text: sought, schema: null, state: null, worst: null },
      "name",
      new Map(),
    );
  }, [rows, renames, sought]);
  return (
    <div className="grow plan-add">
      <Ariakit.ComboboxProvider value={text} setValue={setText} selectedValue="">
        <Ariakit.Combobox
          className="field"
          placeholder="Add a table: type part of its name"
          aria-label="Add a table"
          autoSelect
        />
        <Ariakit.ComboboxPopover gutter={4} sameWidth className="plan-offers" aria-label="Tables">
          {found.slice(0, MOST).map(({ key, schema, table }) => (
            <Ariakit.ComboboxItem
              key={key}
              value={key}
              className="plan-offer"
              setValueOnClick={false}
              onClick={() => {
                toggleTable(schema, table);
                setText("");
              }}
            >
              <Name schema={schema} name={table} />
            </Ariakit.ComboboxItem>
          ))}
          {found.length === 0 && <p className="plan-offer quiet">No other table matches.</p>}
          {found.length > MOST && (
            <p className="plan-offer quiet">
              and {found.length - MOST} more: type more of the name
            </p>
          )}
        </Ariakit.ComboboxPopover>
      </Ariakit.ComboboxProvider>
    </div>
  );
}
