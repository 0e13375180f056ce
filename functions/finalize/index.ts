/** POST finalize: ends renames, once nobody uses the old names. */
import { parseFinalizeRequest } from "../../shared/contract/parse_requests.ts";
import type { FinalizeRequest } from "../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { jsonOrMarkdown } from "../../shared/http/negotiate.ts";
import { finalize } from "../../shared/operations/finalize.ts";

export const definition: EndpointDefinition<FinalizeRequest, OperationAnswer> = {
  method: "POST",
  changes: true,
  streams: true,
  parse: parseFinalizeRequest,
  run: finalize,
  respond: jsonOrMarkdown("finalize"),
};

export default { fetch: endpoint(definition) };
