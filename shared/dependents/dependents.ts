/**
 * Dependents: what is built on views that go, put together from the views' facts, with the names that tables
 * must have while an object's definition is read again. A definition names a view by its old name and a table
 * by its present one; it is read when both mean the table.
 */
import { Problem } from "../contract/problems.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { qualified } from "../sql/quoting.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import { type LeavingView, sameColumns } from "./leaving_view.ts";
import { reasonAgainst } from "./refusals.ts";
import { renameCasts } from "./row_casts_in_texts.ts";

export interface Dependent {
  object: BuiltObject;
  /** The views whose going it has to survive. */
  views: LeavingView[];
  /** By the table's OID, the name it must have while the definition is read again. */
  names: Map<number, string>;
  /** How the definition must be printed afterwards; null: that cannot be told. */
  printed: "as before" | "without casts" | null;
}

/** What stands in the way of one object, as callers get it. */
export interface Refused {
  view: string;
  kind: string;
  identity: string;
  reason: string;
}

/**
 * Everything that is built on the views, in no order.
 *
 * @param moving Every table whose name changes in the course of it, with its present name.
 * @throws {Problem} `dependants_cannot_follow` with `dependants`: the whole list, with a reason each.
 */
export function dependentsOf(leaving: LeavingView[], moving: RelationFacts[]): Dependent[] {
  const byKey = new Map<string, Dependent>();
  const refused: Refused[] = leaving.flatMap(onTheViewItself);
  for (const one of leaving) {
    const { built_on } = one.view;
    if (built_on === null) throw new TypeError("what is built on the view was not asked for");
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
  for (const dependent of dependents) {
    const { object, views } = dependent;
    const reason = reasonAgainst(object, views) ?? renameRowType(dependent) ??
      requireNames(dependent, moving);
    if (reason !== null) {
      refused.push({
        view: qualified(views[0].view.schema, views[0].view.name),
        kind: object.kind,
        identity: object.identity,
        reason,
      });
    }
  }
  refuse(refused);
  return dependents;
}

/** @throws {Problem} `dependants_cannot_follow`, unless there are none. */
export function refuse(refused: Refused[]): void {
  if (refused.length === 0) return;
  const shown = refused.slice(0, 5)
    .map(({ kind, identity, reason }) => `${kind} ${identity} (${reason})`);
  throw new Problem(
    "dependants_cannot_follow",
    `Something was built on the compatibility view and cannot follow the table: ${
      shown.join(", ")
    }` + (refused.length > shown.length ? ` and ${refused.length - shown.length} more.` : "."),
    {
      hint: "Recreate each on the table's new name, or drop it, then call again.",
      fields: { dependants: refused },
    },
  );
}

/** Seen from one view an object may be left in place, from another it is made again. */
const merged = (a: BuiltObject, b: BuiltObject): BuiltObject => ({
  ...(a.recreated ? a : b),
  whole_rows: a.whole_rows || b.whole_rows,
});

/** Triggers and rules of the view's own have nothing to follow to. */
function onTheViewItself({ view }: LeavingView): Refused[] {
  const of = qualified(view.schema, view.name);
  const refused = (kind: string) => ({ name }: { name: string }) => ({
    view: of,
    kind,
    identity: `${name} on ${of}`,
    reason: "it is on the view itself and would go with it",
  });
  return [...view.triggers.map(refused("trigger")), ...view.rules.map(refused("rule"))];
}

/** The views that an object uses itself, not by way of something that is made again. */
const usedViews = ({ object, views }: Dependent) =>
  views.filter(({ view }) => object.uses.some(({ relation }) => relation === view.oid));

/** Has casts to a table's row type go to it by its old name; answers why that is not enough, or null. */
function renameRowType(dependent: Dependent): string | null {
  let casts = 0;
  for (const { view, table } of usedViews(dependent)) {
    const type = view.built_on!.table_type;
    if (table === null || type === null) continue;
    const renamed = renameCasts(
      dependent.object.definition!,
      type,
      qualified(view.schema, view.name),
    );
    const usesType = dependent.object.uses.some(({ relation }) => relation === table.oid);
    if (usesType && renamed.mentions > 0) return twoNames(table, view.name, table.name);
    casts += renamed.casts;
    dependent.object = { ...dependent.object, definition: renamed.definition };
  }
  // With other columns the server may print aliases that it had no need of before.
  dependent.printed = !dependent.views.every(sameColumns)
    ? null
    : casts === 0
    ? "as before"
    : dependent.views.length === 1
    ? "without casts"
    : null;
  return null;
}

/** Notes the names that tables must have; answers why they cannot have them, or null. */
function requireNames(dependent: Dependent, moving: RelationFacts[]): string | null {
  const { uses } = dependent.object;
  const used = usedViews(dependent);
  const wanted = [
    ...used.flatMap(({ view, table }) => table === null ? [] : [{ table, name: view.name }]),
    ...moving.filter(({ oid }) => {
      // What is said of its row type only is said by its old name by now.
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
