/** Which table each old name refers to now, according to the active renames. */
import type { TableAlias } from "../contract/responses.ts";

/** The names of an active migration. */
export interface ActiveRename {
  schema_name: string;
  old_name: string;
  new_name: string;
  /** Without a view the old name does not exist. */
  compatibility_view_created: boolean;
}

/**
 * Applies the renames one after the other, so that after a→b and b→c both a and b refer to c.
 *
 * @param renames Active ones, the earliest first.
 * @returns Sorted by schema and old name, by UTF-16 code units, so that the order is the same everywhere.
 */
export function resolveAliases(renames: ActiveRename[]): TableAlias[] {
  /** The old names of each table, by its name at this point. */
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
