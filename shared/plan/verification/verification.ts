/** What must hold after a rename, a rollback or a finalization, as checks over facts. */
import type { RecordedRename, TrackedRename } from "../../facts/migration.ts";
import type { Check, Difference, Verification } from "../../contract/responses.ts";
import { viewDefault } from "../view/column_defaults.ts";
import type { ColumnState, RelationFacts, RelationState } from "../../facts/facts.ts";
import { differences, type Fingerprint, fingerprint } from "../../facts/fingerprint.ts";
import {
  effectivePrivileges,
  type Grant,
  type PrivilegeLists,
  privilegeText,
} from "../../facts/privileges.ts";
import { ident, qualified } from "../../sql/quoting.ts";
import type { PlannedTable } from "../rename.ts";
import type { RolledBackTable } from "../rollback.ts";
import { comparableOptions } from "../../sql/stored_view.ts";

type Names = Pick<TrackedRename, "schema_name" | "old_name" | "new_name">;

export interface RenamedState {
  planned: PlannedTable;
  table: RelationState | null;
  view: RelationState | null;
}

/** Objects whose texts contain a table's or a neighbour's name, so that they change with it. */
const NAMES_TABLES =
  /^(constraint|index|trigger|policy|rule|statistics|publication|referenced by) |^(children|parents)$/;

/** Checks that each table has its new name and is otherwise as before, and what its view is like. */
export function checkRenamed(states: RenamedState[]): Verification {
  const name: Difference[] = [];
  const state: Difference[] = [];
  const view: Difference[] = [];
  const columns: Difference[] = [];
  const privileges: Difference[] = [];
  // Columns can have the row type of another table of the batch.
  const renames = states.map(({ planned: { rename: { schema, old_name, new_name } } }) => ({
    schema_name: schema,
    old_name,
    new_name,
  }));
  for (const one of states) {
    const { rename, facts: before, view: plannedView } = one.planned;
    const wanted = qualified(rename.schema, rename.new_name);
    name.push(...otherName(wanted, one.table));
    if (one.table === null) continue;

    state.push(...prefixed(wanted, otherDifferences(before, one.table, renames)));
    if (plannedView === null) continue;

    const old = qualified(rename.schema, rename.old_name);
    const options = plannedView.securityInvoker ? "security_invoker=true" : "";
    if (one.view?.kind !== "v" || comparableOptions(one.view.options).join() !== options) {
      view.push({ object: old, before: `a view with (${options})`, after: describe(one.view) });
      continue;
    }
    columns.push(
      ...prefixed(
        old,
        differencesButNames(
          columnsOf(before, viewDefault),
          columnsOf(one.view, (column) => column.default),
          renames,
        ),
      ),
    );
    // A role that owns the view instead of the table's owner has all privileges on it, and on the table by membership.
    const beside = plannedView.owner === before.owner ? null : plannedView.owner;
    privileges.push(
      ...prefixed(old, differences(privilegesOf(before, beside), privilegesOf(one.view, beside))),
    );
  }
  return verification([
    check("tables have their new names", name),
    check("tables are otherwise as before", state),
    check("compatibility views honour row-level security as planned", view),
    check("compatibility views have the tables' columns, defaults and comments", columns),
    check("the same roles may do the same through both names", privileges),
  ]);
}

