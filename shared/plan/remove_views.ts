/** What rollback and finalize have in common: compatibility views are dropped, and what was built on them stays. */
import { dropViews, type TableName } from "../dependents/dropped_views.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import type { LocatedMigration } from "../facts/migration.ts";
import { reloadSchemaCache } from "./plan.ts";
import { notOwner } from "./refusals.ts";
import type { Check, ExpectedRelation } from "./verification/checks.ts";
import { viewOnlyChanges } from "./view_only_changes.ts";

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
    /** By step. */
    viewOnlyFindings: only.findings,
    dependents: dropped.dependents,
    afterwards: only.afterwards,
  };
}

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
