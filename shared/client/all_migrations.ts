/** All tracked renames, however many pages they are. */
import type { ListMigrationsInput } from "../contract/requests.ts";
import type { Migration } from "../contract/responses.ts";
import type { RenameClient } from "./client.ts";

const LARGEST_PAGE = 200;
const LARGEST_WITH_INCLUDE = 1_000;

export type MigrationsQuery = Omit<ListMigrationsInput, "limit" | "cursor">;

/**
 * The migrations of which the query is true, newest first.
 *
 * @throws {RenameError} A page is refused, or not answered.
 */
export async function allMigrations(
  client: RenameClient,
  query: MigrationsQuery,
): Promise<Migration[]> {
  const limit = query.include === undefined ? LARGEST_PAGE : LARGEST_WITH_INCLUDE;
  const found: Migration[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listMigrations({ ...query, limit, cursor });
    found.push(...page.migrations);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}
