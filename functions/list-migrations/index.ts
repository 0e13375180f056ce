/** GET list-migrations: tracked renames, newest first, in pages. */
import { parseListMigrationsQuery } from "../../shared/contract/parse_requests.ts";
import type { ListMigrationsQuery } from "../../shared/contract/requests.ts";
import { endpoint, type EndpointDefinition } from "../../shared/http/endpoint.ts";
import { listMigrations } from "../../shared/operations/list_migrations.ts";

export const definition: EndpointDefinition<ListMigrationsQuery> = {
  method: "GET",
  parse: parseListMigrationsQuery,
  run: listMigrations,
};

export default { fetch: endpoint(definition) };
