/** POST refresh: recreates a compatibility view as its table is now. */
import { parseRefreshRequest } from "../../shared/contract/parse_requests.ts";
import type { RefreshRequest } from "../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { jsonOrMarkdown } from "../../shared/http/negotiate.ts";
import { refresh } from "../../shared/operations/refresh.ts";

export const definition: EndpointDefinition<RefreshRequest, OperationAnswer> = {
  method: "POST",
  changes: true,
  streams: true,
  parse: parseRefreshRequest,
  run: refresh,
  respond: jsonOrMarkdown("refresh"),
};

export default { fetch: endpoint(definition) };
