/** POST rollback: takes renames back, to exactly the state before. */
import { parseRollbackRequest, type RollbackRequest } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { rollback } from "../../shared/operations/rollback.ts";

export const definition: EndpointDefinition<RollbackRequest> = {
  method: "POST",
  changes: true,
  streams: true,
  parse: parseRollbackRequest,
  run: rollback,
};

export default { fetch: endpoint(definition) };
