/** The list of migrations. */
import type { ListMigrationsQuery } from "../contract/requests.ts";
import type { ListMigrationsAnswer } from "../contract/responses.ts";
import { encodeCursor, migrationsPage } from "../tracking/list_migrations.ts";
import { migrationsFromRows } from "../tracking/migrations.ts";
import { asProblems, type OperationContext } from "./context.ts";

/**
 * One page of migrations, newest first.
 *
 * @throws {Problem} `invalid_request` for a foreign cursor, `database_unavailable`.
 */
export async function listMigrations(
  context: OperationContext,
  query: ListMigrationsQuery,
): Promise<ListMigrationsAnswer> {
  return await asProblems(async () => {
    const found = migrationsFromRows(await context.database.query(migrationsPage(query)));
    const migrations = found.slice(0, query.limit);
    const last = migrations.at(-1);
    const more = found.length > query.limit && last !== undefined;
    return { migrations, next_cursor: more ? encodeCursor(last) : null };
  });
}
