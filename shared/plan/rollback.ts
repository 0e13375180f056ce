/**
 * The plan of a rollback, the reverse of `rename.ts`: the view goes, what was built on it is made to depend on
 * the table, the table takes its old name back.
 */
import type { LocatedMigration, RecordedRename, TrackedRename } from "../facts/migration.ts";
import type { Difference, Finding } from "../contract/responses.ts";
import { checkRelations, type ExpectedRelation } from "./verification/checks.ts";
import { locateRelations } from "../drift/drift.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { differences, fingerprint } from "../facts/fingerprint.ts";
import { indexStatements, restoredIndexes } from "./index_names.ts";
import { listed, viewOnlyChanges } from "./view_only_changes.ts";
import { makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { newNameMentioned } from "../findings/removed_names.ts";
import { qualified } from "../sql/quoting.ts";
import { notOwner } from "./refusals.ts";
import type { Dependent } from "../dependents/dependents.ts";
import { dropViews } from "../dependents/dropped_views.ts";
import { readTexts } from "../findings/text_findings.ts";
import {
  recompile,
  routinesWithCachedPlans,
  type RoutineWithCachedPlans,
  staleRoutineFindings,
} from "./cached_plans.ts";

export interface RollbackPlan extends Plan {
  tables: RolledBackTable[];
}

export interface RolledBackTable {
  migration: RecordedRename;
  facts: RelationFacts;
  /** The view that goes; null where there is none. */
  view: RelationFacts | null;
  /** What others changed on the table since the rename, which is kept; null where it cannot be told. */
  kept: Difference[] | null;
}

export interface PlanOptions {
  acknowledge: string[];
  /** Whether privileges that were changed on a view alone are changed on the table, too. Default: lost. */
  carryPrivileges?: boolean;
}

/**
 * Makes the plan of a rollback of `migrations`, which come newest first.
 *
 * @param active All active migrations of the same tables, to tell what must be rolled back before.
 * @throws {Problem} `drifted`, `not_table_owner`, `dependants_cannot_follow`, `name_taken`.
 */
export async function planRollback(
  migrations: RecordedRename[],
  facts: Facts,
  active: TrackedRename[],
  options: PlanOptions,
): Promise<RollbackPlan> {
  const steps = locateRelations(migrations, facts, active, options.acknowledge);
  requireOwned(steps);
  const end = steps.map(({ migration, table }) => ({ table, name: migration.old_name }));
  const lastNames = new Map(end.map(({ table, name }) => [table, name]));
  const going = dropViews(steps, end, facts.session.user);
  const lost = viewOnlyChanges(
    steps,
    options.carryPrivileges ?? false,
    facts.session.user,
    (table) => lastNames.get(table)!,
  );
  const checks = [
    checkRelations(
      [...lastNames].map(([table, name]) => expected(table, name)),
      "Check that the tables have their old names",
    ),
    ...(lost.check === null ? [] : [lost.check]),
  ];
  const tables = steps.map(({ migration, table, view }) => {
    const { after } = migration.fingerprint;
    return {
      migration,
      facts: table,
      view,
      kept: after && differences(after, fingerprint(lost.afterwards(table))),
    };
  });
  const routines = steps.some(({ view }) => view !== null)
    ? withoutDependents(keepingRows(steps, facts), going.dependents)
    : [];
  const restored = restoredIndexes(
    steps.map(({ migration, table }) => ({ indexes: migration.indexes, table_oid: table.oid })),
    facts,
  );
  const indexes = indexStatements(
    restored.renames,
    facts,
    "Give the index, and the constraint it backs, its earlier name back; nobody waits for it",
  );
  const plan = await makePlan({
    beforeLocks: [...recompile(routines), ...indexes.statements],
    preparations: [going, ...checks, indexes].flatMap(({ preparations }) => preparations),
    locks: going.locks,
    changes: [
      ...going.changes,
      ...lost.statements,
      ...checks.map(({ statement }) => statement),
      reloadSchemaCache,
    ],
    findings: [
      ...steps.flatMap((step, index) => [...changedSince(step), ...lost.findings[index]]),
      ...going.findings,
      ...staleRoutineFindings(routines),
      ...restored.findings,
      ...newNameMentioned(steps, facts),
    ],
  });
  return { ...plan, tables };
}

/** @throws {Problem} `not_table_owner`, unless the session's role can rename the tables and drop the views. */
export function requireOwned(steps: LocatedMigration[]): void {
  for (
    const relation of steps.flatMap(({ table, view }) => view === null ? [table] : [table, view])
  ) {
    if (!relation.owned) throw notOwner(relation);
  }
}

export const expected = (
  { oid, schema, kind }: RelationFacts,
  name: string,
): ExpectedRelation => ({ oid, schema, name, kind });

/** Routines that keep rows of the views that go. */
function keepingRows(steps: LocatedMigration[], facts: Facts): RoutineWithCachedPlans[] {
  const views = steps.map(({ migration, table }) => ({ ...table, name: migration.old_name }));
  return routinesWithCachedPlans(readTexts(facts, views), views);
}

/** Routines that are made again anyway; to alter them before would be to change what was captured. */
function withoutDependents(
  routines: RoutineWithCachedPlans[],
  dependents: Dependent[],
): RoutineWithCachedPlans[] {
  const made = new Set(dependents.map(({ object }) => object.routine?.signature));
  return routines.filter(({ identity }) => !made.has(identity));
}

function changedSince({ migration, table }: LocatedMigration): Finding[] {
  const { after } = migration.fingerprint;
  const kept = after === null ? [] : differences(after, fingerprint(table));
  if (kept.length === 0) return [];
  return [{
    code: "table_changed_since",
    severity: "info",
    object: qualified(table.schema, table.name),
    message: `Changed on the table since the rename, and kept: ${listed(kept)}.`,
    remedy: "None needed.",
  }];
}
