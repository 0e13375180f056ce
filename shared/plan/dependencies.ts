/** What hangs on a table, as it is kept with a migration: the analysis without its explanations. */
import { dependantsOf } from "./analysis.ts";
import { textsByTable } from "./analyzed_texts.ts";
import type { RenamePlan } from "./rename.ts";

/** Names by kind for each table of a plan, in its order; each kind is there, if only as an empty list. */
export function dependencies(plan: RenamePlan): Record<string, string[]>[] {
  const texts = textsByTable(plan.facts, plan.texts);
  return plan.tables.map(({ facts: table, view }) => {
    const read = texts.get(table.oid)?.read ?? [];
    const served = view !== null && view.rowCast !== null;
    const dependants = dependantsOf(table, plan.facts, { read, findings: plan.findings, served });
    return Object.fromEntries(
      Object.entries(dependants).map(([kind, objects]) => [kind, objects.map(({ name }) => name)]),
    );
  });
}
