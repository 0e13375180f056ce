/// <reference lib="dom" />
/** All tables of the project, to be searched, filtered and chosen. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useMemo, useState } from "react";
import { migrationsOptions, useTables } from "../api/queries.ts";
import { Button } from "../parts/controls/button.tsx";
import { EmptyState } from "../parts/controls/empty_state.tsx";
import { Loading } from "../parts/controls/loading.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { createStore } from "../parts/store.ts";
import { checkTables, stopCheck, useAnalyses } from "./analysis.ts";
import { ChosenTables } from "./chosen_tables.tsx";
import {
  chosenRows,
  type Filter,
  NO_FILTER,
  type Order,
  rowsOf,
  shownNumber,
  type TableName,
  tablesOf,
} from "./rows.ts";
import { TableDetails } from "./table_details.tsx";
import { TableFilters } from "./table_filters.tsx";
import { TableList } from "./table_list.tsx";

/** Kept, so that whoever comes back from a plan finds the list as it was. */
const shown = createStore<{ filter: Filter; order: Order }>("tables", {
  filter: NO_FILTER,
  order: "name",
});
const setFilter = (filter: Filter) => shown.set((all) => ({ ...all, filter }));
const setOrder = (order: Order) => shown.set((all) => ({ ...all, order }));

export default function TablesView() {
  const tables = useTables();
  const migrations = useQuery(migrationsOptions());
  const { filter, order } = shown.use();
  const [open, setOpen] = useState<TableName | null>(null);
  const analyses = useAnalyses();
  const rows = useMemo(
    () => tables.data && migrations.data ? rowsOf(tables.data, migrations.data) : [],
    [tables.data, migrations.data],
  );
  const schemas = useMemo(() => [...new Set(rows.map(({ schema }) => schema))].sort(), [rows]);
  // What is typed is shown at once, and the list follows.
  const wanted = useDeferredValue(filter);
  // What is known of findings changes often, and only this filter asks for it.
  const known = wanted.worst === null ? NOTHING : analyses.known;
  const chosen = useMemo(
    () => chosenRows(rows, wanted, order, known),
    [rows, wanted, order, known],
  );
  const failed = tables.error ?? migrations.error ?? analyses.error;
  const isLoading = tables.isPending || migrations.isPending;
  return (
    <>
      <div className="view-head">
        <h1>Tables</h1>
        <p>Choose the tables to rename. Nothing changes before you have seen the plan.</p>
      </div>
      <div className="stack tables-view">
        {failed !== null && <ProblemBox error={failed} />}
        <TableFilters
          filter={filter}
          onFilter={setFilter}
          order={order}
          onOrder={setOrder}
          schemas={schemas}
        />
        {isLoading
          ? failed === null && <Loading what="the tables" />
          : rows.length === 0
          ? (
            <EmptyState title="There are no tables yet">
              Tables of the platform's own schemas are not shown.
            </EmptyState>
          )
          : (
            <>
              <Summary shown={chosen.length} total={rows.length} tables={rows} filter={wanted} />
              {chosen.length === 0
                ? (
                  <EmptyState title="No table matches">
                    <Button onClick={() => setFilter(NO_FILTER)}>Show all tables</Button>
                  </EmptyState>
                )
                : <TableList rows={chosen} order={order} onOrder={setOrder} onOpen={setOpen} />}
            </>
          )}
      </div>
      <ChosenTables shown={chosen} />
      <TableDetails
        row={open && rows.find((row) => row.schema === open.schema && row.table === open.table)}
        onClose={() => setOpen(null)}
      />
    </>
  );
}

const NOTHING: ReturnType<typeof useAnalyses>["known"] = new Map();

/** How many tables are shown, and of how many the findings are known. */
function Summary(
  { shown, total, tables, filter }: {
    shown: number;
    total: number;
    tables: TableName[];
    filter: Filter;
  },
) {
  const { known, checking } = useAnalyses();
  const unknown = Math.max(0, total - known.size);
  return (
    <div className="row tables-summary">
      <p className="quiet grow" role="status">
        {shown === total ? tablesOf(total) : `${shownNumber(shown)} of ${tablesOf(total)}`}
        {filter.worst !== null && unknown > 0 && checking === null &&
          `. ${tablesOf(unknown)} not checked yet.`}
      </p>
      {checking === null
        ? <Button onClick={() => checkTables(tables)}>Check all tables</Button>
        : (
          <>
            <progress
              max={checking.total}
              value={checking.done}
              aria-label="Checking all tables"
            />
            <span className="quiet number">
              {shownNumber(checking.done)} of {shownNumber(checking.total)}
            </span>
            <Button onClick={stopCheck}>Stop</Button>
          </>
        )}
    </div>
  );
}
