/** Changes that were made on a compatibility view alone, and would be lost with it. */
import type { LocatedMigration } from "../facts/migration.ts";
import type { Difference, Finding, Statement } from "../contract/responses.ts";
import {
  checkPrivileges,
  type PrivilegeChange,
  privilegeChanges,
  privilegeStatements,
  withChanges,
} from "./view/carried_privileges.ts";
import type { Check } from "./verification/checks.ts";
import { viewDefault } from "./view/column_defaults.ts";
import type { ColumnFacts, RelationFacts } from "../facts/facts.ts";
import { differences, type Fingerprint, fingerprint, isPrivileges } from "../facts/fingerprint.ts";
import { privilegeText } from "../facts/privileges.ts";
import { qualified } from "../sql/quoting.ts";

export interface ViewOnlyChanges {
  /** By step. */
  findings: Finding[][];
  /** Changes of privileges that are made on the tables instead, under their last names. */
  statements: Statement[];
  /** Checks that the tables have these privileges then, and no others; null where none are changed. */
  check: Check | null;
  /** A table as it is after these changes. */
  afterwards: (table: RelationFacts) => RelationFacts;
}

/**
 * Compares the views with their state when they were made.
 *
 * @param carryPrivileges Whether privileges that were changed on the views are changed on the tables, too.
 * @param lastName The name that a table has in the end.
 */
export function viewOnlyChanges(
  steps: LocatedMigration[],
  carryPrivileges: boolean,
  sessionUser: string,
  lastName: (table: RelationFacts) => string,
): ViewOnlyChanges {
  const carried = new Map<number, RelationFacts>();
  const statements: Statement[] = [];
  const findings = steps.map((step) => {
    const table = carried.get(step.table.oid) ?? step.table;
    const only = viewOnlyChange({ ...step, table }, carryPrivileges);
    if (only.carried.length > 0) {
      carried.set(table.oid, withChanges(table, only.carried));
      const target = qualified(table.schema, lastName(step.table));
      statements.push(...privilegeStatements(table, only.carried, target, sessionUser));
    }
    return only.findings;
  });
  const changed = steps.map(({ table }) => table).filter(({ oid }, index) =>
    carried.has(oid) && steps.findIndex(({ table }) => table.oid === oid) === index
  );
  return {
    findings,
    statements,
    check: changed.length === 0 ? null : checkPrivileges(
      changed.map((table) => ({ name: lastName(table), table: carried.get(table.oid)! })),
      "Check that the tables have the privileges that were carried, and no others",
    ),
    afterwards: (table) => carried.get(table.oid) ?? table,
  };
}

function viewOnlyChange(
  { migration, table, view }: LocatedMigration,
  carryPrivileges: boolean,
): { findings: Finding[]; carried: PrivilegeChange[] } {
  const recorded = migration.fingerprint.view;
  if (view === null || recorded === null) return { findings: [], carried: [] };
  const object = qualified(migration.schema_name, migration.old_name);
  const onTable = qualified(table.schema, table.name);
  const now = fingerprint(table);
  const changed = differences(recorded, fingerprint(recordedLike(recorded, view)))
    .filter(({ object, after }) => (now[object] ?? null) !== after)
    .filter(({ object }) => !sameColumnOnTable(object, table, view));
  const others = changed.filter(({ object }) => !isPrivileges(object));

  const findings: Finding[] = [];
  const { changes, impossible } = privilegeChanges(table, view, recorded);
  const carried = carryPrivileges ? changes : [];
  if (carried.length > 0) {
    findings.push({
      code: "view_grants_carried",
      severity: "info",
      object,
      message: `Privileges that were changed on the view alone are changed on the table: ${
        inWords(carried)
      }.`,
      remedy: "Nothing to do.",
    });
  }
  const remaining = carryPrivileges ? impossible : [...changes, ...impossible];
  if (remaining.length > 0) {
    const wider = remaining.filter(({ from, to }) => to < from);
    findings.push({
      code: "view_grants_changed",
      severity: "breaking",
      object,
      message:
        `Privileges were changed on the view alone and would be lost with it: ${
          inWords(remaining)
        }. The table has what it had` + (wider.length === 0
          ? "."
          : `, and is more open than the view: ${
            wider.map(privilegeText).join(", ")
          } was revoked on the view only.`),
      remedy: carryPrivileges
        ? `These cannot be carried, since this role cannot act for who granted them, or they were given on. ` +
          `Grant or revoke the same on ${onTable}, or acknowledge that they are lost.`
        : `Grant or revoke the same on ${onTable}, send "carry_privileges": true to have that done, or ` +
          "acknowledge that they are lost.",
    });
  }
  if (others.length > 0) {
    findings.push({
      code: "view_changed",
      severity: "breaking",
      object,
      message: `The view was changed and the change would be lost with it: ${
        listDifferences(others)
      }.`,
      remedy: `Make the change on ${onTable} instead, or acknowledge that it is lost.`,
    });
  }
  return { findings, carried };
}

/** The view with the digest of its query as the record has it: earlier versions recorded another one. */
const recordedLike = ({ query }: Fingerprint, view: RelationFacts): RelationFacts =>
  query === view.view_query_with_names ? { ...view, view_query: query } : view;

function inWords(changes: PrivilegeChange[]): string {
  return changes.map((change) =>
    change.to > change.from
      ? `${privilegeText(change)} (granted${change.to === 2 ? " with grant option" : ""})`
      : `${privilegeText(change)} (${change.to === 1 ? "grant option " : ""}revoked)`
  ).join(", ");
}

/** Whether the object is a column that has the type, default and comment of the table's on the view, too. */
function sameColumnOnTable(object: string, table: RelationFacts, view: RelationFacts): boolean {
  const named = (column: ColumnFacts) => `column ${column.name}` === object;
  const [onTable, onView] = [table.columns.find(named), view.columns.find(named)];
  return onTable !== undefined && onView !== undefined && onTable.type === onView.type &&
    viewDefault(onTable) === viewDefault(onView) && onTable.comment === onView.comment;
}

const MAX_LISTED = 10;

/** Differences as a list for a message. */
export function listDifferences(changed: Difference[]): string {
  const names = changed.slice(0, MAX_LISTED).map(({ object, before, after }) =>
    `${object} (${before === null ? "added" : after === null ? "removed" : "changed"})`
  );
  const more = changed.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