/** Checks that each table is as it was before its rename, but for what others changed since. */
export function checkRolledBack(
  states: { planned: RolledBackTable; table: RelationState | null; viewExists: boolean }[],
  active: TrackedRename[],
): Verification {
  const names: Difference[] = [];
  const views: Difference[] = [];
  const state: Difference[] = [];
  const keptSince: Difference[] = [];
  for (const { planned: { migration, kept }, table, viewExists } of states) {
    const old = qualified(migration.schema_name, migration.old_name);
    names.push(...otherName(old, table));
    views.push(...viewLeft(old, viewExists));
    if (table === null) continue;

    const known = new Set((kept ?? []).map(({ object }) => object));
    // What changed about an index since counts under its earlier name, too.
    for (const { from, to } of migration.indexes) {
      for (const kind of ["index", "constraint"]) {
        if (known.has(`${kind} ${to}`)) known.add(`${kind} ${from}`);
      }
    }
    for (
      const one of differencesButNames(migration.fingerprint.before, fingerprint(table), active)
    ) {
      (known.has(one.object) ? keptSince : state).push(...prefixed(old, [one]));
    }
  }
  const checks = [
    check("tables have their old names", names),
    check("compatibility views are gone", views),
    withDoubt(
      check("tables are exactly as before the rename", state),
      states.some(({ planned }) => planned.kept === null),
    ),
  ];
  if (keptSince.length > 0) {
    checks.push({
      name: "changes that others made since the rename are kept",
      passed: true,
      differences: keptSince.slice(0, MAX_DIFFERENCES),
    });
  }
  return verification(checks);
}

interface FinalizedState {
  migration: RecordedRename;
  before: RelationFacts;
  table: RelationState | null;
  viewExists: boolean;
}

/** Expressions that may have named the view and name the table now. */
const REPOINTED = /^(policy|rule) /;

/** Checks that the old names are gone and that nothing else about the tables has changed. */
export function checkFinalized(states: FinalizedState[]): Verification {
  const wanted = ({ before }: FinalizedState) => qualified(before.schema, before.name);
  return verification([
    check(
      "tables have their new names",
      states.flatMap((state) => otherName(wanted(state), state.table)),
    ),
    check(
      "compatibility views are gone",
      states.flatMap(({ migration: { schema_name, old_name }, viewExists }) =>
        viewLeft(qualified(schema_name, old_name), viewExists)
      ),
    ),
    check(
      "tables are otherwise as before",
      states.flatMap((state) =>
        state.table === null ? [] : prefixed(
          wanted(state),
          differences(withoutRepointed(state.before), withoutRepointed(state.table)),
        )
      ),
    ),
  ]);
}

const withoutRepointed = (relation: RelationState): Fingerprint =>
  Object.fromEntries(
    Object.entries(fingerprint(relation)).map(([object, text]) => [
      object,
      REPOINTED.test(object) ? "there" : text,
    ]),
  );

/** If the state right after the rename is not known, what others did since looks like what the rename did. */
function withDoubt(found: Check, unknown: boolean): Check {
  if (found.passed || !unknown) return found;
  return {
    ...found,
    detail:
      `${found.detail}; what others changed since the rename cannot be distinguished from this, ` +
      "since the state right after it was not kept: it came by a migration file, or was cut off",
  };
}

/**
 * What differs but for the names of renamed tables: where a neighbour is still renamed, a foreign key to it
 * or a policy that reads it looks otherwise than before, as it should.
 */
function differencesButNames(
  before: Fingerprint,
  after: Fingerprint,
  active: Names[],
): Difference[] {
  const changed = differences(before, after);
  if (changed.length === 0 || active.length === 0) return changed;
  const canonical = (print: Fingerprint) =>
    Object.fromEntries(
      Object.entries(print).map(([object, text]) => [
        NAMES_TABLES.test(object) ? withOneName(object, active) : object,
        withOneName(text, active),
      ]),
    );
  const still = new Set(
    differences(canonical(before), canonical(after)).map(({ object }) => object),
  );
  return changed.filter(({ object }) =>
    still.has(object) || (NAMES_TABLES.test(object) && still.has(withOneName(object, active)))
  );
}

/** A text with one name for each renamed table, whether it had the old one or the new one. */
function withOneName(text: string, active: Names[]): string {
  return active.reduce((result, { schema_name, old_name, new_name }) => {
    const schema = spellings(schema_name);
    const name = `${spellings(old_name)}|${spellings(new_name)}`;
    // Qualified, or as the qualifier of a column.
    const pattern = `(?<![\\w$".])(?:(?:${schema})\\.(?:${name})(?![\\w$])|(?:${name})(?=\\.))`;
    return result.replace(
      new RegExp(pattern, "g"),
      (found) => found.includes(".") ? qualified(schema_name, new_name) : ident(new_name),
    );
  }, text);
}

