/// <reference lib="dom" />
import { useState } from "react";
import type { EventRecord, Migration } from "../../../contract/responses.ts";
import { Badge } from "../parts/controls/badge.tsx";
import { Name, Renaming } from "../parts/name.tsx";
import { EventDetails } from "./event_details.tsx";
import type { EventFilter } from "./filter.ts";
import { happened, OUTCOME_TONES, requested } from "./words.ts";

const DAY = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

interface Props {
  migrations: ReadonlyMap<string, Migration>;
  onFilter: (filter: EventFilter) => void;
}

/** Events day by day. */
export function EventList({ events, ...rest }: Props & { events: EventRecord[] }) {
  const days = Map.groupBy(events, ({ occurred_at }) => DAY.format(new Date(occurred_at)));
  return (
    <div className="stack">
      {[...days].map(([day, events]) => (
        <section key={day} className="stack tight">
          <h2 className="events-day">{day}</h2>
          <ul className="card flush events">
            {events.map((event) => (
              <li key={event.id}>
                <Event event={event} {...rest} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Event({ event, ...rest }: Props & { event: EventRecord }) {
  const [open, setOpen] = useState(false);
  const { occurred_at, outcome, actor, renames, renames_total } = event;
  const asked = requested(event);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <time dateTime={occurred_at} title={occurred_at}>
          {CLOCK.format(new Date(occurred_at))}
        </time>
        <span className="event-what">
          <span className="event-happened">{happened(event)}</span> {renames.length > 0
            ? (
              <>
                <Renaming {...renames[0]} />
                {renames_total > 1 && <span className="quiet">and {renames_total - 1} more</span>}
              </>
            )
            : asked && <Name {...asked} />}
        </span>
        <span className="event-outcome">
          <Badge tone={OUTCOME_TONES[outcome]}>{outcome}</Badge>
        </span>
        <span className="event-actor">
          <span className="visually-hidden">by</span> <Name name={actor} />
        </span>
      </summary>
      {open && <EventDetails event={event} {...rest} />}
    </details>
  );
}
