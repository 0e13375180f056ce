/// <reference lib="dom" />
/** One event, opened: the request, what came of it, and the way to its plan. */
import { lazy, type ReactNode, Suspense, useState } from "react";
import { Link } from "wouter";
import type { EventRecord, Migration } from "../../../contract/responses.ts";
import { Button } from "../parts/controls/button.tsx";
import { CopyButton } from "../parts/controls/copy_button.tsx";
import { Loading } from "../parts/controls/loading.tsx";
import { Name, Renaming } from "../parts/name.tsx";
import { addressOf, type EventFilter, NO_FILTER } from "./filter.ts";
import { furtherDetails, lockWords, problemWords } from "./words.ts";

/** With the highlighter, which only plans need. */
const EventPlan = lazy(() => import("./event_plan.tsx"));

const eventsWith = (filter: Partial<EventFilter>) =>
  `/events?${addressOf({ ...NO_FILTER, ...filter })}`;

export function EventDetails(
  { event, migrations, onFilter }: {
    event: EventRecord;
    migrations: ReadonlyMap<string, Migration>;
    onFilter: (filter: EventFilter) => void;
  },
) {
  const { renames, renames_total, problem_code, batch_id, migration_ids, lock } = event;
  const words = lockWords(lock);
  const notes = new Set(migration_ids.flatMap((id) => migrations.get(id)?.notes ?? []));
  const isProposed = batch_id !== null &&
    migration_ids.some((id) => migrations.get(id)?.status === "pending");
  return (
    <div className="event-details stack">
      {problem_code !== null && <Problem code={problem_code} />}
      <dl>
        {renames_total > 1 && (
          <Fact name="Tables">
            <ul>
              {renames.map((one, index) => (
                <li key={index}>
                  <Renaming {...one} />
                </li>
              ))}
            </ul>
            {renames_total > renames.length && (
              <span className="quiet">and {renames_total - renames.length} more</span>
            )}
          </Fact>
        )}
        {words !== null && <Fact name="Locks">{words}</Fact>}
        {[...notes].map((note) => <Fact key={note} name="Notes">{note}</Fact>)}
        {furtherDetails(event).map(({ name, texts }) => (
          <Fact key={name} name={name}>
            <ul>
              {texts.map((text, index) => (
                <li key={index}>
                  <Name name={text} />
                </li>
              ))}
            </ul>
          </Fact>
        ))}
        <Fact name="When (UTC)">
          <code>{new Date(event.occurred_at).toISOString()}</code>
        </Fact>
        <Fact name="By">
          <Name name={event.actor} />{" "}
          <Button variant="link" onClick={() => onFilter({ ...NO_FILTER, actor: event.actor })}>
            All their events
          </Button>
        </Fact>
        <Fact name="Request">
          <Id id={event.request_id} />{" "}
          <Link href={eventsWith({ request_id: event.request_id })}>Link to it</Link>
        </Fact>
        {batch_id !== null && (
          <Fact name="Batch">
            <Id id={batch_id} /> <Link href={eventsWith({ batch_id })}>All its events</Link>
          </Fact>
        )}
        {event.plan_hash !== null && (
          <Fact name="Plan">
            <code>{event.plan_hash}</code>
          </Fact>
        )}
      </dl>
      <div className="row">
        {isProposed && <Link href={`/plan?batch=${batch_id}`}>Open the proposal</Link>}
        {migration_ids.length > 0 && <PlanOf event={event} />}
        {migration_ids.length === 1 && batch_id === null && (
          <Link href={eventsWith({ migration_id: migration_ids[0] })}>
            All events of this rename
          </Link>
        )}
      </div>
    </div>
  );
}

function PlanOf({ event }: { event: EventRecord }) {
  const [open, setOpen] = useState(false);
  if (!open) return <Button onClick={() => setOpen(true)}>Show the plan of the rename</Button>;
  return (
    <Suspense fallback={<Loading what="the plan" />}>
      <EventPlan event={event} />
    </Suspense>
  );
}

function Problem({ code }: { code: string }) {
  const { title, advice } = problemWords(code);
  return (
    <div className="event-problem">
      <p>
        <strong>{title}</strong> <code className="quiet">{code}</code>
      </p>
      {advice !== null && <p>{advice}</p>}
    </div>
  );
}

const Id = ({ id }: { id: string }) => (
  <span className="row tight id">
    <code>{id}</code>
    <CopyButton label="Copy" text={id} />
  </span>
);

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);
