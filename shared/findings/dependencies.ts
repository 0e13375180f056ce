/** What hangs on the tables of a plan, as its answer tells it and as it is kept with a migration. */
import type { PlannedTable } from "../contract/responses.ts";
import { type Dependants, dependantsOf } from "./analysis.ts";
import { textsByTable } from "./analyzed_texts.ts";
import type { RelationFacts } from "../facts/facts.ts";
import type { RenamePlan } from "../plan/rename.ts";

/**
 * Each table of a rename's plan, in its order, with what the rename does to what hangs on it; kinds of which
 * there are none are left out.
 */
export function renamedTables(plan: RenamePlan): PlannedTable[] {
  const dependants = dependantsByTable(plan);
  return plan.tables.map(({ rename, view }, index) => ({
    ...rename,
    compatibility_view: view !== null,
    dependants: Object.fromEntries(
      Object.entries(dependants[index]).filter(([, objects]) => objects.length > 0),
    ),
  }));
}

function dependantsByTable(plan: RenamePlan): Dependants[] {
  const texts = textsByTable(plan.texts);
  return plan.tables.map(({ facts: table, view }) => {
    const read = texts.get(table.oid)?.read ?? [];
    const served = view !== null && view.rowCast !== null;
    return dependantsOf(table, plan.facts, { read, findings: plan.findings, served });
  });
}

/** Names by kind for each table of a plan, in its order; each kind is there, if only as an empty list. */
export function dependencies(plan: RenamePlan): Record<string, string[]>[] {
  return dependantsByTable(plan).map((dependants) =>
    Object.fromEntries(
      Object.entries(dependants).map(([kind, objects]) => [kind, objects.map(({ name }) => name)]),
    )
  );
}

/**
 * A tracked rename whose view goes or is made again, with what is built on the view.
 *
 * @param stays Whether the view stays the object that it is, so that nothing has to be repointed.
 */
export function leavingTable(
  { schema_name, old_name, new_name }: { schema_name: string; old_name: string; new_name: string },
  view: Pick<RelationFacts, "built_on"> | null,
  stays = false,
): PlannedTable {
  const objects = view?.built_on?.objects ?? [];
  return {
    schema: schema_name,
    old_name,
    new_name,
    compatibility_view: view !== null,
    dependants: {
      built_on_view: objects.map(({ kind, identity, recreated }) => ({
        name: `${kind} ${identity}`,
        effect: stays ? "follows" as const : "handled" as const,
        detail: recreated && !stays ? "It is made again." : null,
      })),
    },
  };
}
