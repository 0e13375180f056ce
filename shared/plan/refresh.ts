/** The plan of a refresh: the compatibility view is made again as its table is now. */
import { Problem } from "../contract/problems.ts";
import type { Finding, Statement } from "../contract/responses.ts";
import type { Dependent } from "../dependents/dependents.ts";
import { lockAlone, repoint } from "../dependents/repoint.ts";
import { setAsideName } from "../dependents/dropped_views.ts";
import { locateRelations } from "../drift/drift.ts";
import { viewDrift } from "../drift/view_drift.ts";
import type { ColumnFacts, Facts, RelationFacts } from "../facts/facts.ts";
import type { RecordedRename, TrackedRename } from "../facts/migration.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { viewDefault } from "./view/column_defaults.ts";
import {
  checkNames,
  compatibilityView,
  giveName,
  type MadeView,
  viewChecks,
} from "./view/compatibility_view.ts";
import { interimName } from "./view/interim_name.ts";
import { expectedRelation, requireOwned } from "./view/remove_views.ts";
import { makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { requireView } from "./refusals.ts";
import {
  type Definitions,
  leftTexts,
  newlyNamed,
  rewriteTexts,
  type TextRewrites,
} from "./rewrite_texts.ts";
import { dropRowType } from "./view/row_type.ts";
import { type Check, checkAtOnce, checkRelations, raiseUnlessNone } from "./verification/checks.ts";
import { type ViewOnlyChanges, viewOnlyChanges } from "./view_only_changes.ts";

interface RefreshOptions {
  acknowledge: string[];
  withoutColumns: string[];
  /** Whether privileges that were changed on the view alone are changed on the table, too. */
  carryPrivileges: boolean;
  /** Of the texts that get new names. Default: none do. */
  definitions?: Definitions | null;
}

export interface RefreshPlan extends Plan {
  migration: RecordedRename;
  /** Null where it is gone. */
  view: RelationFacts | null;
  /** Whether the view stays the same object, with what is built on it. */
  replacedInPlace: boolean;
  /** The table, with the privileges that it has in the end. */
  table: RelationFacts;
  rewrites: TextRewrites;
}

/**
 * Where the view only gets more columns at its end, it is replaced in place; otherwise a new view takes its name, and
 * what was built on it is made to depend on the new one.
 *
 * @throws {Problem} `drifted`, `not_table_owner`, `invalid_request`, `dependants_cannot_follow`.
 */
export async function planRefresh(
  migration: RecordedRename,
  facts: Facts,
  standing: TrackedRename[],
  { acknowledge, withoutColumns, carryPrivileges, definitions }: RefreshOptions,
): Promise<RefreshPlan> {
  requireView(migration, "refresh");
  // A refresh also makes a view that is gone.
  const accepted = [...acknowledge, "view_missing"];
  const steps = locateRelations([migration], facts, standing, accepted, { later: true });
  requireOwned(steps);
  const [{ table, view }] = steps;
  const wanted = wantedColumns(table, withoutColumns);
  const only = viewOnlyChanges(steps, carryPrivileges, facts.session.user, ({ name }) => name);
  const named: RelationFacts = { ...only.afterwards(table), name: migration.old_name };

  const inPlace = view !== null && beginsWith(wanted, view.columns) ? view : undefined;
  const made: MadeView = {
    table: named,
    tableName: table.name,
    view: compatibilityView(named, table.name, facts.session, {
      name: inPlace === undefined ? interimName(named, facts) : named.name,
      without: withoutColumns,
      replaced: inPlace,
      scanCounter: view?.scan_counter ?? null,
    }),
    columns: wanted,
  };
  const replacement = inPlace !== undefined
    ? replacing(inPlace, { ...named, columns: wanted }, made, only)
    : exchanging(made, only, view && takingPlace(view, wanted, table.name, facts.session.user));
  const checks = [
    checkRelations([expectedRelation(table, table.name)], "Check that the table is where it was"),
    ...replacement.checks,
    ...(only.check === null ? [] : [only.check]),
  ];
  const rewrites = rewriteTexts(
    facts,
    [newlyNamed(migration, table.name)],
    definitions,
    replacement.dependents,
  );
  const plan = await makePlan({
    preparations: [
      ...replacement.preparations,
      ...checks.flatMap(({ preparations }) => preparations),
    ],
    beforeLocks: rewrites.statements,
    locks: replacement.locks,
    changes: [
      ...replacement.changes,
      ...checks.map(({ statement }) => statement),
      reloadSchemaCache,
    ],
    findings: [
      ...only.findings.flat(),
      ...fixedDrift(table, view, migration),
      ...replacement.findings,
      ...leftTexts(rewrites),
    ],
  });
  return {
    ...plan,
    migration,
    view,
    replacedInPlace: inPlace !== undefined,
    table: only.afterwards(table),
    rewrites,
  };
}

interface Replacement extends Pick<Plan, "preparations" | "locks" | "changes" | "findings"> {
  checks: Check[];
  dependents: Dependent[];
}

const checksOf = (made: MadeView) => viewChecks([made], ({ tableName }) => tableName);

/** CREATE OR REPLACE VIEW locks the view; so it is the plan's first statement, with the lock timeout. */
function replacing(
  view: RelationFacts,
  shown: RelationFacts,
  made: MadeView,
  only: ViewOnlyChanges,
): Replacement {
  const { statements: [create, ...rest], rowCast } = made.view;
  return {
    preparations: [],
    locks: [{ ...create, timeout_share: 1, relations: [view.oid], changes: true }],
    changes: [
      ...only.statements,
      ...leftovers(view, shown),
      ...rest,
      ...(rowCast === null ? dropRowType(view, { view: view.name, table: made.tableName }) : []),
    ],
    checks: checksOf(made).map(({ name, purpose, query }) => raiseUnlessNone(name, purpose, query)),
    findings: [],
    dependents: [],
  };
}

/** The new view is made before the locks, and then gets its name, which a present one has given up. */
function exchanging(
  made: MadeView,
  only: ViewOnlyChanges,
  present: ReturnType<typeof takingPlace> | null,
): Replacement {
  return {
    preparations: [
      // The new view has the privileges that the table has then.
      ...only.statements,
      ...made.view.statements,
      ...checksOf(made).map(checkAtOnce),
      ...present?.preparations ?? [],
    ],
    locks: present?.locks ?? [],
    changes: [
      ...present?.aside ?? [],
      giveName(made.table, made.view),
      ...present?.drop ?? [],
    ],
    checks: [checkNames([made])],
    findings: present?.findings ?? [],
    dependents: present?.dependents ?? [],
  };
}

/** How the present view gives up its name and is dropped, and what is built on it gets the new one. */
function takingPlace(
  view: RelationFacts,
  wanted: ColumnFacts[],
  table: string,
  sessionUser: string,
) {
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
      relations: [view.oid],
    }, ...followed.locks],
    aside: [
      followed.recheck.statement,
      ...followed.setAside,
      {
        sql: `alter view ${qualified(view.schema, view.name)} rename to ${ident(aside)}`,
        purpose: "Take the compatibility view out of the way",
      },
    ],
    drop: [
      ...followed.recreate,
      ...followed.dropOld,
      ...dropRowType(view, { view: aside, table }),
      {
        sql: `drop view ${qualified(view.schema, aside)} restrict`,
        purpose: "Remove the view as it was",
      },
    ],
    findings: followed.findings,
    dependents: followed.dependents,
  };
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
      "Use the names that the columns have on the table now; they are case-sensitive.",
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

/** Removes defaults and comments that a replaced view must not keep. */
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

/** What this refresh fixes, as information. */
function fixedDrift(
  table: RelationFacts,
  view: RelationFacts | null,
  migration: RecordedRename,
): Finding[] {
  if (view === null) return [];
  return viewDrift(table, view, migration.fingerprint.without_columns)
    .map((finding) => ({ ...finding, severity: "info", remedy: "Fixed by this refresh." }));
}
