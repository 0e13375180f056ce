/** What rollback and finalize have in common: compatibility views are dropped, and what was built on them stays. */
import { dropViews, type TableName } from "../../dependents/dropped_views.ts";
import type { Facts, RelationFacts } from "../../facts/facts.ts";
import type { LocatedMigration } from "../../facts/migration.ts";
import { type LockNeeds, reloadSchemaCache } from "../plan.ts";
import { notOwner } from "../refusals.ts";
import type { Check, ExpectedRelation } from "../verification/checks.ts";
import { viewOnlyChanges } from "../view_only_changes.ts";

export interface RemoveViewsOptions {
  acknowledge: string[];
  /** Whether privileges that were changed on a view alone are changed on the table, too. Default: they are lost. */
  carryPrivileges?: boolean;
}

/**
 * @param end The names that the tables have in the end, in the order in which they get them.
 * @param checks Of the outcome, beside that of carried privileges.
 * @throws {Problem} `dependants_cannot_follow`.
 */
export function removeViews(
  steps: LocatedMigration[],
  end: TableName[],
  { session: { user } }: Facts,
  { carryPrivileges = false }: RemoveViewsOptions,
  checks: Check[],
) {
  const lastNames = new Map(end.map(({ table, name }) => [table, name]));
  const dropped = dropViews(steps, end, user);
  const only = viewOnlyChanges(steps, carryPrivileges, user, (table) => lastNames.get(table)!);
  const all = only.check === null ? checks : [...checks, only.check];
  return {
    preparations: [dropped, ...all].flatMap(({ preparations }) => preparations),
    locks: dropped.locks,
    changes: [
      ...dropped.changes,
      ...only.statements,
      ...all.map(({ statement }) => statement),
      reloadSchemaCache,
    ],
    findings: dropped.findings,
    lockNeeds: {
      perTable: steps.map(({ view }) => 1 + (view === null ? 0 : lockEntries(view))),
      others: dropped.dependents.length * ENTRIES_OF_DEPENDENT,
    } satisfies LockNeeds,
    /** By step. */
    viewOnlyFindings: only.findings,
    dependents: dropped.dependents,
    afterwards: only.afterwards,
  };
}

/** What is recreated is locked, perhaps with its rule, its two types and its indexes. */
const ENTRIES_OF_DEPENDENT = 6;

/**
 * DROP VIEW locks each object that goes with the view, until the commit: its rule, row type and array type, and every
 * column's default. So do the drops of its cast and of its counter.
 */
const lockEntries = ({ columns, row_type, scan_counter }: RelationFacts): number =>
  4 + columns.filter((column) => column.default !== null).length + 2 * row_type.casts.length +
  (scan_counter === null ? 0 : 3);

/** @throws {Problem} `not_table_owner`, unless the session's role can rename the tables and drop the views. */
export function requireOwned(steps: LocatedMigration[]): void {
  const relations = steps.flatMap(({ table, view }) => view === null ? [table] : [table, view]);
  const foreign = relations.find(({ owned }) => !owned);
  if (foreign !== undefined) throw notOwner(foreign);
}

export const expectedRelation = (
  { oid, schema, kind }: RelationFacts,
  name: string,
): ExpectedRelation => ({ oid, schema, name, kind });
