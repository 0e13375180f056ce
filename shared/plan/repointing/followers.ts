/**
 * Followers: what is built on views that go, put together from the views' facts, with the names that tables
 * must have while an object's definition is read again. A definition names a view by its old name and a table
 * by its present one; it is read when both mean the table.
 */
import { Problem } from "../../contract/problems.ts";
import type { RelationFacts } from "../facts.ts";
import { qualified } from "../quoting.ts";
import type { BuiltObject } from "./built_on.ts";
import { type LeavingView, sameColumns } from "./leaving_view.ts";
import { reasonAgainst } from "./refusals.ts";

export interface Follower {
  object: BuiltObject;
  /** The views whose going it has to survive. */
  views: LeavingView[];
  /** By the table's OID, the name it must have while the definition is read again. */
  names: Map<number, string>;
  /** Whether the definition must be printed as before: not where the columns of a table are others. */
  sameText: boolean;
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
export function followersOf(leaving: LeavingView[], moving: RelationFacts[]): Follower[] {
  const byKey = new Map<string, Follower>();
  const refused: Refused[] = leaving.flatMap(onTheViewItself);
  for (const one of leaving) {
    const { built_on } = one.view;
    if (built_on === null) throw new TypeError("what is built on the view was not asked for");
    for (const object of built_on.objects) {
      const key = [object.catalog, object.oid, object.number].join();
      const known = byKey.get(key);
      if (known === undefined) {
        byKey.set(key, { object, views: [one], names: new Map(), sameText: true });
      } else {
        known.views.push(one);
        known.object = merged(known.object, object);
      }
    }
  }
  const followers = [...byKey.values()];
  for (const follower of followers) {
    const { object, views } = follower;
    follower.sameText = views.every(sameColumns);
    const reason = reasonAgainst(object, views) ?? requireNames(follower, leaving, moving);
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
  return followers;
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
  ...(a.remade ? a : b),
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

/** Notes the names that tables must have; answers why they cannot have them, or null. */
function requireNames(
  follower: Follower,
  leaving: LeavingView[],
  moving: RelationFacts[],
): string | null {
  const used = new Set(follower.object.uses.map(({ relation }) => relation));
  const wanted = [
    ...leaving.filter(({ view }) => used.has(view.oid))
      .flatMap(({ view, table }) => table === null ? [] : [{ table, name: view.name }]),
    ...moving.filter(({ oid }) => used.has(oid)).map((table) => ({ table, name: table.name })),
  ];
  for (const { table, name } of wanted) {
    const other = follower.names.get(table.oid);
    if (other !== undefined && other !== name) {
      return `it uses one table under two names, ${qualified(table.schema, other)} and ${
        qualified(table.schema, name)
      }`;
    }
    follower.names.set(table.oid, name);
  }
  return null;
}
