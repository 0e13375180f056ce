/** GET list-events: what was requested, and the result, newest first, in pages. */
import { parseListEventsQuery } from "../../shared/contract/parse_requests.ts";
import type { ListEventsQuery } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { listEvents } from "../../shared/operations/list_events.ts";

export const definition: EndpointDefinition<ListEventsQuery> = {
  method: "GET",
  parse: parseListEventsQuery,
  run: listEvents,
};

export default { fetch: endpoint(definition) };
