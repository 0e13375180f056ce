/** The plan of a finalize: the view is dropped, and what was built on it is made to depend on the table. */
import { locateRelations } from "../drift/drift.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import type { RecordedRename, TrackedRename } from "../facts/migration.ts";
import {
  expectedRelation,
  removeViews,
  type RemoveViewsOptions,
  requireOwned,
} from "./view/remove_views.ts";
import { makePlan, type Plan } from "./plan.ts";
import {
  type Definitions,
  leftTexts,
  newlyNamed,
  rewriteTexts,
  type TextRewrites,
} from "./rewrite_texts.ts";
import { checkFree, checkRelations } from "./verification/checks.ts";

export interface FinalizePlan extends Plan {
  tables: FinalizedTable[];
  rewrites: TextRewrites;
}

interface FinalizeOptions extends RemoveViewsOptions {
  /** Of the texts that get new names. Default: none do. */
  definitions?: Definitions | null;
}

interface FinalizedTable {
  migration: RecordedRename;
  /** The table as it is to be; a later rename may have given it another name than this migration did. */
  facts: RelationFacts;
  /** Null where there is none. */
  view: RelationFacts | null;
}

/**
 * @param migrations Newest first. Whether their old names are still used is not looked at here.
 * @param active All active migrations of the same tables, which may have been renamed again.
 * @throws {Problem} `drifted`, `not_table_owner`, `dependants_cannot_follow`.
 */
export async function planFinalize(
  migrations: RecordedRename[],
  facts: Facts,
  active: TrackedRename[],
  options: FinalizeOptions,
): Promise<FinalizePlan> {
  const steps = locateRelations(migrations, facts, active, options.acknowledge, {
    later: true,
    oldNameGivenUp: true,
  });
  requireOwned(steps);
  const tables = [...new Set(steps.map(({ table }) => table))];
  const views = steps.flatMap(({ view }) => view === null ? [] : [view]);
  const removal = removeViews(
    steps,
    tables.map((table) => ({ table, name: table.name })),
    facts,
    options,
    [
      checkRelations(
        tables.map((table) => expectedRelation(table, table.name)),
        "Check that the tables have their names",
      ),
      ...(views.length === 0 ? [] : [checkFree(views, "Check that nothing has the old names")]),
    ],
  );
  const rewrites = rewriteTexts(
    facts,
    steps.map(({ migration, table }) => newlyNamed(migration, table.name)),
    options.definitions && {
      ...options.definitions,
      // A routine that is made again for the table's rows could not be called with them when bodies were checked.
      ...(removal.dependents.some(({ object }) => object.routine !== null) &&
        { errors: undefined }),
    },
    removal.dependents,
  );
  const plan = await makePlan({
    beforeLocks: rewrites.statements,
    preparations: removal.preparations,
    locks: removal.locks,
    changes: removal.changes,
    findings: [...removal.viewOnlyFindings.flat(), ...removal.findings, ...leftTexts(rewrites)],
    lockNeeds: removal.lockNeeds,
  });
  return {
    ...plan,
    rewrites,
    tables: steps.map(({ migration, table, view }) => ({
      migration,
      facts: removal.afterwards(table),
      view,
    })),
  };
}
