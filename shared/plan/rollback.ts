/** The plan of a rollback, as that of a finalize, but the table takes its old name back. */
import type { Difference, Finding } from "../contract/responses.ts";
import type { Dependent } from "../dependents/dependents.ts";
import { locateRelations } from "../drift/drift.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { differences, fingerprint } from "../facts/fingerprint.ts";
import type { LocatedMigration, RecordedRename, TrackedRename } from "../facts/migration.ts";
import { newNameMentioned } from "../findings/removed_names.ts";
import { readTexts } from "../findings/text_findings.ts";
import { qualified } from "../sql/quoting.ts";
import {
  recompile,
  routinesWithCachedPlans,
  type RoutineWithCachedPlans,
  staleRoutineFindings,
} from "./cached_plans.ts";
import {
  expectedRelation,
  removeViews,
  type RemoveViewsOptions,
  requireOwned,
} from "./view/remove_views.ts";
import { indexStatements, restoredIndexes } from "./index_names.ts";
import { makePlan, type Plan } from "./plan.ts";
import { type Definitions, restoreTexts, type TextRewrites } from "./rewrite_texts.ts";
import { checkRelations } from "./verification/checks.ts";
import { listDifferences } from "./view_only_changes.ts";

export interface RollbackPlan extends Plan {
  tables: RolledBackTable[];
  rewrites: TextRewrites;
}

interface RollbackOptions extends RemoveViewsOptions {
  /** Of the texts that got new names since. Default: none did. */
  definitions?: Definitions | null;
}

export interface RolledBackTable {
  migration: RecordedRename;
  facts: RelationFacts;
  /** Null where there is none. */
  view: RelationFacts | null;
  /** What others changed on the table since the rename, which is kept; null where that is not known. */
  kept: Difference[] | null;
}

/**
 * @param migrations Newest first.
 * @param active All active migrations of the same tables: later ones have to be rolled back before.
 * @throws {Problem} `drifted`, `not_table_owner`, `dependants_cannot_follow`, `name_taken`.
 */
export async function planRollback(
  migrations: RecordedRename[],
  facts: Facts,
  active: TrackedRename[],
  options: RollbackOptions,
): Promise<RollbackPlan> {
  const steps = locateRelations(migrations, facts, active, options.acknowledge);
  requireOwned(steps);
  const end = steps.map(({ migration, table }) => ({ table, name: migration.old_name }));
  const lastNames = new Map(end.map(({ table, name }) => [table, name]));
  const removal = removeViews(steps, end, facts, options, [
    checkRelations(
      [...lastNames].map(([table, name]) => expectedRelation(table, name)),
      "Check that the tables have their old names",
    ),
  ]);
  const tables = steps.map(({ migration, table, view }) => {
    const { after } = migration.fingerprint;
    return {
      migration,
      facts: table,
      view,
      kept: after && differences(after, fingerprint(removal.afterwards(table))),
    };
  });
  const routines = steps.some(({ view }) => view !== null)
    ? withoutDependents(keepingRows(steps, facts), removal.dependents)
    : [];
  const rewrites = restoreTexts(
    migrations,
    facts,
    options.definitions,
    removal.dependents,
  );
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
    beforeLocks: [...recompile(routines), ...rewrites.statements, ...indexes.statements],
    preparations: [...removal.preparations, ...indexes.preparations],
    locks: removal.locks,
    changes: removal.changes,
    findings: [
      ...steps.flatMap((step, index) => [
        ...changedSince(step),
        ...removal.viewOnlyFindings[index],
      ]),
      ...removal.findings,
      ...staleRoutineFindings(routines),
      ...restored.findings,
      ...newNameMentioned(steps, { ...facts, texts: rewrites.after }),
    ],
    lockNeeds: {
      ...removal.lockNeeds,
      others: removal.lockNeeds.others + routines.length + restored.renames.length,
    },
  });
  return { ...plan, tables, rewrites };
}

function keepingRows(steps: LocatedMigration[], facts: Facts): RoutineWithCachedPlans[] {
  const views = steps.map(({ migration, table }) => ({ ...table, name: migration.old_name }));
  return routinesWithCachedPlans(readTexts(facts, views), views);
}

/** Without the routines that are recreated anyway: their captured state must not be altered before. */
function withoutDependents(
  routines: RoutineWithCachedPlans[],
  dependents: Dependent[],
): RoutineWithCachedPlans[] {
  const recreated = new Set(dependents.map(({ object }) => object.routine?.signature));
  return routines.filter(({ identity }) => !recreated.has(identity));
}

function changedSince({ migration, table }: LocatedMigration): Finding[] {
  const { after } = migration.fingerprint;
  const kept = after === null ? [] : differences(after, fingerprint(table));
  if (kept.length === 0) return [];
  return [{
    code: "table_changed_since",
    severity: "info",
    object: qualified(table.schema, table.name),
    message: `Changed on the table since the rename, and kept: ${listDifferences(kept)}.`,
    remedy: "Nothing to do.",
  }];
}
