/** POST rollback: undoes renames, back to exactly the state before. */
import { parseRollbackRequest } from "../../shared/contract/parse_requests.ts";
import type { RollbackRequest } from "../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { jsonOrMarkdown } from "../../shared/http/negotiate.ts";
import { rollback } from "../../shared/operations/rollback.ts";

export const definition: EndpointDefinition<RollbackRequest, OperationAnswer> = {
  method: "POST",
  changes: true,
  streams: true,
  parse: parseRollbackRequest,
  run: rollback,
  respond: jsonOrMarkdown("rollback"),
};

export default { fetch: endpoint(definition) };
