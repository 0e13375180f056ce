/// <reference lib="dom" />
/** The list itself: only the rows on the screen are drawn, so that thousands stay quick. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import { Badge, severityTone, type Tone } from "../parts/badge.tsx";
import { Button } from "../parts/button.tsx";
import { Name } from "../parts/name.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { toggleTable, useDraft } from "../plan/draft.ts";
import { useAnalyses } from "./analysis.ts";
import {
  countsBySeverity,
  dependantsOf,
  keyOf,
  shownBytes,
  type TableRow,
  type TableState,
} from "./rows.ts";

const COLUMNS = ["Choose", "Table", "Size", "Rows", "Dependants", "Findings", "State"];

const TONES: Record<TableState, Tone> = {
  "not renamed": "neutral",
  proposed: "notice",
  active: "warning",
  finalized: "good",
};

/** Height of a row in pixels before it is drawn. */
const ROW_HEIGHT = 41;

const NUMBER = new Intl.NumberFormat("en");

export function TableList(
  { rows, onOpen }: {
    rows: TableRow[];
    onOpen: (table: { schema: string; table: string }) => void;
  },
) {
  const scroller = useRef<HTMLDivElement>(null);
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
  const items = virtual.getVirtualItems();
  const analyses = useAnalyses(
    items.map(({ index }) => rows[index]).filter((row) => row !== undefined),
  );
  return (
    <>
      {analyses.error !== null && <ProblemBox error={analyses.error} />}
      <div
        className="card flush tables"
        role="table"
        aria-label="Tables"
        aria-rowcount={rows.length + 1}
      >
        <div className="tables-head" role="row" aria-rowindex={1}>
          {COLUMNS.map((column) => (
            <span key={column} role="columnheader">
              {column === "Choose" ? <span className="visually-hidden">{column}</span> : column}
            </span>
          ))}
        </div>
        <div
          className="tables-body"
          ref={scroller}
          role="rowgroup"
          tabIndex={0}
          aria-label="Rows of tables"
        >
          <div role="presentation" style={{ height: virtual.getTotalSize() }}>
            {items.map(({ index, start, key }) => {
              const row = rows[index];
              const analysis = analyses.of(row);
              return (
                <div
                  key={key}
                  ref={virtual.measureElement}
                  data-index={index}
                  role="row"
                  aria-rowindex={index + 2}
                  className="tables-row"
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <span role="cell">
                    <input
                      type="checkbox"
                      aria-label={`Choose ${row.table}`}
                      checked={chosen.has(row.key)}
                      onChange={() => toggleTable(row.schema, row.table)}
                    />
                  </span>
                  <span role="cell" className="table-name">
                    <Button variant="link" onClick={() => onOpen(row)}>
                      <Name schema={row.schema} name={row.table} />
                    </Button>
                    {row.kind !== "table" && <span className="quiet">{row.kind}</span>}
                    {row.migration && row.state !== "proposed" && (
                      <span className="quiet">
                        was <Name name={row.migration.old_name} />
                      </span>
                    )}
                  </span>
                  <span role="cell" className="number" data-label="Size">
                    {row.bytes === null ? "–" : shownBytes(row.bytes)}
                  </span>
                  <span role="cell" className="number" data-label="Rows">
                    {row.rows === null ? "–" : `≈ ${NUMBER.format(row.rows)}`}
                  </span>
                  <span role="cell" className="number" data-label="Dependants">
                    {analysis === undefined ? "…" : dependantsOf(analysis)}
                  </span>
                  <span role="cell" className="row tight" data-label="Findings">
                    {analysis === undefined ? "…" : countsBySeverity(analysis.findings).map(
                      ({ severity, count }) => (
                        <Badge key={severity} tone={severityTone(severity)}>
                          {count} {severity}
                        </Badge>
                      ),
                    )}
                    {analysis?.findings.length === 0 && <span className="quiet">none</span>}
                  </span>
                  <span role="cell" data-label="State">
                    <Badge tone={TONES[row.state]}>{row.state}</Badge>
                  </span>
                </div>
              );
            })}
          </div>
        </div>
      </div>
    </>
  );
}
