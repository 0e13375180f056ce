/** What must hold after a rename or a rollback, as checks over facts. */
import type { TrackedRename } from "../../facts/migration.ts";
import type { Check, Difference, Verification } from "../../contract/responses.ts";
import { viewDefault } from "../column_defaults.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import { differences, type Fingerprint, fingerprint } from "../../facts/fingerprint.ts";
import { ident, qualified } from "../../sql/quoting.ts";
import type { PlannedTable } from "../rename.ts";
import type { RolledBackTable } from "../rollback.ts";
import { comparableOptions } from "../../sql/stored_view.ts";

type Names = Pick<TrackedRename, "schema_name" | "old_name" | "new_name">;

export interface RenamedState {
  planned: PlannedTable;
  /** The table, found by OID. */
  table: RelationFacts | null;
  /** What has the old name. */
  view: RelationFacts | null;
}

/** Texts in which a table's or a neighbour's name stands, so that they change with it. */
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
    const now = one.table && qualified(one.table.schema, one.table.name);
    const wanted = qualified(rename.schema, rename.new_name);
    if (now !== wanted) name.push({ object: wanted, before: wanted, after: now });
    if (one.table === null) continue;

    const changed = differencesButNames(unnamed(before), unnamed(one.table), renames);
    state.push(...prefixed(wanted, changed));
    if (plannedView === null) continue;

    const old = qualified(rename.schema, rename.old_name);
    const options = plannedView.securityInvoker ? "security_invoker=true" : "";
    if (one.view?.kind !== "v" || comparableOptions(one.view.options).join() !== options) {
      view.push({ object: old, before: `a view with (${options})`, after: describe(one.view) });
      continue;
    }
    columns.push(
      ...prefixed(old, differencesButNames(columnsOf(before), columnsOf(one.view), renames)),
    );
    // Whoever owns the view in the table owner's stead has all rights to it, and to the table by membership.
    const beside = plannedView.owner === before.owner ? null : plannedView.owner;
    const [wantedRights, rights] = [privilegesOf(before, beside), privilegesOf(one.view, beside)];
    privileges.push(...prefixed(old, differences(wantedRights, rights)));
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
  states: { planned: RolledBackTable; table: RelationFacts | null; viewExists: boolean }[],
  active: TrackedRename[],
): Verification {
  const names: Difference[] = [];
  const views: Difference[] = [];
  const state: Difference[] = [];
  const keptSince: Difference[] = [];
  for (const { planned, table, viewExists } of states) {
    const { migration, kept } = planned;
    const old = qualified(migration.schema_name, migration.old_name);
    const now = table && qualified(table.schema, table.name);
    if (now !== old) names.push({ object: old, before: old, after: now });
    if (viewExists) views.push({ object: old, before: null, after: "the view is still there" });
    if (table === null) continue;

    const changed = differencesButNames(migration.fingerprint.before, fingerprint(table), active);
    const known = new Set((kept ?? []).map(({ object }) => object));
    // What changed about an index since counts under its earlier name, too.
    for (const { from, to } of migration.indexes) {
      for (const kind of ["index", "constraint"]) {
        if (known.has(`${kind} ${to}`)) known.add(`${kind} ${from}`);
      }
    }
    state.push(...prefixed(old, changed.filter(({ object }) => !known.has(object))));
    keptSince.push(...prefixed(old, changed.filter(({ object }) => known.has(object))));
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

/** Where the state right after the rename is not known, what others did since looks like what the rename did. */
function withDoubt(found: Check, unknown: boolean): Check {
  if (found.passed || !unknown) return found;
  return {
    ...found,
    detail:
      `${found.detail}; what others changed since the rename cannot be told apart from this, ` +
      "since the state right after it was not kept: it came by a migration file, or was cut off",
  };
}

/**
 * What differs but for the names of renamed tables: where a neighbour is still renamed, a foreign key to it
 * or a policy that reads it looks otherwise than before, and rightly so.
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

/** A text in which each renamed table goes by one name, whether the text says the old one or the new one. */
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

/** Most differences that one check lists. */
const MAX_DIFFERENCES = 50;

/** A check that passed unless something was found. */
export function check(name: string, found: Difference[]): Check {
  if (found.length === 0) return { name, passed: true };
  return {
    name,
    passed: false,
    detail: `${found.length} ${found.length === 1 ? "difference" : "differences"}`,
    differences: found.slice(0, MAX_DIFFERENCES),
  };
}

/** Passed if every check is. */
export const verification = (checks: Check[]): Verification => ({
  passed: checks.every(({ passed }) => passed),
  checks,
});

const prefixed = (table: string, changed: Difference[]): Difference[] =>
  changed.map(({ object, ...rest }) => ({ object: `${table}: ${object}`, ...rest }));

const describe = (relation: RelationFacts | null) =>
  relation && `${relation.kind} with (${relation.options.join(", ")})`;

function unnamed(relation: RelationFacts): Fingerprint {
  return pick(fingerprint(relation), (object) => !NAMES_TABLES.test(object));
}

function columnsOf(relation: RelationFacts): Fingerprint {
  const comparable = relation.columns.map((column, index) => [
    `column ${column.name}`,
    [
      index + 1,
      column.type,
      column.collation,
      viewDefault(column),
      column.comment,
    ].map(String).join(", "),
  ]);
  return { ...Object.fromEntries(comparable), comment: relation.comment ?? "" };
}

/** Whoever granted, and however often: what counts is who, but for the role `beside`, may do what. */
function privilegesOf(relation: RelationFacts, beside: string | null): Fingerprint {
  const entries = [
    ...relation.acl.map((entry) => ({ entry, on: "table" })),
    ...relation.columns.flatMap((column) =>
      column.acl.map((entry) => ({ entry, on: `column ${column.name}` }))
    ),
  ];
  const rights: Fingerprint = {};
  for (const { entry: { privilege, grantee, grantable }, on } of entries) {
    if (beside !== null && grantee === beside) continue;
    const right = `${on}: ${privilege} to ${grantee ?? "PUBLIC"}`;
    if (grantable) rights[right] = "with grant option";
    else rights[right] ??= "granted";
  }
  return rights;
}

const pick = (print: Fingerprint, wanted: (object: string) => boolean): Fingerprint =>
  Object.fromEntries(Object.entries(print).filter(([object]) => wanted(object)));
