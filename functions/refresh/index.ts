/** POST refresh: makes a compatibility view again as its table is now. */
import { parseRefreshRequest, type RefreshRequest } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { refresh } from "../../shared/operations/refresh.ts";

export const definition: EndpointDefinition<RefreshRequest> = {
  method: "POST",
  changes: true,
  streams: true,
  parse: parseRefreshRequest,
  run: refresh,
};

export default { fetch: endpoint(definition) };
