/** POST verify: tests whether an old name still works like its table; changes nothing. */
import { parseVerifyRequest } from "../../shared/contract/parse_requests.ts";
import type { VerifyRequest } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { represented } from "../../shared/http/negotiate.ts";
import { type Verified, verify } from "../../shared/operations/verify.ts";
import { compatibilityInMarkdown } from "../../shared/report/compatibility.ts";

export const definition: EndpointDefinition<VerifyRequest, Verified> = {
  method: "POST",
  streams: true,
  parse: parseVerifyRequest,
  run: verify,
  body: ({ answer }) => answer,
  respond: ({ answer, migration, table }, request) =>
    represented(request, [
      { type: "application/json", body: JSON.stringify(answer) },
      { type: "text/markdown", body: compatibilityInMarkdown(migration, table, answer) },
    ]),
};

export default { fetch: endpoint(definition) };
