/** GET analyze: what depends on tables, and what a rename would do to it. */
import { parseAnalyzeQuery } from "../../shared/contract/parse_requests.ts";
import type { AnalyzeQuery } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { analyze } from "../../shared/operations/analyze.ts";

export const definition: EndpointDefinition<AnalyzeQuery> = {
  method: "GET",
  repeatable: ["schema", "schemas", "table"],
  parse: parseAnalyzeQuery,
  run: analyze,
};

export default { fetch: endpoint(definition) };
