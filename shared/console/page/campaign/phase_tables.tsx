import { useState } from "react";
import { type CampaignTable, hasDrift } from "../../../report/campaign.ts";
import { Badge, type Tone } from "../parts/controls/badge.tsx";
import { Button } from "../parts/controls/button.tsx";
import { Name, Renaming } from "../parts/name.tsx";
import { Time } from "../parts/time.tsx";
import { type Part, PART_WORDS, partOf, sinceOf } from "./progress.ts";

const TONES: Record<Part, Tone> = {
  finalized: "good",
  ready: "good",
  active: "warning",
  proposed: "notice",
  not_begun: "neutral",
  other: "bad",
};

const COLUMNS = ["Table", "State", "Since", "Can be finalized", "Old name last used"];

/** Tables that are shown at first. */
const FIRST = 50;

export function PhaseTables({ tables }: { tables: CampaignTable[] }) {
  const [all, setAll] = useState(false);
  const shown = all ? tables : tables.slice(0, FIRST);
  return (
    <div className="stack tight">
      <div className="phase-tables" role="table" aria-label="Tables of the phase">
        <div className="phase-row phase-columns" role="row">
          {COLUMNS.map((column) => <span key={column} role="columnheader">{column}</span>)}
        </div>
        {shown.map((table) => (
          <div
            key={`${table.schema}.${table.old_name} ${table.migration?.id}`}
            className="phase-row"
            role="row"
          >
            <Cells table={table} />
          </div>
        ))}
      </div>
      {shown.length < tables.length && (
        <div>
          <Button onClick={() => setAll(true)}>Show all {tables.length} tables</Button>
        </div>
      )}
    </div>
  );
}

function Cells({ table }: { table: CampaignTable }) {
  const { schema, old_name, new_name, state, migration } = table;
  const part = partOf(table);
  const since = sinceOf(table);
  const usage = state === "active" ? migration?.usage : undefined;
  const drift = hasDrift(table) ? migration?.drift?.[0] : undefined;
  return (
    <>
      <span role="cell">
        <Renaming schema={schema} old_name={old_name} new_name={new_name} />
      </span>
      <span role="cell">
        <Badge tone={TONES[part]}>
          {state === "missing"
            ? "no such table"
            : state === "other"
            ? "has another name"
            : PART_WORDS[part]}
        </Badge>
        {state === "other" && migration !== undefined && (
          <span className="phase-note">
            now <Name name={migration.new_name} />
          </span>
        )}
        {drift !== undefined && <span className="phase-note">Changed: {drift.message}</span>}
      </span>
      <span role="cell" data-label="Since">
        {since === null ? <span className="quiet">–</span> : <Time at={since} day />}
      </span>
      <span role="cell" data-label="Can be finalized">
        <Verdict table={table} />
      </span>
      <span role="cell" data-label="Old name last used">
        {usage === undefined ? <span className="quiet">–</span> : (
          <>
            <Time at={usage.last_used_at} day none="no use seen" />
            {usage.roles.length > 0 && (
              <span className="quiet">
                {" by "}
                <Name name={usage.roles[0].role} />
              </span>
            )}
          </>
        )}
      </span>
    </>
  );
}

/** Whether the rename can be finalized, and from when. Why not is said where its old name is shown. */
function Verdict({ table: { state, migration } }: { table: CampaignTable }) {
  const verdict = state === "active" ? migration?.ready_to_finalize : undefined;
  if (verdict === undefined) return <span className="quiet">–</span>;
  if (verdict.ready) return <>now</>;
  if (verdict.earliest !== null) {
    return (
      <>
        from <Time at={verdict.earliest} day />
      </>
    );
  }
  return <>not yet</>;
}
