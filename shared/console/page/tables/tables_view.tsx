/// <reference lib="dom" />
/** All tables of the project, to be searched, filtered and chosen. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { migrationsOptions, useTables } from "../api/queries.ts";
import { Button } from "../parts/button.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Loading } from "../parts/loading.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { clearDraft, useDraft } from "../plan/draft.ts";
import { chosenRows, type Filter, type Order, rowsOf, type TableState } from "./rows.ts";
import { TableDetails } from "./table_details.tsx";
import { TableList } from "./table_list.tsx";

const STATES: TableState[] = ["not renamed", "proposed", "active", "finalized"];

export default function TablesView() {
  const tables = useTables();
  const migrations = useQuery(migrationsOptions());
  const [filter, setFilter] = useState<Filter>({ text: "", schema: null, state: null });
  const [order, setOrder] = useState<Order>("name");
  const [open, setOpen] = useState<{ schema: string; table: string } | null>(null);
  // What is typed is shown at once, and the list follows.
  const wanted = useDeferredValue(filter);
  const rows = useMemo(
    () => tables.data && migrations.data ? rowsOf(tables.data, migrations.data) : [],
    [tables.data, migrations.data],
  );
  const chosen = useMemo(() => chosenRows(rows, wanted, order), [rows, wanted, order]);
  const schemas = useMemo(() => [...new Set(rows.map(({ schema }) => schema))].sort(), [rows]);
  const failed = tables.error ?? migrations.error;
  return (
    <>
      <div className="view-head">
        <h1>Tables</h1>
        <p>Choose the tables to rename. Nothing changes before you have seen the plan.</p>
      </div>
      <div className="stack">
        {failed && <ProblemBox error={failed} />}
        <Filters
          filter={filter}
          onFilter={setFilter}
          order={order}
          onOrder={setOrder}
          schemas={schemas}
        />
        {tables.isPending || migrations.isPending
          ? !failed && <Loading what="the tables" />
          : rows.length === 0
          ? (
            <EmptyState title="There are no tables yet">
              Tables of the platform's own schemas are not shown.
            </EmptyState>
          )
          : (
            <>
              <p className="quiet" role="status">
                {chosen.length === rows.length
                  ? `${rows.length} ${rows.length === 1 ? "table" : "tables"}`
                  : `${chosen.length} of ${rows.length} tables`}
              </p>
              {chosen.length === 0
                ? (
                  <EmptyState title="No table matches">
                    <Button onClick={() => setFilter({ text: "", schema: null, state: null })}>
                      Show all tables
                    </Button>
                  </EmptyState>
                )
                : <TableList rows={chosen} onOpen={setOpen} />}
            </>
          )}
      </div>
      <Chosen />
      <TableDetails table={open} onClose={() => setOpen(null)} />
    </>
  );
}

function Filters(
  { filter, onFilter, order, onOrder, schemas }: {
    filter: Filter;
    onFilter: (filter: Filter) => void;
    order: Order;
    onOrder: (order: Order) => void;
    schemas: string[];
  },
) {
  return (
    <search className="row">
      <label className="grow">
        <span className="visually-hidden">Search tables by name</span>
        <input
          className="field"
          type="search"
          placeholder="Search by name, old or new"
          value={filter.text}
          onChange={({ target }) => onFilter({ ...filter, text: target.value })}
        />
      </label>
      <Choice
        label="Schema"
        value={filter.schema ?? ""}
        options={["", ...schemas]}
        onChoose={(schema) => onFilter({ ...filter, schema: schema || null })}
      />
      <Choice
        label="State"
        value={filter.state ?? ""}
        options={["", ...STATES]}
        onChoose={(state) => onFilter({ ...filter, state: (state || null) as TableState | null })}
      />
      <Choice
        label="Order by"
        value={order}
        options={["name", "size", "rows"]}
        onChoose={(order) => onOrder(order as Order)}
      />
    </search>
  );
}

function Choice(
  { label, value, options, onChoose }: {
    label: string;
    value: string;
    options: string[];
    onChoose: (value: string) => void;
  },
) {
  return (
    <label className="row tight">
      <span className="quiet">{label}</span>
      <select className="field" value={value} onChange={({ target }) => onChoose(target.value)}>
        {options.map((option) => <option key={option} value={option}>{option || "all"}</option>)}
      </select>
    </label>
  );
}

/** What is chosen so far, and the way on. */
function Chosen() {
  const { renames } = useDraft();
  const [, go] = useLocation();
  return (
    <div className="chosen" role="status" data-empty={renames.length === 0}>
      {renames.length === 0 ? <span className="quiet">Tick tables to choose them.</span> : (
        <>
          <strong>{renames.length} {renames.length === 1 ? "table" : "tables"} chosen</strong>
          <Button variant="primary" onClick={() => go("/plan")}>Plan the rename</Button>
          <Button onClick={clearDraft}>Choose none</Button>
        </>
      )}
    </div>
  );
}
