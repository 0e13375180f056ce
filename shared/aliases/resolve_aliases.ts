/** Which table each old name stands for today, told from the renames that are active. */
import type { TableAlias } from "../contract/responses.ts";

/** An active migration, as far as names are concerned. */
export interface ActiveRename {
  schema_name: string;
  old_name: string;
  new_name: string;
  /** Without its view the old name does not exist. */
  compatibility_view_created: boolean;
}

/**
 * Plays the renames again, so that after a→b and b→c both a and b stand for c.
 *
 * @param renames Active ones, the earliest first.
 * @returns Sorted by schema and old name, in the order of UTF-16 code units, wherever it runs.
 */
export function resolveAliases(renames: ActiveRename[]): TableAlias[] {
  /** Old names by the name that the table has at this point of the story. */
  const oldNames = new Map<string, { schema: string; name: string; old: string[] }>();
  for (const { schema_name: schema, old_name, new_name, compatibility_view_created } of renames) {
    const from = keyOf(schema, old_name);
    const old = oldNames.get(from)?.old ?? [];
    oldNames.delete(from);
    if (compatibility_view_created) old.push(old_name);
    oldNames.set(keyOf(schema, new_name), { schema, name: new_name, old });
  }
  return [...oldNames.values()]
    .flatMap(({ schema, name, old }) =>
      old.map((old_name) => ({ schema, old_name, new_name: name }))
    )
    .sort((a, b) => compare(a.schema, b.schema) || compare(a.old_name, b.old_name));
}

const keyOf = (schema: string, name: string) => JSON.stringify([schema, name]);

const compare = (a: string, b: string) => a < b ? -1 : a > b ? 1 : 0;
