/// <reference lib="dom" />
/** The list itself: only the rows on the screen are drawn, so that thousands stay quick. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, useMemo, useRef } from "react";
import { setRenames, useDraft } from "../plan/draft.ts";
import { useAnalyses, useVisible } from "./analysis.ts";
import { rowsBetween, withTables } from "./choice.ts";
import { keyOf, type Order, type TableName, type TableRow } from "./rows.ts";
import { TableListRow } from "./table_list_row.tsx";

/** The columns, and by what a column's head orders the list. */
const COLUMNS: { name: string; order?: Order }[] = [
  { name: "Table", order: "name" },
  { name: "Size", order: "size" },
  { name: "Rows", order: "rows" },
  { name: "Dependants" },
  { name: "Findings" },
  { name: "State" },
];

/** Height of a row in pixels before it is drawn. */
const ROW_HEIGHT = 41;

export function TableList(
  { rows, order, onOrder, onOpen }: {
    rows: TableRow[];
    order: Order;
    onOrder: (order: Order) => void;
    onOpen: (table: TableName) => void;
  },
) {
  const scroller = useRef<HTMLDivElement>(null);
  const lastTicked = useRef<string | null>(null);
  const { renames } = useDraft();
  const chosen = useMemo(
    () => new Set(renames.map(({ schema, old_name }) => keyOf(schema, old_name))),
    [renames],
  );
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => rows[index].key,
    overscan: 8,
  });
  // A filter can have made the list shorter since the last time that it was measured.
  const items = virtual.getVirtualItems().filter(({ index }) => index < rows.length);
  useVisible(items.map(({ index }) => rows[index]));
  const { known } = useAnalyses();
  const tick = (row: TableRow, { nativeEvent }: MouseEvent) => {
    const from = nativeEvent.shiftKey ? lastTicked.current : null;
    lastTicked.current = row.key;
    setRenames(withTables(renames, rowsBetween(rows, from, row.key), !chosen.has(row.key)));
  };
  return (
    <div
      className="card flush tables"
      ref={scroller}
      role="table"
      aria-label="Tables"
      aria-rowcount={rows.length + 1}
      tabIndex={0}
    >
      <div role="rowgroup" className="tables-top">
        <div className="tables-head" role="row" aria-rowindex={1}>
          <span role="columnheader">
            <span className="visually-hidden">Choose</span>
          </span>
          {COLUMNS.map((column) => (
            <Head key={column.name} column={column} order={order} onOrder={onOrder} />
          ))}
        </div>
      </div>
      <div role="rowgroup" className="tables-rows" style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, start, key }) => (
          <div
            key={key}
            ref={virtual.measureElement}
            data-index={index}
            role="row"
            aria-rowindex={index + 2}
            className="tables-row"
            style={{ transform: `translateY(${start}px)` }}
          >
            <TableListRow
              row={rows[index]}
              summary={known.get(rows[index].key)}
              isChosen={chosen.has(rows[index].key)}
              onTick={tick}
              onOpen={onOpen}
            />
          </div>
        ))}
      </div>
    </div>
  );
}

function Head(
  { column: { name, order: own }, order, onOrder }: {
    column: (typeof COLUMNS)[number];
    order: Order;
    onOrder: (order: Order) => void;
  },
) {
  if (own === undefined) return <span role="columnheader">{name}</span>;
  const isOrder = own === order;
  return (
    <span
      role="columnheader"
      aria-sort={isOrder ? own === "name" ? "ascending" : "descending" : "none"}
    >
      <button type="button" className="sort" onClick={() => onOrder(own)}>
        {name}
        <span aria-hidden="true" className="sort-mark">
          {isOrder ? own === "name" ? "▲" : "▼" : ""}
        </span>
      </button>
    </span>
  );
}
