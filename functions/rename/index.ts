/** POST rename: gives tables new names, and keeps the old ones usable as compatibility views. */
import { parseRenameRequest, type RenameRequest } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { rename } from "../../shared/operations/rename.ts";

export const definition: EndpointDefinition<RenameRequest> = {
  method: "POST",
  changes: true,
  streams: true,
  parse: parseRenameRequest,
  run: rename,
};

export default { fetch: endpoint(definition) };