/** A name as the server may spell it: quoted, or plain where it can be; which words it quotes depends. */
const spellings = (name: string): string =>
  [ident(name), ...(/^[a-z_][a-z0-9_$]*$/.test(name) ? [name] : [])].map(escaped).join("|");

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** That a table has another name than it should have, or is gone. */
export function otherName(
  wanted: string,
  table: Pick<RelationState, "schema" | "name"> | null,
): Difference[] {
  const now = table && qualified(table.schema, table.name);
  return now === wanted ? [] : [{ object: wanted, before: wanted, after: now }];
}

export const viewLeft = (object: string, exists: boolean): Difference[] =>
  exists ? [{ object, before: null, after: "the view is still there" }] : [];

const MAX_DIFFERENCES = 50;

export function check(name: string, found: Difference[]): Check {
  if (found.length === 0) return { name, passed: true };
  return {
    name,
    passed: false,
    detail: `${found.length} ${found.length === 1 ? "difference" : "differences"}`,
    differences: found.slice(0, MAX_DIFFERENCES),
  };
}

export const verification = (checks: Check[]): Verification => ({
  passed: checks.every(({ passed }) => passed),
  checks,
});

const prefixed = (table: string, changed: Difference[]): Difference[] =>
  changed.map(({ object, ...rest }) => ({ object: `${table}: ${object}`, ...rest }));

const describe = (relation: RelationState | null) =>
  relation && `${relation.kind} with (${relation.options.join(", ")})`;

/** What differs beside the objects that have names of tables in them. */
function otherDifferences(
  before: RelationState,
  after: RelationState,
  active: Names[],
): Difference[] {
  const isOther = ({ object }: Difference) => !NAMES_TABLES.test(object);
  const differ = differences(fingerprint(before), fingerprint(after)).some(isOther);
  return differ ? differencesButNames(unnamed(before), unnamed(after), active) : [];
}

const unnamed = (relation: RelationState): Fingerprint =>
  Object.fromEntries(
    Object.entries(fingerprint(relation)).filter(([object]) => !NAMES_TABLES.test(object)),
  );

/** @param defaultOf The default that the column of a view has, or should have. */
function columnsOf<Column extends ColumnState>(
  relation: { columns: Column[]; comment: string | null },
  defaultOf: (column: Column) => string | null,
): Fingerprint {
  const comparable = relation.columns.map((column, index) => [
    `column ${column.name}`,
    [index + 1, column.type, column.collation, defaultOf(column), column.comment].map(String)
      .join(", "),
  ]);
  return { ...Object.fromEntries(comparable), comment: relation.comment ?? "" };
}

/** Who, but for the role `beside`, may do what. */
function privilegesOf({ acl, columns }: RelationState, beside: string | null): Fingerprint {
  return columns.every((column) => column.acl.length === 0)
    ? privilegesOfList(acl, beside)
    : privilegesIn({ acl, columns }, beside);
}

/** By the access control list of a relation, which many have, and the role. */
const byList = new WeakMap<Grant[], Map<string | null, Fingerprint>>();

function privilegesOfList(acl: Grant[], beside: string | null): Fingerprint {
  const byRole = byList.get(acl) ?? new Map<string | null, Fingerprint>();
  byList.set(acl, byRole);
  const privileges = byRole.get(beside) ?? privilegesIn({ acl, columns: [] }, beside);
  byRole.set(beside, privileges);
  return privileges;
}

function privilegesIn(lists: PrivilegeLists<Grant>, beside: string | null): Fingerprint {
  return Object.fromEntries(
    effectivePrivileges(lists)
      .filter(({ grantee }) => beside === null || grantee !== beside)
      .map(({ column, grantable, ...privilege }) => [
        `${column === null ? "table" : `column ${column}`}: ${
          privilegeText({ ...privilege, column: null })
        }`,
        grantable ? "with grant option" : "granted",
      ]),
  );
}
