/**
 * Drops compatibility views, as rollback and finalize do: views, what is built on them, and tables are locked;
 * everything is checked again; definitions are read in while the old names mean the tables; then the views are
 * dropped, and the tables get their final names.
 */
import type { Statement } from "../contract/responses.ts";
import type { RelationFacts } from "../facts/facts.ts";
import type { LocatedMigration } from "../facts/migration.ts";
import { type LockStatement, lockTables } from "../plan/plan.ts";
import { dropRowType } from "../plan/view/row_type.ts";
import { dropScanCounter } from "../plan/view/scan_counter.ts";
import { byName, nameDigest } from "../sql/name_digest.ts";
import { ident, qualified } from "../sql/quoting.ts";

import { lockAlone, repoint, type RepointPlan } from "./repoint.ts";

interface DropViewsPlan
  extends Pick<RepointPlan, "dependents" | "preparations" | "locks" | "findings"> {
  changes: Statement[];
}

export interface TableName {
  table: RelationFacts;
  name: string;
}

/**
 * Plans how the views of `steps` are dropped.
 *
 * @param end The tables' final names, in the order in which they get them.
 * @throws {Problem} `dependants_cannot_follow`.
 */
export function dropViews(
  steps: LocatedMigration[],
  end: TableName[],
  sessionUser: string,
): DropViewsPlan {
  const tables = [...new Set(steps.map(({ table }) => table))];
  const dropped = steps.flatMap(({ table, view }) =>
    view === null ? [] : [{ view, table, columns: table.columns }]
  );
  const names = new Map(tables.map((table) => [table.oid, table.name]));
  const last = new Map(end.map(({ table, name }) => [table.oid, name]));
  const plan = repoint(dropped, tables, names, sessionUser);
  const withDependents = plan.dependents.length > 0;
  const nameOf = (view: RelationFacts) => withDependents ? setAsideName(view) : view.name;

  const changes: Statement[] = dropped.length > 0 ? [plan.recheck.statement] : [];
  if (withDependents) {
    changes.push(
      ...plan.setAside,
      ...dropped.map(({ view }) => setViewAside(view)),
      ...plan.recreate,
      ...plan.dropOld,
    );
  }
  for (const { view, table } of dropped) {
    const present = { view: nameOf(view), table: names.get(table.oid)! };
    changes.push(...dropRowType(view, present), {
      sql: `drop view ${qualified(view.schema, nameOf(view))} restrict`,
      purpose: "Drop the compatibility view",
    }, ...dropScanCounter(view));
  }
  for (const { table, name } of end) {
    const present = names.get(table.oid)!;
    // A table that already has its final name does not get the names in between.
    if (present === name || present === last.get(table.oid)) continue;
    changes.push({
      sql: `alter table ${qualified(table.schema, present)} rename to ${ident(name)}`,
      purpose: "Give the table its name",
    });
    names.set(table.oid, name);
  }
  const moved = tables.filter((table) => withDependents || last.get(table.oid) !== table.name);
  return {
    dependents: plan.dependents,
    preparations: dropped.length > 0 ? plan.preparations : [],
    locks: locks(dropped.map(({ view }) => view), plan.locks, moved),
    changes,
    findings: plan.findings,
  };
}

/** The name that a view has while the table has the view's. */
export const setAsideName = ({ schema, name }: RelationFacts) =>
  `__compatibility_view_${nameDigest(schema, name)}`;

const setViewAside = (view: RelationFacts): Statement => ({
  sql: `alter view ${qualified(view.schema, view.name)} rename to ${ident(setAsideName(view))}`,
  purpose: "Move the compatibility view out of the way",
});

/** Locks a compatibility view, waiting for up to `timeout_share` of the lock timeout. */
const lockView = (view: RelationFacts, timeout_share: number): LockStatement => ({
  sql: lockAlone(view),
  purpose: "Lock the compatibility view alone, by setting the owner that it already has",
  timeout_share,
  relations: [view.oid],
});

/**
 * The views first, because queries lock in that order. Of an attempt's time, the first view and the first table may
 * wait half each.
 */
function locks(
  views: RelationFacts[],
  dependents: LockStatement[],
  tables: RelationFacts[],
): LockStatement[] {
  const half = views.length > 0 && tables.length > 0 ? 0.5 : 1;
  return [
    ...views.toSorted(byName).map((view, index) => lockView(view, index === 0 ? half : 0)),
    ...dependents,
    ...lockTables(tables, half),
  ];
}
