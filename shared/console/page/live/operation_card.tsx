/// <reference lib="dom" />
/** One operation: its phase, time line, who is in its way, and what came of it. */
import { Badge } from "../parts/controls/badge.tsx";
import { Button } from "../parts/controls/button.tsx";
import { Fold } from "../parts/controls/fold.tsx";
import { Renaming } from "../parts/name.tsx";
import { shownDuration } from "../parts/time.tsx";
import { useNow } from "../parts/use_now.ts";
import { BlockerTable } from "./blocker_table.tsx";
import { isOver, type Operation } from "./operation.ts";
import { cancelOperation, forgetOperation } from "./operations.ts";
import { Outcome } from "./outcome.tsx";
import { blockersOf, phaseOf } from "./phases.ts";
import { TimeLine } from "./time_line.tsx";

const EVERY_MS = 250;

/** More tables than that are folded. */
const SHOWN_TABLES = 4;

export function OperationCard({ operation }: { operation: Operation }) {
  const { id, title, state, startedAt, endedAt } = operation;
  const over = isOver(operation);
  const now = useNow(over ? null : EVERY_MS);
  const until = Math.max(endedAt ?? now, startedAt);
  const { text, tone, spoken } = phaseOf(operation, now);
  const blockers = blockersOf(operation, until - startedAt);
  return (
    <article className="card operation" data-state={state} aria-labelledby={`title-${id}`}>
      <header className="operation-head">
        <h2 id={`title-${id}`}>{title}</h2>
        <span className="operation-phase">
          <Badge tone={tone}>{text}</Badge>
        </span>
        {/* The phase alone: attempts follow each other too fast to be read out. */}
        <span className="visually-hidden" role="status">{`${title}: ${spoken}`}</span>
        <span className="quiet number operation-time">
          {state !== "next" &&
            (over ? shownDuration(until - startedAt) : seconds(until - startedAt))}
        </span>
      </header>
      <Tables operation={operation} />
      <TimeLine operation={operation} now={until} />
      {blockers.length > 0 && (!over || state === "done") && (
        <BlockerTable
          title={blockers.some(({ gone }) => !gone) ? "Blocked by" : "Was blocked by"}
          blockers={blockers}
        />
      )}
      {over ? <Outcome operation={operation} /> : (
        <footer className="row operation-foot">
          <Button onClick={() => cancelOperation(id)}>Cancel</Button>
          <p className="quiet grow">
            {state === "next"
              ? "It has not started. If you cancel it, it and the changes after it are not made."
              : "Cancel stops waiting. If the database is already about to commit, the change is still made. The result is shown here."}
          </p>
        </footer>
      )}
      {over && (
        <Button
          variant="link"
          className="button operation-forget"
          aria-label={`Dismiss: ${title}`}
          onClick={() => forgetOperation(id)}
        >
          Dismiss
        </Button>
      )}
    </article>
  );
}

/** Of what still runs: whole seconds, which do not flicker. */
const seconds = (ms: number): string =>
  ms < 60_000
    ? `${Math.floor(ms / 1_000)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.floor(ms / 1_000) % 60} s`;

function Tables({ operation: { tables, name } }: { operation: Operation }) {
  const list = (
    <ul className="operation-tables">
      {tables.map((table) => (
        <li key={JSON.stringify([table.schema, table.old_name])}>
          {name === "rollback"
            ? (
              <Renaming
                schema={table.schema}
                old_name={table.new_name}
                new_name={table.old_name}
              />
            )
            : <Renaming {...table} />}
        </li>
      ))}
    </ul>
  );
  return tables.length <= SHOWN_TABLES
    ? list
    : <Fold title={`${tables.length} tables`}>{list}</Fold>;
}
