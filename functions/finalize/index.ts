/** POST finalize: ends renames, once nobody uses the old names. */
import { type FinalizeRequest, parseFinalizeRequest } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { finalize } from "../../shared/operations/finalize.ts";

export const definition: EndpointDefinition<FinalizeRequest> = {
  method: "POST",
  changes: true,
  streams: true,
  parse: parseFinalizeRequest,
  run: finalize,
};

export default { fetch: endpoint(definition) };
