/**
 * The order in which definitions are read again: each after what is made again and it depends on, and in as
 * few moments as possible, a moment being a time in which the tables keep their names.
 */
import type { Dependent } from "./dependents.ts";

export interface Moment {
  /** Names that tables get before, by OID: only those that have another one. */
  moves: [table: number, name: string][];
  dependents: Dependent[];
}

/** Who has to be made again before; OIDs of different catalogs may be the same. */
function prerequisites(dependent: Dependent, dependents: Dependent[]): Dependent[] {
  const { object } = dependent;
  return dependents.filter((other) =>
    other !== dependent && other.object.recreated &&
    object.uses.some((used) =>
      other.object.catalog === "pg_proc"
        ? used.routine === other.object.oid
        : used.relation === other.object.oid
    )
  );
}

/**
 * @param names What the tables are called to begin with, by OID; what they are called in the end is left in it.
 * @returns The moments, and what could not be brought into an order, since it stands on itself.
 */
export function inMoments(
  dependents: Dependent[],
  names: Map<number, string>,
): { moments: Moment[]; circular: Dependent[] } {
  const before = new Map(dependents.map((one) => [one, prerequisites(one, dependents)]));
  const moments: Moment[] = [];
  const done = new Set<Dependent>();
  let rest = dependents;
  const isReady = (one: Dependent) => before.get(one)!.every((other) => done.has(other));
  const movesFor = (one: Dependent) =>
    [...one.names].filter(([table, name]) => names.get(table) !== name);
  while (rest.length > 0) {
    const ready = rest.filter(isReady);
    if (ready.length === 0) return { moments, circular: rest };
    let current = moments.at(-1);
    let fitting = ready.filter((one) => movesFor(one).length === 0);
    if (current === undefined || fitting.length === 0) {
      current = { moves: movesFor(ready[0]), dependents: [] };
      moments.push(current);
      for (const [table, name] of current.moves) names.set(table, name);
      fitting = ready.filter((one) => movesFor(one).length === 0);
    }
    current.dependents.push(...fitting);
    fitting.forEach((one) => done.add(one));
    rest = rest.filter((one) => !done.has(one));
  }
  return { moments, circular: [] };
}
