/** The plan of a refresh: the compatibility view is made again as its table is now. */
import type { RecordedRename, TrackedRename } from "../facts/migration.ts";
import { Problem } from "../contract/problems.ts";
import type { Finding, Statement } from "../contract/responses.ts";
import { type Check, checkRelations, checkViews } from "./verification/checks.ts";
import { defaultedIdentities, viewDefault } from "./column_defaults.ts";
import { compatibilityView, type ViewPlan } from "./compatibility_view.ts";
import { locateRelations } from "../drift/drift.ts";
import type { ColumnFacts, Facts, RelationFacts } from "../facts/facts.ts";
import { viewOnlyChanges } from "./view_only_changes.ts";
import { makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { lockAlone, repoint } from "../dependents/repoint.ts";
import { setAsideName } from "../dependents/dropped_views.ts";
import { requireOwned } from "./rollback.ts";
import { checkRowCasts, dropRowType } from "./row_type.ts";
import { viewDrift } from "../drift/view_drift.ts";

export interface RefreshOptions {
  acknowledge: string[];
  withoutColumns: string[];
  /** Whether privileges that were changed on the view alone are changed on the table, too. */
  carryPrivileges: boolean;
}

export interface RefreshPlan extends Plan {
  migration: RecordedRename;
  /** The view as it is; null where it is gone. */
  view: RelationFacts | null;
  /** Whether it stays the object that it is, so that nothing is done to what is built on it. */
  replacedInPlace: boolean;
  /** The table, with the privileges that it has in the end. */
  table: RelationFacts;
}

/**
 * Makes the plan of a refresh. Where the view's present columns are the first ones of those it is to have,
 * it is replaced and stays the object it is; otherwise a new view takes its place and name, and what was
 * built on it follows.
 *
 * @throws {Problem} `drifted`, `not_table_owner`, `invalid_request`, `dependants_cannot_follow`.
 */
export async function planRefresh(
  migration: RecordedRename,
  facts: Facts,
  standing: TrackedRename[],
  { acknowledge, withoutColumns, carryPrivileges }: RefreshOptions,
): Promise<RefreshPlan> {
  requireView(migration);
  // A view that is gone is made anew: that is what a refresh is for.
  const accepted = [...acknowledge, "view_missing"];
  const steps = locateRelations([migration], facts, standing, accepted, { later: true });
  requireOwned(steps);
  const [{ table, view }] = steps;
  const wanted = wantedColumns(table, withoutColumns);
  const lost = viewOnlyChanges(steps, carryPrivileges, facts.session.user, ({ name }) => name);
  const named: RelationFacts = { ...lost.afterwards(table), name: migration.old_name };

  const inPlace = view !== null && beginsWith(wanted, view.columns) ? view : undefined;
  const made = compatibilityView(named, table.name, facts.session, {
    without: withoutColumns,
    replaced: inPlace,
    scanCounter: view?.scanCounter ?? null,
  });
  const steady = checks(migration, named, table.name, made, wanted);
  if (lost.check !== null) steady.push(lost.check);
  const way = view === null
    ? { preparations: [], locks: [], changes: made.statements, findings: [] }
    : inPlace !== undefined
    ? replacing(inPlace, { ...named, columns: wanted }, table.name, made)
    : rebuilding(view, wanted, table.name, made, facts.session.user);
  const plan = await makePlan({
    preparations: [way, ...steady].flatMap(({ preparations }) => preparations),
    beforeLocks: [],
    locks: way.locks,
    changes: [
      ...lost.statements,
      ...way.changes,
      ...steady.map(({ statement }) => statement),
      reloadSchemaCache,
    ],
    findings: [...lost.findings.flat(), ...mended(table, view, migration), ...way.findings],
  });
  return {
    ...plan,
    migration,
    view,
    replacedInPlace: inPlace !== undefined,
    table: lost.afterwards(table),
  };
}

type Way = Pick<Plan, "preparations" | "locks" | "changes" | "findings">;

/** To replace a view locks it; so the plan's first statement is the lock that is waited for. */
function replacing(
  view: RelationFacts,
  shown: RelationFacts,
  table: string,
  { statements: [create, ...rest], rowCast }: ViewPlan,
): Way {
  return {
    preparations: [],
    locks: [{ ...create, timeout_share: 1, changes: true }],
    changes: [
      ...leftovers(view, shown),
      ...rest,
      ...(rowCast === null ? dropRowType(view, { view: view.name, table }) : []),
    ],
    findings: [],
  };
}

/** What is built on the view means the new one, once that has the name. */
function rebuilding(
  view: RelationFacts,
  wanted: ColumnFacts[],
  table: string,
  { statements }: ViewPlan,
  sessionUser: string,
): Way {
  const aside = setAsideName(view);
  const followed = repoint(
    [{ view, table: null, columns: wanted }],
    [],
    new Map(),
    sessionUser,
  );
  return {
    preparations: followed.preparations,
    locks: [{
      sql: lockAlone(view),
      purpose: "Lock the compatibility view alone, as setting the owner that it has does",
      timeout_share: 1,
    }, ...followed.locks],
    changes: [
      followed.recheck.statement,
      ...followed.setAside,
      {
        sql: `alter view ${qualified(view.schema, view.name)} rename to ${ident(aside)}`,
        purpose: "Take the compatibility view out of the way",
      },
      ...statements,
      ...followed.recreate,
      ...followed.dropOld,
      ...dropRowType(view, { view: aside, table }),
      {
        sql: `drop view ${qualified(view.schema, aside)} restrict`,
        purpose: "Remove the view as it was",
      },
    ],
    findings: followed.findings,
  };
}

function checks(
  migration: RecordedRename,
  table: RelationFacts,
  name: string,
  made: ViewPlan,
  wanted: ColumnFacts[],
): Check[] {
  const { schema, oid, kind } = table;
  const view = migration.old_name;
  return [
    checkRelations([{ oid, schema, name, kind }], "Check that the table is where it was"),
    checkViews(
      [{
        schema,
        name: view,
        table_name: name,
        table_oid: oid,
        security_invoker: made.securityInvoker,
        same_owner: made.owner === table.owner,
        same_grantors: made.replaced.length === 0 && made.owner === table.owner,
        without: table.columns.filter((column) => !wanted.some(({ name }) => name === column.name))
          .map(({ number }) => number),
        defaulted: defaultedIdentities(wanted),
      }],
      table.columns.some(({ acl }) => acl.length > 0),
      "Check options, columns, defaults and privileges of the view",
    ),
    ...(made.rowCast === null ? [] : [
      checkRowCasts(
        [{ schema, view, table: name, function: made.rowCast }],
        "Check that the view's rows can be the table's",
      ),
    ]),
  ];
}

function requireView(migration: RecordedRename): void {
  if (migration.compatibility_view_created) return;
  const message = "the rename was made without a compatibility view";
  throw new Problem("invalid_request", `There is nothing to refresh: ${message}.`, {
    hint: "Only a rename with a view can be refreshed.",
    fields: { issues: [{ path: "migration_id", message }] },
  });
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
function leftovers(view: RelationFacts, shown: RelationFacts): Statement[] {
  const old = qualified(shown.schema, shown.name);
  const columns = new Map(shown.columns.map((column) => [column.name, column]));
  const stale = view.columns.filter(({ name, default: present }) =>
    present !== null && viewDefault(columns.get(name)!) === null
  );
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
function mended(
  table: RelationFacts,
  view: RelationFacts | null,
  migration: RecordedRename,
): Finding[] {
  if (view === null) return [];
  return viewDrift(table, view, migration.fingerprint.without_columns)
    .map((finding) => ({ ...finding, severity: "info", remedy: "Mended by this refresh." }));
}
