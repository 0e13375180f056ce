/** Which tables a project has, and which of them refer to each other. */
import type { RenameClient } from "../../client/client.ts";
import { keyOf } from "../../contract/new_names.ts";
import type { AnalyzedTable } from "../../contract/responses.ts";

/** Most schemas of one request: their names are part of its URL. */
const SCHEMAS_AT_ONCE = 50;

/**
 * The tables of the schemas, in the order of their names.
 *
 * @param schemas Names, or patterns in which `*` is any text.
 * @throws {RenameError} There is no schema with a name that is no pattern, or it cannot be asked for.
 */
export async function tablesOf(
  client: RenameClient,
  schemas: string[],
): Promise<AnalyzedTable[]> {
  const [patterns, names] = [true, false].map((wanted) =>
    [...new Set(schemas)].filter((schema) => schema.includes("*") === wanted)
  );
  const found = new Map<string, AnalyzedTable>();
  for (const [field, all] of [["schema", names], ["schemas", patterns]] as const) {
    for (let start = 0; start < all.length; start += SCHEMAS_AT_ONCE) {
      const some = all.slice(start, start + SCHEMAS_AT_ONCE);
      const { tables } = await client.analyze({ detail: "names", [field]: some });
      for (const one of tables) found.set(keyOf(one.schema, one.table), one);
    }
  }
  return [...found.values()].toSorted((a, b) =>
    compared(a.schema, b.schema) || compared(a.table, b.table)
  );
}

/** The order of code units, which is the same on every machine. */
export const compared = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;
