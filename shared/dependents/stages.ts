/**
 * The order in which definitions are read again: each after the recreated objects that it depends on, and in as
 * few stages as possible. Within a stage the tables keep their names.
 */
import type { Dependent } from "./dependents.ts";

export interface Stage {
  /** Names that tables get before it, by OID; only those that change. */
  renames: [table: number, name: string][];
  dependents: Dependent[];
}

/** What must be recreated before. OIDs are unique within one catalog only. */
function prerequisites(dependent: Dependent, dependents: Dependent[]): Dependent[] {
  return dependents.filter((other) =>
    other !== dependent && other.object.recreated &&
    dependent.object.uses.some(({ routine, relation }) =>
      other.object.oid === (other.object.catalog === "pg_proc" ? routine : relation)
    )
  );
}

/**
 * @param names The names of the tables at the beginning, by OID; updated to those at the end.
 * @returns The stages, and the dependents that have no order because they depend on each other.
 */
export function inStages(
  dependents: Dependent[],
  names: Map<number, string>,
): { stages: Stage[]; circular: Dependent[] } {
  const before = new Map(dependents.map((one) => [one, prerequisites(one, dependents)]));
  const stages: Stage[] = [];
  const done = new Set<Dependent>();
  let rest = dependents;
  const isReady = (one: Dependent) => before.get(one)!.every((other) => done.has(other));
  const renamesFor = (one: Dependent) =>
    [...one.names].filter(([table, name]) => names.get(table) !== name);
  const needsNoRename = (one: Dependent) => renamesFor(one).length === 0;
  while (rest.length > 0) {
    const ready = rest.filter(isReady);
    if (ready.length === 0) return { stages, circular: rest };
    let stage = stages.at(-1);
    if (stage === undefined || !ready.some(needsNoRename)) {
      stage = { renames: renamesFor(ready[0]), dependents: [] };
      stages.push(stage);
      for (const [table, name] of stage.renames) names.set(table, name);
    }
    const fitting = ready.filter(needsNoRename);
    stage.dependents.push(...fitting);
    fitting.forEach((one) => done.add(one));
    rest = rest.filter((one) => !done.has(one));
  }
  return { stages, circular: [] };
}
