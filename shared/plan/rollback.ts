/** The plan of a rollback, the reverse of `rename.ts`: the view goes, the table takes its old name back. */
import { Problem } from "../contract/problems.ts";
import type { Difference, Finding, Statement } from "../contract/responses.ts";
import { checkBareViews, checkRelations, type ExpectedRelation } from "./checks.ts";
import { refuseDependants, requireAgreement } from "./drift.ts";
import type { ColumnFacts, Facts, RelationFacts } from "./facts.ts";
import { differences, type Fingerprint, fingerprint } from "./fingerprint.ts";
import { indexStatements, type RenamedIndex, restoredIndexes } from "./index_names.ts";
import { type LockStatement, makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { ident, qualified } from "./quoting.ts";
import type { TrackedRename } from "./rename.ts";
import { dropRowType } from "./row_type.ts";
import { recompile, staleRoutineFindings } from "./warm_routines.ts";

/** A tracked rename with what was kept of the states around it. */
export interface RecordedRename extends TrackedRename {
  compatibility_view_created: boolean;
  fingerprint: RecordedFingerprints;
  /** The table's name when the record was read, if it was in its schema then. */
  present_name?: string | null;
  /** Indexes that were renamed with the table. */
  indexes: RenamedIndex[];
}

/** The table before the rename; table and view after it, null where they could not be read then. */
export interface RecordedFingerprints {
  before: Fingerprint;
  after: Fingerprint | null;
  view: Fingerprint | null;
  /** Columns that the view leaves out on purpose. */
  without_columns: string[];
}

export interface RollbackPlan extends Plan {
  tables: RolledBackTable[];
}

export interface RolledBackTable {
  migration: RecordedRename;
  facts: RelationFacts;
  /** What others changed on the table since the rename, which is kept; null where it cannot be told. */
  kept: Difference[] | null;
}

/** A table and its view as they stand, with the names they have by the time their turn comes. */
export interface RollbackStep {
  migration: RecordedRename;
  table: RelationFacts;
  /** Null where there is none: made without, or gone and acknowledged. */
  view: RelationFacts | null;
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
  options: { acknowledge: string[] },
): Promise<RollbackPlan> {
  const steps = requireAgreement(migrations, facts, active, options.acknowledge);
  for (const { table } of steps) {
    if (table.owned) continue;
    throw new Problem(
      "not_table_owner",
      `${qualified(table.schema, table.name)} belongs to the role ${ident(table.owner)}.`,
      { hint: "Only its owner can rename it back.", fields: { owner: table.owner } },
    );
  }
  refuseDependants(steps);
  const views = steps.flatMap(({ view }) => view === null ? [] : [view]);

  const changes: Statement[] = [];
  const checks = [checkRelations(lastNames(steps), "Check that the tables have their old names")];
  const [namesCheck] = checks;
  if (views.length > 0) {
    const bare = checkBareViews(
      views.map((view) => expected(view, asideName(view))),
      "Look again now that the locks are held: these are the views, and nothing is on them",
    );
    checks.push(bare);
    changes.push(bare.statement);
  }
  for (const { migration, view } of steps) {
    if (view !== null) {
      const names = { view: asideName(view), table: migration.new_name };
      changes.push(...dropRowType(view, names), {
        sql: `drop view ${qualified(view.schema, asideName(view))} restrict`,
        purpose: "Remove the compatibility view",
      });
    }
    changes.push({
      sql: `alter table ${qualified(migration.schema_name, migration.new_name)} rename to ${
        ident(migration.old_name)
      }`,
      purpose: "Give the table its old name back",
    });
  }
  changes.push(namesCheck.statement, reloadSchemaCache);

  const tables = steps.map(({ migration, table }) => ({
    migration,
    facts: table,
    kept: migration.fingerprint.after === null
      ? null
      : differences(migration.fingerprint.after, fingerprint(table)),
  }));
  const findings = steps.flatMap((step, index) => rollbackFindings(step, tables[index].kept));
  const routines = views.length > 0 ? facts.routines : [];
  const restored = restoredIndexes(
    steps.map(({ migration, table }) => ({ indexes: migration.indexes, table_oid: table.oid })),
    facts,
  );
  findings.push(...staleRoutineFindings(routines), ...restored.findings);
  const indexes = indexStatements(
    restored.renames,
    facts,
    "Give the index, and the constraint it backs, its earlier name back; nobody waits for it",
  );
  const plan = await makePlan({
    beforeLocks: [...recompile(routines), ...indexes.statements],
    preparations: [...checks, indexes].flatMap(({ preparations }) => preparations),
    locks: rollbackLocks(steps),
    changes,
    findings,
  });
  return { ...plan, tables };
}

/** The name that a view has between the first statement and its end. */
export const asideName = (view: RelationFacts) => `__compatibility_view_${view.oid}`;

const expected = ({ oid, schema, kind }: RelationFacts, name: string): ExpectedRelation => ({
  oid,
  schema,
  name,
  kind,
});

/** Of a table that is taken back through several renames, the last name counts. */
function lastNames(steps: RollbackStep[]): ExpectedRelation[] {
  const last = new Map(
    steps.map(({ migration, table }) => [table.oid, expected(table, migration.old_name)]),
  );
  return [...last.values()];
}

/**
 * The views first, since that is the order in which queries lock; renaming a view aside locks it alone,
 * where LOCK TABLE would go on to the table and, of a partitioned one, to every partition. The first view
 * and the first table are waited for, half of the lock timeout each; nothing else is waited for.
 */
function rollbackLocks(steps: RollbackStep[]): LockStatement[] {
  const byOid = (a: RelationFacts, b: RelationFacts) => a.oid - b.oid;
  const views = steps.flatMap(({ view }) => view === null ? [] : [view]).sort(byOid);
  const tables = [...new Set(steps.map(({ table }) => table))].sort(byOid)
    .map((table) => `only ${qualified(table.schema, table.name)}`);
  const [first, ...rest] = tables;
  const locks: LockStatement[] = views.map((view, index) => ({
    sql: `alter view ${qualified(view.schema, view.name)} rename to ${ident(asideName(view))}`,
    purpose: "Lock the compatibility view and take it out of the way",
    timeout_share: index === 0 ? 0.5 : 0,
  }));
  locks.push({
    sql: `lock table ${first} in access exclusive mode`,
    purpose: "Lock the first table, waiting no longer than the lock timeout",
    timeout_share: views.length > 0 ? 0.5 : 1,
  });
  if (rest.length > 0) {
    locks.push({
      sql: `lock table ${rest.join(", ")} in access exclusive mode nowait`,
      purpose: "Lock the other tables without waiting",
      timeout_share: 0,
    });
  }
  return locks;
}

function rollbackFindings(step: RollbackStep, kept: Difference[] | null): Finding[] {
  const { migration, table, view } = step;
  const object = qualified(migration.schema_name, migration.old_name);
  const findings: Finding[] = [];
  if (kept !== null && kept.length > 0) {
    findings.push({
      code: "table_changed_since",
      severity: "info",
      object: qualified(table.schema, table.name),
      message: `Changed on the table since the rename, and kept: ${listed(kept)}.`,
      remedy: "None needed.",
    });
  }
  if (view === null || migration.fingerprint.view === null) return findings;

  const now = fingerprint(table);
  const changed = differences(migration.fingerprint.view, fingerprint(view))
    .filter(({ object, after }) => (now[object] ?? null) !== after)
    .filter(({ object }) => !sameColumnOnTable(object, table, view));
  const isGrant = ({ object }: Difference) => /^(column .* )?grant to /s.test(object);
  const grants = changed.filter(isGrant);
  const others = changed.filter((difference) => !isGrant(difference));
  if (grants.length > 0) {
    findings.push({
      code: "view_grants_changed",
      severity: "breaking",
      object,
      message: `Privileges were changed on the view alone and would be lost with it: ${
        listed(grants)
      }. The table has what it had.`,
      remedy: `Grant or revoke the same on ${
        qualified(table.schema, table.name)
      }, or acknowledge that they are lost.`,
    });
  }
  if (others.length > 0) {
    findings.push({
      code: "view_changed",
      severity: "breaking",
      object,
      message: `The view was changed and the change would be lost with it: ${listed(others)}.`,
      remedy: `Make the change on ${
        qualified(table.schema, table.name)
      } instead, or acknowledge that it is lost.`,
    });
  }
  return findings;
}

/** Whether the object is a column that has, on the view, the default and comment that the table gives it. */
function sameColumnOnTable(object: string, table: RelationFacts, view: RelationFacts): boolean {
  const named = (column: ColumnFacts) => `column ${column.name}` === object;
  const [onTable, onView] = [table.columns.find(named), view.columns.find(named)];
  return onTable !== undefined && onView !== undefined && onTable.type === onView.type &&
    onTable.default === onView.default && onTable.comment === onView.comment;
}

const MAX_LISTED = 10;

function listed(changed: Difference[]): string {
  const names = changed.slice(0, MAX_LISTED).map(({ object, before, after }) =>
    `${object} (${before === null ? "added" : after === null ? "removed" : "changed"})`
  );
  const more = changed.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
