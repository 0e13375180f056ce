/** POST refresh: makes a compatibility view again as its table is now. */
import { parseRefreshRequest } from "../../shared/contract/parse_requests.ts";
import type { RefreshRequest } from "../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { reported } from "../../shared/http/reported.ts";
import { refresh } from "../../shared/operations/refresh.ts";

export const definition: EndpointDefinition<RefreshRequest, OperationAnswer> = {
  method: "POST",
  changes: true,
  streams: true,
  parse: parseRefreshRequest,
  run: refresh,
  respond: reported("refresh"),
};

export default { fetch: endpoint(definition) };
