/** The plan of a refresh: the compatibility view is made again as its table is now. */
import { Problem } from "../contract/problems.ts";
import type { Finding, Statement } from "../contract/responses.ts";
import { type Check, checkBareViews, checkRelations, checkViews } from "./checks.ts";
import { compatibilityView } from "./compatibility_view.ts";
import { refuseDependants, requireAgreement } from "./drift.ts";
import type { ColumnFacts, Facts, RelationFacts } from "./facts.ts";
import { type LockStatement, makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { ident, qualified } from "./quoting.ts";
import type { TrackedRename } from "./rename.ts";
import { asideName, type RecordedRename } from "./rollback.ts";
import { checkRowCasts, dropRowType } from "./row_type.ts";
import { viewDrift } from "./view_drift.ts";

export interface RefreshOptions {
  acknowledge: string[];
  withoutColumns: string[];
}

export interface RefreshPlan extends Plan {
  migration: RecordedRename;
  table: RelationFacts;
}

/**
 * Makes the plan of a refresh. Where the view's present columns are the first ones of those it is to have,
 * it is replaced and stays the object it is; otherwise a new view takes its place and name.
 *
 * @throws {Problem} `drifted`, `not_table_owner`, `invalid_request`, `dependants_cannot_follow`.
 */
export async function planRefresh(
  migration: RecordedRename,
  facts: Facts,
  standing: TrackedRename[],
  { acknowledge, withoutColumns }: RefreshOptions,
): Promise<RefreshPlan> {
  requireView(migration);
  // A view that is gone is made anew: that is what a refresh is for.
  const accepted = [...acknowledge, "view_missing"];
  const [step] = requireAgreement([migration], facts, standing, accepted, { later: true });
  const { table, view } = step;
  requireOwner(table);
  const wanted = wantedColumns(table, withoutColumns);
  const old = qualified(migration.schema_name, migration.old_name);

  const inPlace = view !== null && beginsWith(wanted, view.columns);
  const named: RelationFacts = { ...table, name: migration.old_name };
  const made = compatibilityView(named, table.name, facts.session, {
    without: withoutColumns,
    ...(inPlace && { replaced: view }),
  });
  const [create, ...rest] = made.statements;
  const locks: LockStatement[] = [];
  const changes: Statement[] = [];
  const checks: Check[] = [];
  if (view === null) {
    changes.push(create, ...rest);
    // There is nothing yet that clients could hold; the table keeps others from making the view meanwhile.
  } else if (inPlace) {
    // To replace a view locks it, and the plan's first lock is the one that is waited for.
    locks.push({ ...create, timeout_share: 1 });
    changes.push(...leftovers(view, { ...named, columns: wanted }, old), ...rest);
    if (made.rowCast === null) {
      changes.push(...dropRowType(view, { view: view.name, table: table.name }));
    }
  } else {
    refuseDependants([step]);
    const aside = { oid: view.oid, schema: view.schema, name: asideName(view), kind: view.kind };
    locks.push({
      sql: `alter view ${old} rename to ${ident(aside.name)}`,
      purpose: "Lock the compatibility view and take it out of the way",
      timeout_share: 1,
    });
    const bare = checkBareViews(
      [aside],
      "Look again now that the lock is held: this is the view, and nothing is on it",
    );
    checks.push(bare);
    const names = { view: aside.name, table: table.name };
    changes.push(create, ...rest, ...dropRowType(view, names), bare.statement, {
      sql: `drop view ${qualified(view.schema, aside.name)} restrict`,
      purpose: "Remove the view as it was",
    });
  }
  const after = [
    checkRelations(
      [{ oid: table.oid, schema: table.schema, name: table.name, kind: table.kind }],
      "Check that the table is where it was",
    ),
    checkViews(
      [{
        schema: table.schema,
        name: migration.old_name,
        table_name: table.name,
        table_oid: table.oid,
        security_invoker: made.securityInvoker,
        same_owner: made.owner === table.owner,
        same_grantors: made.replaced.length === 0 && made.owner === table.owner,
        without: table.columns.filter((column) => !wanted.includes(column))
          .map(({ number }) => number),
      }],
      table.columns.some(({ acl }) => acl.length > 0),
      "Check options, columns, defaults and privileges of the view",
    ),
  ];
  if (made.rowCast !== null) {
    const cast = { view: migration.old_name, table: table.name, function: made.rowCast };
    after.push(
      checkRowCasts(
        [{ schema: table.schema, ...cast }],
        "Check that the view's rows can be the table's",
      ),
    );
  }
  checks.push(...after);
  changes.push(...after.map(({ statement }) => statement), reloadSchemaCache);
  const plan = await makePlan({
    preparations: checks.flatMap(({ preparations }) => preparations),
    beforeLocks: [],
    locks,
    changes,
    findings: refreshFindings(table, view, migration),
  });
  return { ...plan, migration, table };
}

function requireView(migration: RecordedRename): void {
  if (migration.compatibility_view_created) return;
  const message = "the rename was made without a compatibility view";
  throw new Problem("invalid_request", `There is nothing to refresh: ${message}.`, {
    hint: "Only a rename with a view can be refreshed.",
    fields: { issues: [{ path: "migration_id", message }] },
  });
}

function requireOwner(table: RelationFacts): void {
  if (table.owned) return;
  throw new Problem(
    "not_table_owner",
    `${qualified(table.schema, table.name)} belongs to the role ${ident(table.owner)}.`,
    { hint: "Only its owner can make its view again.", fields: { owner: table.owner } },
  );
}

function wantedColumns(table: RelationFacts, without: string[]): ColumnFacts[] {
  const refuse = (message: string, hint: string) => {
    throw new Problem("invalid_request", `"without_columns" is not valid: ${message}`, {
      hint,
      fields: { issues: [{ path: "without_columns", message }] },
    });
  };
  const unknown = without.filter((name) => !table.columns.some((column) => column.name === name));
  if (unknown.length > 0) {
    refuse(
      `${qualified(table.schema, table.name)} has no column ${unknown.map(ident).join(", ")}`,
      "Name columns as they are called on the table now; case counts.",
    );
  }
  const wanted = table.columns.filter(({ name }) => !without.includes(name));
  if (wanted.length === 0 && without.length > 0) {
    refuse("no column would be left", "Leave out fewer columns, or finalize the rename.");
  }
  return wanted;
}

/** Whether the view can be replaced: PostgreSQL lets columns be added at the end only. */
const beginsWith = (wanted: ColumnFacts[], present: ColumnFacts[]): boolean =>
  present.length <= wanted.length &&
  present.every(({ name, type, collation }, index) =>
    wanted[index].name === name && wanted[index].type === type &&
    wanted[index].collation === collation
  );

/** What a replaced view still has from before and must not keep. */
function leftovers(view: RelationFacts, shown: RelationFacts, old: string): Statement[] {
  const columns = new Map(shown.columns.map((column) => [column.name, column]));
  const stale = view.columns.filter(({ name, default: present }) => {
    const { default: wanted, identity, generated } = columns.get(name)!;
    return present !== null && (wanted === null || identity !== "" || generated !== "");
  });
  const statements: Statement[] = [];
  if (stale.length > 0) {
    statements.push({
      sql: `alter table ${old}\n  ` +
        stale.map(({ name }) => `alter column ${ident(name)} drop default`).join(",\n  "),
      purpose: "The view has no default that the table does not have",
    });
  }
  const purpose = "The view carries no comment that the table does not have";
  if (view.comment !== null && shown.comment === null) {
    statements.push({ sql: `comment on view ${old} is null`, purpose });
  }
  for (const { name, comment } of view.columns) {
    if (comment === null || columns.get(name)!.comment !== null) continue;
    statements.push({ sql: `comment on column ${old}.${ident(name)} is null`, purpose });
  }
  return statements;
}

/** What is mended is told as information. */
function refreshFindings(
  table: RelationFacts,
  view: RelationFacts | null,
  migration: RecordedRename,
): Finding[] {
  if (view === null) return [];
  return viewDrift(table, view, migration.fingerprint.without_columns)
    .map((finding) => ({ ...finding, severity: "info", remedy: "Mended by this refresh." }));
}
