/** The list of events: what was requested, by whom, and what came of it. */
import type { ListEventsQuery } from "../contract/requests.ts";
import type { ListEventsAnswer } from "../contract/responses.ts";
import { encodeCursor } from "../tracking/cursor.ts";
import { eventsFromRows, eventsPage } from "../tracking/list_events.ts";
import { asProblems, type OperationContext } from "./steps/context.ts";

/**
 * One page of events, newest first.
 *
 * @throws {Problem} `invalid_request` for a foreign cursor, `database_unavailable`.
 */
export async function listEvents(
  { database }: OperationContext,
  query: ListEventsQuery,
): Promise<ListEventsAnswer> {
  return await asProblems(async () => {
    const found = eventsFromRows(await database.query(eventsPage(query)));
    const events = found.slice(0, query.limit);
    const last = events.at(-1);
    return {
      events,
      next_cursor: found.length > query.limit && last !== undefined
        ? encodeCursor(last.occurred_at, String(last.id))
        : null,
    };
  });
}
