/**
 * Where a compatibility view is no longer true to its table: columns, defaults, privileges, owner, and above
 * all row-level security. A refresh makes it true again.
 */
import type { FindingCode } from "../contract/findings.ts";
import type { Finding } from "../contract/responses.ts";
import { viewDefault } from "../plan/column_defaults.ts";
import type { DriftColumn, DriftRelation } from "../facts/drift_facts.ts";
import { isSecurityInvoker } from "../findings/view_findings.ts";
import { qualified } from "../sql/quoting.ts";
import { runsAsInvoker } from "../sql/stored_view.ts";
import { effectivePrivileges, privilegesBeyond, privilegeText } from "../facts/privileges.ts";

/** Codes of drift that lets somebody see or do what the table forbids; it is never only told when asked. */
export const SECURITY_DRIFT = new Set(["row_security_bypassed", "view_wider_than_table"]);

const REFRESH = "Refresh the view.";

/**
 * What differs between a compatibility view and its table.
 *
 * @param without Columns that the view leaves out on purpose.
 */
export function viewDrift(
  table: DriftRelation,
  view: DriftRelation,
  without: string[],
): Finding[] {
  const object = qualified(view.schema, view.name);
  const findings: Finding[] = [];
  const add = (
    code: FindingCode,
    severity: Finding["severity"],
    message: string,
    remedy = REFRESH,
  ) => findings.push({ code, severity, object, message, remedy });

  if (table.row_security && !runsAsInvoker(view)) {
    add(
      "row_security_bypassed",
      "breaking",
      "The view runs with its owner's rights, and the table has row-level security: through the old name " +
        "everybody who may read it sees every row.",
      "Refresh the view at once; until then revoke the privileges on it.",
    );
  } else if (runsAsInvoker(view) !== isSecurityInvoker(table)) {
    add(
      "view_options_changed",
      "warning",
      runsAsInvoker(view)
        ? "The view runs with its caller's rights; with the columns that are granted now, it would have to run " +
          "with its owner's, since who may read only some columns can read nothing through it."
        : "The view runs with its owner's rights, and no longer has to.",
    );
  }
  addColumnDrift(table, view, without, add);
  addRightsDrift(table, view, without, add);
  if (view.owner !== table.owner) {
    add(
      "view_owner_changed",
      "warning",
      `The view belongs to "${view.owner}", the table to "${table.owner}".`,
      `${REFRESH} It is given to the table's owner where that is possible.`,
    );
  }
  const users = table.row_type.users.map(({ identity }) => identity);
  if (users.length > 0 && !view.row_type.casts.some(({ target }) => target === table.oid)) {
    add(
      "row_cast_missing",
      "warning",
      `Something takes rows of the table, and rows of the old name are none: ${
        listed(users)
      } fail with them (42883 or 42703).`,
    );
  }
  const invoked = view.dependants.filter(({ kind }) => kind === "view");
  if (table.row_security && invoked.length > 0) {
    add(
      "plain_view_changes_meaning",
      "warning",
      `Views were built on the view: ${
        listed(invoked.map(({ identity }) => identity))
      }. While it stands, they ` +
        "show what their caller may see of the table; built on a table, a view without security_invoker shows " +
        "what its owner may see, and will when the old name goes.",
      "Give them security_invoker = true, if callers should see only their own rows.",
    );
  }
  return findings;
}

type Add = (
  code: FindingCode,
  severity: Finding["severity"],
  message: string,
  remedy?: string,
) => void;

const MAX_LISTED = 10;

function listed(names: string[]): string {
  const more = names.length - MAX_LISTED;
  return names.slice(0, MAX_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function addColumnDrift(
  table: DriftRelation,
  view: DriftRelation,
  without: string[],
  add: Add,
): void {
  const wanted = table.columns.filter(({ name }) => !without.includes(name));
  const shape = (columns: DriftColumn[]) =>
    columns.map(({ name, type, collation }) => JSON.stringify([name, type, collation]));
  if (shape(wanted).join() !== shape(view.columns).join()) {
    const names = (columns: DriftColumn[]) => columns.map(({ name }) => name);
    const [missing, gone] = [
      wanted.filter(({ name }) => !names(view.columns).includes(name)),
      view.columns.filter(({ name }) => !names(table.columns).includes(name)),
    ].map(names);
    const what = [
      missing.length > 0 ? `not seen through the view: ${listed(missing)}` : null,
      gone.length > 0 ? `renamed or replaced on the table: ${listed(gone)}` : null,
    ].filter((part) => part !== null);
    add(
      "view_columns_differ",
      "warning",
      `The table's columns have changed since the view was made; ${
        what.join("; ") || "their types or their order differ"
      }.`,
    );
  }
  const onTable = new Map(wanted.map((column) => [column.name, column]));
  const differing = view.columns.filter((column) => {
    const own = onTable.get(column.name);
    return own !== undefined && viewDefault(own) !== column.default;
  }).map(({ name }) => name);
  if (differing.length > 0) {
    add(
      "view_defaults_differ",
      "warning",
      `The defaults of ${
        listed(differing)
      } differ between view and table: SET … = DEFAULT through the old ` +
        "name, and an INSERT where the view has a default, write another value than through the new one.",
    );
  }
}

function addRightsDrift(
  table: DriftRelation,
  view: DriftRelation,
  without: string[],
  add: Add,
): void {
  // Whoever owns the view in the table owner's stead has an owner's rights to it.
  const ofOthers = (relation: DriftRelation) =>
    effectivePrivileges(relation).filter(({ column, grantee }) =>
      (view.owner === table.owner || (grantee !== view.owner && grantee !== table.owner)) &&
      (column === null || !without.includes(column))
    );
  const [onTable, onView] = [ofOthers(table), ofOthers(view)];
  const narrower = privilegesBeyond(onTable, onView).map(privilegeText);
  const wider = privilegesBeyond(onView, onTable).map(privilegeText);
  const name = qualified(table.schema, table.name);
  if (narrower.length > 0) {
    add(
      "table_wider_than_view",
      "warning",
      `Granted on the table and not on the view: ${
        listed(narrower)
      }. Where it was revoked on the old name, ` +
        `${name} is still open.`,
      `Revoke it on ${name} too, or refresh the view to grant it there again.`,
    );
  }
  if (wider.length > 0) {
    add(
      "view_wider_than_table",
      runsAsInvoker(view) ? "warning" : "breaking",
      `Granted on the view and not on the table: ${listed(wider)}.` +
        (runsAsInvoker(view)
          ? ` It has no effect, since the view runs with its caller's rights.`
          : ` The view runs with its owner's rights, so it does give access.`),
      `Grant it on ${name} if it is meant, or refresh the view to take it away.`,
    );
  }
}
