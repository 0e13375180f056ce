/** What hangs on a table, as it is kept with a migration: the analysis without its explanations. */
import { dependantsOf } from "./analysis.ts";
import type { Facts, RelationFacts } from "./facts.ts";

/** Names by kind, as in the answer of analyze; each kind is there, if only as an empty list. */
export function dependencies(table: RelationFacts, facts: Facts): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(dependantsOf(table, facts))
      .map(([kind, dependants]) => [kind, dependants.map(({ name }) => name)]),
  );
}
