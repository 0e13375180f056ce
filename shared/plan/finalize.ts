/**
 * The plan of a finalize: the compatibility view goes for good, what was built on it is made to depend on the
 * table, and the table keeps its name. The way back, to the old name, is `rollback.ts`.
 */
import type { RecordedRename, TrackedRename } from "../facts/migration.ts";
import { checkFree, checkRelations } from "./verification/checks.ts";
import { locateRelations } from "../drift/drift.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { viewOnlyChanges } from "./view_only_changes.ts";
import { makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { dropViews } from "../dependents/dropped_views.ts";
import { expected, type PlanOptions, requireOwned } from "./rollback.ts";

export interface FinalizePlan extends Plan {
  tables: FinalizedTable[];
}

export interface FinalizedTable {
  migration: RecordedRename;
  /**
   * The table as it is to be; a later rename may have given it another name than this migration did.
   */
  facts: RelationFacts;
  /** The view that goes; null where there is none. */
  view: RelationFacts | null;
}

/**
 * Makes the plan of a finalize of `migrations`, which come newest first. Whether anybody still uses the old
 * names is not asked here.
 *
 * @param active All active migrations of the same tables: a table may have been renamed on since.
 * @throws {Problem} `drifted`, `not_table_owner`, `dependants_cannot_follow`.
 */
export async function planFinalize(
  migrations: RecordedRename[],
  facts: Facts,
  active: TrackedRename[],
  options: PlanOptions,
): Promise<FinalizePlan> {
  const steps = locateRelations(migrations, facts, active, options.acknowledge, {
    later: true,
    oldNameGivenUp: true,
  });
  requireOwned(steps);
  const tables = [...new Set(steps.map(({ table }) => table))];
  const end = tables.map((table) => ({ table, name: table.name }));
  const going = dropViews(steps, end, facts.session.user);
  const lost = viewOnlyChanges(
    steps,
    options.carryPrivileges ?? false,
    facts.session.user,
    ({ name }) => name,
  );
  const views = steps.flatMap(({ view }) => view === null ? [] : [view]);
  const checks = [
    checkRelations(
      tables.map((table) => expected(table, table.name)),
      "Check that the tables have their names",
    ),
    ...(views.length === 0 ? [] : [checkFree(views, "Check that nothing has the old names")]),
    ...(lost.check === null ? [] : [lost.check]),
  ];
  const plan = await makePlan({
    beforeLocks: [],
    preparations: [...going.preparations, ...checks.flatMap(({ preparations }) => preparations)],
    locks: going.locks,
    changes: [
      ...going.changes,
      ...lost.statements,
      ...checks.map(({ statement }) => statement),
      reloadSchemaCache,
    ],
    findings: [...lost.findings.flat(), ...going.findings],
  });
  return {
    ...plan,
    tables: steps.map(({ migration, table, view }) => ({
      migration,
      facts: lost.afterwards(table),
      view,
    })),
  };
}
