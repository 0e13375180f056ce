import { type MouseEvent } from "react";
import { Badge, severityTone, type Tone } from "../parts/controls/badge.tsx";
import { Button } from "../parts/controls/button.tsx";
import { Name } from "../parts/name.tsx";
import {
  shownBytes,
  shownNumber,
  type Summary,
  type TableName,
  type TableRow,
  type TableState,
  whyNotChosen,
} from "./rows.ts";

const TONES: Record<TableState, Tone> = {
  "not renamed": "neutral",
  proposed: "notice",
  active: "warning",
  finalized: "good",
};

export const shownRows = (rows: number): string => `≈ ${shownNumber(rows)}`;

export const TableStateBadge = ({ state }: { state: TableState }) => (
  <Badge tone={TONES[state]}>{state}</Badge>
);

/** The cells of a table. */
export function TableListRow(
  { row, summary, isChosen, onTick, onOpen }: {
    row: TableRow;
    /** Undefined: not known yet. Null: the table is gone. */
    summary: Summary | null | undefined;
    isChosen: boolean;
    onTick: (row: TableRow, event: MouseEvent) => void;
    onOpen: (table: TableName) => void;
  },
) {
  const why = whyNotChosen(row);
  return (
    <>
      <span role="cell">
        <input
          type="checkbox"
          aria-label={why === null
            ? `Choose ${row.table}`
            : `${row.table} cannot be chosen: ${why}`}
          title={why ?? undefined}
          disabled={why !== null && !isChosen}
          checked={isChosen}
          onClick={(event) => onTick(row, event)}
          // The click has done it, and knows of the Shift key.
          onChange={() => {}}
        />
      </span>
      <span role="cell" className="table-name">
        <Button variant="link" onClick={() => onOpen(row)}>
          <Name schema={row.schema} name={row.table} />
        </Button>
        {row.kind !== "table" && <span className="quiet">{row.kind}</span>}
        {row.migration && (
          <span className="quiet">
            {row.state === "proposed"
              ? (
                <>
                  to become <Name name={row.migration.new_name} />
                </>
              )
              : (
                <>
                  was <Name name={row.migration.old_name} />
                </>
              )}
          </span>
        )}
      </span>
      <span role="cell" className="number" data-label="Size">
        {row.bytes === null ? "–" : shownBytes(row.bytes)}
      </span>
      <span role="cell" className="number" data-label="Rows">
        {row.rows === null ? "–" : shownRows(row.rows)}
      </span>
      <span role="cell" className="number" data-label="Dependants">
        {summary === undefined ? "…" : summary === null ? "–" : summary.dependants}
      </span>
      <span role="cell" className="row tight" data-label="Findings">
        {summary === undefined
          ? "…"
          : summary === null
          ? <span className="quiet">the table is gone</span>
          : summary.counts.length === 0
          ? <span className="quiet">none</span>
          : summary.counts.map(({ severity, count }) => (
            <Badge key={severity} tone={severityTone(severity)}>
              {count} {severity === "warning" && count > 1 ? "warnings" : severity}
            </Badge>
          ))}
      </span>
      <span role="cell" data-label="State">
        <TableStateBadge state={row.state} />
      </span>
    </>
  );
}
