/**
 * Collects what is built on dropped views, with the names that tables must have while a definition is read
 * again: it names a view by the old name and a table by its present one, and is read when both mean the table.
 */
import { Problem } from "../contract/problems.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { listed } from "../findings/wording.ts";
import { qualified } from "../sql/quoting.ts";
import { renameCasts } from "./definitions.ts";
import { type Dependent, type DroppedView, sameColumns } from "./dependents.ts";
import { refusalReason } from "./refusals.ts";

/** Why one object cannot follow, as callers get it. */
export interface Refused {
  view: string;
  kind: string;
  identity: string;
  reason: string;
}

/**
 * Everything that is built on the views, in no order.
 *
 * @param moving Every table that is renamed meanwhile, with its present name.
 * @throws {Problem} `dependants_cannot_follow` with `dependants`: the whole list, with a reason each.
 */
export function dependentsOf(dropped: DroppedView[], moving: RelationFacts[]): Dependent[] {
  const byKey = new Map<string, Dependent>();
  for (const one of dropped) {
    const { built_on } = one.view;
    if (built_on === null) throw new TypeError("the facts lack what is built on the view");
    for (const object of built_on.objects) {
      const key = [object.catalog, object.oid, object.number].join();
      const known = byKey.get(key);
      if (known === undefined) {
        byKey.set(key, { object, views: [one], names: new Map(), printed: null });
      } else {
        known.views.push(one);
        known.object = merged(known.object, object);
      }
    }
  }
  const dependents = [...byKey.values()];
  const refused = dependents.flatMap((dependent) => {
    const reason = refusalReason(dependent.object, dependent.views) ?? renameRowType(dependent) ??
      requireNames(dependent, moving);
    return reason === null ? [] : [refusedFor(dependent, reason)];
  });
  refuse([...dropped.flatMap(onTheViewItself), ...refused]);
  return dependents;
}

export const refusedFor = ({ object, views: [{ view }] }: Dependent, reason: string): Refused => ({
  view: qualified(view.schema, view.name),
  kind: object.kind,
  identity: object.identity,
  reason,
});

const MAX_NAMED = 5;

/** @throws {Problem} `dependants_cannot_follow`, unless the list is empty. */
export function refuse(refused: Refused[]): void {
  if (refused.length === 0) return;
  const named = refused.map(({ kind, identity, reason }) => `${kind} ${identity} (${reason})`);
  throw new Problem(
    "dependants_cannot_follow",
    "Objects built on the compatibility view cannot be made to depend on the table: " +
      `${listed(named, MAX_NAMED)}.`,
    {
      hint: "Recreate each on the table's new name, or drop it, then call again.",
      fields: { dependants: refused },
    },
  );
}

/** The same object may be kept as seen from one view, and be recreated as seen from another. */
const merged = (a: BuiltObject, b: BuiltObject): BuiltObject => ({
  ...(a.recreated ? a : b),
  whole_rows: a.whole_rows || b.whole_rows,
});

/** Triggers and rules on the view itself have nothing to be moved to. */
function onTheViewItself({ view }: DroppedView): Refused[] {
  const of = qualified(view.schema, view.name);
  const refused = (kind: string) => ({ name }: { name: string }) => ({
    view: of,
    kind,
    identity: `${name} on ${of}`,
    reason: "it is on the view itself and would be dropped with it",
  });
  return [...view.triggers.map(refused("trigger")), ...view.rules.map(refused("rule"))];
}

/** The views that an object uses itself, not through an object that is recreated. */
const usedViews = ({ object, views }: Dependent) =>
  views.filter(({ view }) => object.uses.some(({ relation }) => relation === view.oid));

/** Makes casts to a table's row type use its old name; returns why that is not enough, or null. */
function renameRowType(dependent: Dependent): string | null {
  let casts = 0;
  for (const { view, table } of usedViews(dependent)) {
    const type = view.built_on!.table_type;
    if (table === null || type === null) continue;
    const { definition, uses } = dependent.object;
    const renamed = renameCasts(definition!, type, qualified(view.schema, view.name));
    if (renamed.mentions > 0 && uses.some(({ relation }) => relation === table.oid)) {
      return twoNames(table, view.name, table.name);
    }
    casts += renamed.casts;
    dependent.object = { ...dependent.object, definition: renamed.definition };
  }
  // For other columns the server may print aliases that it did not need before.
  if (!dependent.views.every(sameColumns)) dependent.printed = null;
  else if (casts === 0) dependent.printed = "as before";
  else dependent.printed = dependent.views.length === 1 ? "without casts" : null;
  return null;
}

/** Notes the names that tables must have; returns why they cannot have them, or null. */
function requireNames(dependent: Dependent, moving: RelationFacts[]): string | null {
  const { uses } = dependent.object;
  const used = usedViews(dependent);
  const wanted = [
    ...used.flatMap(({ view, table }) => table === null ? [] : [{ table, name: view.name }]),
    ...moving.filter(({ oid }) => {
      // Its row type is named by the old name by now (renameRowType).
      const renamed = used.some(({ table }) => table?.oid === oid);
      return uses.some(({ relation, row_type }) => relation === oid && !(row_type && renamed));
    }).map((table) => ({ table, name: table.name })),
  ];
  for (const { table, name } of wanted) {
    const other = dependent.names.get(table.oid);
    if (other !== undefined && other !== name) return twoNames(table, other, name);
    dependent.names.set(table.oid, name);
  }
  return null;
}

const twoNames = ({ schema }: RelationFacts, one: string, other: string) =>
  `it uses one table under two names, ${qualified(schema, one)} and ${qualified(schema, other)}`;
