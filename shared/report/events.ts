/** The answer of list-events: what was requested, and what came of it. */
import type { EventRecord, ListEventsAnswer } from "../contract/responses.ts";
import { type Document, documentOf, name, table, type Text, toned } from "./document/document.ts";
import { shownName } from "./migrations.ts";
import { counted, duration, inUtc } from "./document/text.ts";

interface EventsContext {
  nextPage: (cursor: string) => string;
  verbose: boolean;
}

export function describeEvents(
  { events, next_cursor }: ListEventsAnswer,
  { nextPage, verbose }: EventsContext,
): Document {
  const more = verbose ? ["Locks held", "Details", "Request", "Batch", "Plan"] : [];
  return documentOf([
    [
      events.length === 0 ? { is: "text", text: "There are no such events." } : table(
        ["When", "Operation", "Outcome", "About", "By", ...more],
        events.map((event) => [
          inUtc(event.occurred_at),
          event.operation,
          outcomeOf(event),
          about(event),
          name(event.actor),
          ...(verbose
            ? [
              held(event),
              detailsOf(event),
              name(event.request_id),
              event.batch_id,
              event.plan_hash,
            ]
            : []),
        ]),
      ),
    ],
    [
      next_cursor === null ? null : {
        is: "step",
        text: "There are more",
        commands: [nextPage(next_cursor)],
      },
    ],
  ]);
}

function outcomeOf({ outcome, problem_code }: EventRecord): Text {
  const tone = outcome === "succeeded" ? "good" : outcome === "refused" ? "warning" : "bad";
  return problem_code === null ? toned(outcome, tone) : [toned(outcome, tone), `: ${problem_code}`];
}

function about({ renames, renames_total, details }: EventRecord): Text | null {
  const [first] = renames;
  if (first === undefined) {
    // A request that was refused before it was known which migrations it is about.
    return typeof details.table === "string" ? name(details.table) : null;
  }
  const one = name(
    `${shownName(first.schema, first.old_name)} → ${first.new_name}`,
  );
  return renames_total > 1 ? [one, ` and ${counted(renames_total - 1, "more", "more")}`] : one;
}

const held = ({ lock: { attempts, held_ms } }: EventRecord): string | null =>
  attempts === 0 ? null : `${duration(held_ms)}, ${counted(attempts, "attempt")}`;

const detailsOf = ({ details }: EventRecord): string | null =>
  Object.keys(details).length === 0 ? null : JSON.stringify(details);
