/** POST rename: gives tables new names, and keeps the old ones usable as compatibility views. */
import { parseRenameRequest } from "../../shared/contract/parse_requests.ts";
import type { ProposedBatchRequest, RenameRequest } from "../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { jsonOrMarkdown } from "../../shared/http/negotiate.ts";
import { applyProposal } from "../../shared/operations/apply_proposal.ts";
import { rename } from "../../shared/operations/rename.ts";

export const definition: EndpointDefinition<RenameRequest | ProposedBatchRequest, OperationAnswer> =
  {
    method: "POST",
    changes: true,
    streams: true,
    parse: parseRenameRequest,
    run: (context, request) =>
      "batch_id" in request ? applyProposal(context, request) : rename(context, request),
    respond: jsonOrMarkdown("rename"),
  };

export default { fetch: endpoint(definition) };
