/** All tracked renames, however many pages they are. */
import type { RenameClient } from "../../client/client.ts";
import { findPhase } from "./phases.ts";
import { byOldName, statesOf } from "./status.ts";
import type { ListMigrationsInput } from "../../contract/requests.ts";
import type { CommandContext } from "../context.ts";
import type { Migration } from "../../contract/responses.ts";

const LARGEST_PAGE = 200;
const LARGEST_WITH_INCLUDE = 1_000;

/** The migrations of which the query is true, newest first. */
export async function allMigrations(
  client: RenameClient,
  query: Omit<ListMigrationsInput, "limit" | "cursor">,
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

/** Those of the migrations that are of a phase of the project file. */
export async function ofPhase(
  context: CommandContext,
  client: RenameClient,
  phase: string,
  migrations: Migration[],
): Promise<Migration[]> {
  const { wanted, tables } = await findPhase(context, client, phase);
  const ids = new Set(
    statesOf(wanted, tables, byOldName(migrations)).flatMap(({ state, migration }) =>
      state === "other" ? [] : migration?.id ?? []
    ),
  );
  return migrations.filter(({ id }) => ids.has(id));
}
