/** GET table-aliases: TypeScript that gives renamed tables their old names back, or the names as JSON. */
import { parseTableAliasesQuery } from "../../shared/contract/parse_requests.ts";
import type { TableAliasesQuery } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { negotiated } from "../../shared/http/negotiate.ts";
import { type FoundAliases, tableAliases } from "../../shared/operations/table_aliases.ts";

export const definition: EndpointDefinition<TableAliasesQuery, FoundAliases> = {
  method: "GET",
  parse: parseTableAliasesQuery,
  run: tableAliases,
  respond: ({ answer, source }, request) =>
    negotiated(request, [
      { type: "text/plain", body: source },
      { type: "application/json", body: JSON.stringify(answer) },
    ]),
};

export default { fetch: endpoint(definition) };
