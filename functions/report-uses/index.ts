/** POST report-uses: records how many uses of old names are left in source code. */
import { parseReportUsesRequest } from "../../shared/contract/parse_requests.ts";
import type { ReportUsesRequest } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { reportUses } from "../../shared/operations/report_uses.ts";

export const definition: EndpointDefinition<ReportUsesRequest> = {
  method: "POST",
  parse: parseReportUsesRequest,
  run: reportUses,
};

export default { fetch: endpoint(definition) };
