/**
 * Compatibility views that go: what rollback and finalize have in common. Views, what is built on them, and
 * tables are locked; then it is looked again; then definitions are read in while the old names mean the
 * tables; then the views are dropped; then the tables get the names they will have.
 */
import type { LocatedMigration } from "../facts/migration.ts";
import type { Finding, Statement } from "../contract/responses.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { byName, nameDigest } from "../sql/name_digest.ts";
import type { LockStatement, PlanStatement } from "../plan/plan.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { dropRowType } from "../plan/row_type.ts";
import { dropScanCounter } from "../plan/scan_counter.ts";
import type { Dependent } from "./dependents.ts";
import { lockAlone, repointing } from "./repoint.ts";

export interface ViewsGoing {
  dependents: Dependent[];
  preparations: PlanStatement[];
  locks: LockStatement[];
  changes: Statement[];
  findings: Finding[];
}

/** A table and the name that it gets. */
export interface Naming {
  table: RelationFacts;
  name: string;
}

/**
 * Plans how the views of `steps` go.
 *
 * @param end The names that the tables have in the end, in the order in which they get them.
 * @throws {Problem} `dependants_cannot_follow`.
 */
export function viewsGoing(
  steps: LocatedMigration[],
  end: Naming[],
  sessionUser: string,
): ViewsGoing {
  const tables = [...new Set(steps.map(({ table }) => table))];
  const leaving = steps.flatMap(({ table, view }) =>
    view === null ? [] : [{ view, table, columns: table.columns }]
  );
  const names = new Map(tables.map((table) => [table.oid, table.name]));
  const last = new Map(end.map(({ table, name }) => [table.oid, name]));
  const plan = repointing(leaving, tables, names, sessionUser);
  const withDependents = plan.dependents.length > 0;
  const views = leaving.map(({ view }) => view);
  const nameOf = (view: RelationFacts) => withDependents ? setAsideName(view) : view.name;

  const changes: Statement[] = leaving.length > 0 ? [plan.lookAgain.statement] : [];
  if (withDependents) {
    changes.push(
      ...plan.aside,
      ...views.map((view) => ({
        sql: `alter view ${qualified(view.schema, view.name)} rename to ${
          ident(setAsideName(view))
        }`,
        purpose: "Take the compatibility view out of the way",
      })),
      ...plan.again,
      ...plan.drop,
    );
  }
  for (const { view, table } of leaving) {
    const present = { view: nameOf(view), table: names.get(table.oid)! };
    changes.push(...dropRowType(view, present), {
      sql: `drop view ${qualified(view.schema, nameOf(view))} restrict`,
      purpose: "Remove the compatibility view",
    }, ...dropScanCounter(view));
  }
  for (const { table, name } of end) {
    const present = names.get(table.oid)!;
    // A table that has its last name already does not go through those before.
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
    preparations: leaving.length > 0 ? plan.preparations : [],
    locks: locks(views, plan.locks, moved),
    changes,
    findings: plan.findings,
  };
}

/** The name that a view has while its own means the table. */
export const setAsideName = ({ schema, name }: RelationFacts) =>
  `__compatibility_view_${nameDigest(schema, name)}`;

/**
 * The views first, since that is the order in which queries lock; a view is locked alone, where LOCK TABLE
 * would go on to the table and, of a partitioned one, to every partition. The first view and the first table
 * are waited for, half of the lock timeout each; nothing else is waited for.
 */
function locks(
  views: RelationFacts[],
  dependants: LockStatement[],
  tables: RelationFacts[],
): LockStatement[] {
  const half = views.length > 0 && tables.length > 0 ? 0.5 : 1;
  const statements: LockStatement[] = views.toSorted(byName).map((view, index) => ({
    sql: lockAlone(view),
    purpose: "Lock the compatibility view alone, as setting the owner that it has does",
    timeout_share: index === 0 ? half : 0,
  }));
  statements.push(...dependants);
  const [first, ...rest] = tables.toSorted(byName)
    .map((table) => `only ${qualified(table.schema, table.name)}`);
  if (first !== undefined) {
    statements.push({
      sql: `lock table ${first} in access exclusive mode`,
      purpose: "Lock the first table, waiting no longer than the lock timeout",
      timeout_share: half,
    });
  }
  if (rest.length > 0) {
    statements.push({
      sql: `lock table ${rest.join(", ")} in access exclusive mode nowait`,
      purpose: "Lock the other tables without waiting",
      timeout_share: 0,
    });
  }
  return statements;
}
