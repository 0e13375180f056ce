/**
 * Where a compatibility view no longer matches its table: columns, defaults, privileges, owner and, above all,
 * row-level security. A refresh fixes it.
 */
import type { FindingCode } from "../contract/findings.ts";
import type { Finding } from "../contract/responses.ts";
import type { DriftColumn, DriftRelation } from "../facts/drift_facts.ts";
import { isSecurityInvoker } from "../findings/view_findings.ts";
import { viewDefault } from "../plan/view/column_defaults.ts";
import { listed as listedUpTo } from "../findings/wording.ts";
import { qualified } from "../sql/quoting.ts";
import { runsAsInvoker } from "../sql/stored_view.ts";
import { effectivePrivileges, privilegesBeyond, privilegeText } from "../facts/privileges.ts";

const REFRESH = "Refresh the view.";

type Add = (
  code: FindingCode,
  severity: Finding["severity"],
  message: string,
  remedy?: string,
) => void;

/** @param without Columns that the view leaves out on purpose. */
export function viewDrift(
  table: DriftRelation,
  view: DriftRelation,
  without: string[],
): Finding[] {
  const object = qualified(view.schema, view.name);
  const findings: Finding[] = [];
  const add: Add = (code, severity, message, remedy = REFRESH) =>
    findings.push({ code, severity, object, message, remedy });

  const asInvoker = runsAsInvoker(view);
  if (table.row_security && !asInvoker) {
    add(
      "row_security_bypassed",
      "breaking",
      "The table has row-level security, but the view runs with its owner's rights: whoever may read the old name " +
        "sees every row.",
      "Refresh the view now, or revoke the privileges on it until then.",
    );
  } else if (asInvoker !== isSecurityInvoker(table)) {
    add(
      "view_options_changed",
      "warning",
      asInvoker
        ? "The view runs with its caller's rights. With the present column grants it should run with its owner's " +
          "rights, because roles that may read only some columns can read nothing through it."
        : "The view runs with its owner's rights, which is no longer necessary.",
    );
  }
  addColumnDrift(table, view, without, add);
  addRightsDrift(table, view, without, add);
  if (view.owner !== table.owner) {
    add(
      "view_owner_changed",
      "warning",
      `The view belongs to "${view.owner}", the table to "${table.owner}".`,
      `${REFRESH} This gives it to the table's owner, if possible.`,
    );
  }
  const users = listed(table.row_type.users.map(({ identity }) => identity));
  if (users !== "" && !view.row_type.casts.some(({ target }) => target === table.oid)) {
    add(
      "row_cast_missing",
      "warning",
      `These take rows of the table, and fail with rows of the old name (42883 or 42703): ${users}.`,
    );
  }
  const views = listed(
    view.dependants.filter(({ kind }) => kind === "view").map(({ identity }) => identity),
  );
  if (table.row_security && views !== "") {
    add(
      "plain_view_changes_meaning",
      "warning",
      `These views are built on the view: ${views}. Now they show what their caller may see of the ` +
        "table. When the old name is gone they are built on the table, and each " +
        "without security_invoker shows what its owner may see.",
      "Set security_invoker = true on them if callers should see only their own rows: alter view … set " +
        "(security_invoker = true).",
    );
  }
  return findings;
}

const listed = (names: string[]) => listedUpTo(names, 10);

function addColumnDrift(
  table: DriftRelation,
  view: DriftRelation,
  without: string[],
  add: Add,
): void {
  const wanted = table.columns.filter(({ name }) => !without.includes(name));
  const shape = (columns: DriftColumn[]) =>
    JSON.stringify(columns.map(({ name, type, collation }) => [name, type, collation]));
  if (shape(wanted) !== shape(view.columns)) {
    const namesNotIn = (some: DriftColumn[], others: DriftColumn[]) =>
      some.map(({ name }) => name).filter((name) => !others.some((other) => other.name === name));
    const missing = namesNotIn(wanted, view.columns);
    const gone = namesNotIn(view.columns, table.columns);
    const what = [
      ...(missing.length > 0 ? [`not in the view: ${listed(missing)}`] : []),
      ...(gone.length > 0 ? [`renamed or replaced in the table: ${listed(gone)}`] : []),
    ].join("; ") || "their types or their order differ";
    add(
      "view_columns_differ",
      "warning",
      `The table's columns have changed since the view was created; ${what}.`,
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
      `View and table have different defaults for ${listed(differing)}: INSERT and SET … = ` +
        "DEFAULT may write other values through the old name than through the new one.",
    );
  }
}

function addRightsDrift(
  table: DriftRelation,
  view: DriftRelation,
  without: string[],
  add: Add,
): void {
  // If another role owns the view, it has an owner's rights to it.
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
      `Granted on the table but not on the view: ${listed(narrower)}. If it was revoked on the ` +
        `old name, it is still granted on ${name}.`,
      `Revoke it on ${name} too, or refresh the view to grant it there again.`,
    );
  }
  if (wider.length > 0) {
    const asInvoker = runsAsInvoker(view);
    add(
      "view_wider_than_table",
      asInvoker ? "warning" : "breaking",
      `Granted on the view but not on the table: ${listed(wider)}. ` +
        (asInvoker
          ? "It has no effect, because the view runs with its caller's rights."
          : "It does give access, because the view runs with its owner's rights."),
      `Grant it on ${name} if it is intended, or refresh the view to revoke it.`,
    );
  }
}
