/** The old names of renamed tables, as pairs and as the TypeScript that makes them compile. */
import { type ActiveRename, resolveAliases } from "../aliases/resolve_aliases.ts";
import { tableAliasesFile } from "../aliases/table_aliases_file.ts";
import type { TableAliasesQuery } from "../contract/requests.ts";
import type { TableAliasesAnswer } from "../contract/responses.ts";
import { activeRenames } from "../tracking/read_migrations.ts";
import { asProblems, type OperationContext } from "./steps/context.ts";

export interface FoundAliases {
  answer: TableAliasesAnswer;
  /** table-aliases.ts. */
  source: string;
}

/**
 * Every old name that a compatibility view keeps, with the name that its table has today.
 *
 * @throws {Problem} `database_unavailable`.
 */
export async function tableAliases(
  context: OperationContext,
  query: TableAliasesQuery,
): Promise<FoundAliases> {
  return await asProblems(async () => {
    const renames = await context.database.query(activeRenames(query.schema));
    const aliases = resolveAliases(renames as unknown as ActiveRename[]);
    return { answer: { aliases }, source: tableAliasesFile(aliases) };
  });
}
