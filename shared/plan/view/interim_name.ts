/**
 * The name that a new compatibility view has until its own is free. The view is made before the locks that clients
 * feel, while the table still has the old name; under the locks it is only renamed.
 */
import type { Facts } from "../../facts/facts.ts";
import { nameDigest } from "../../sql/name_digest.ts";

/** Begins interim names, and the names of nothing else. */
export const INTERIM_PREFIX = "table_rename_view_";

/** @param name The view's name in the end. Of it, a name of at most 63 bytes; it is another one where it is taken. */
export function interimName(
  { schema, name }: { schema: string; name: string },
  { interim_taken }: Pick<Facts, "interim_taken">,
): string {
  const first = INTERIM_PREFIX + nameDigest(schema, name);
  const taken = new Set(
    interim_taken.filter((one) => one.schema === schema).map((one) => one.name),
  );
  let free = first;
  for (let number = 2; taken.has(free); number++) free = `${first}_${number}`;
  return free;
}
