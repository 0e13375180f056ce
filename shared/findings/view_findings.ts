/** Findings about the compatibility view of a table that is to be renamed. */
import type { FindingCode } from "../contract/findings.ts";
import type { Finding } from "../contract/responses.ts";
import type { DriftRelation } from "../facts/drift_facts.ts";
import type { RelationFacts, RowTypeUser } from "../facts/facts.ts";
import type { AclEntry } from "../facts/privileges.ts";
import { identityFindings } from "../plan/view/column_defaults.ts";
import { ident, qualified } from "../sql/quoting.ts";

function partialReaders({ columns }: Pick<DriftRelation, "columns">): string[] {
  return [...new Set(columns.flatMap((column) => column.partial_readers))].sort();
}

/**
 * Whether the compatibility view runs with its caller's rights (security_invoker). It does, except over a table
 * without row-level security of which a role may read only some columns: the view refers to every column, so
 * that this role could read nothing through a security-invoker view. If the owner has revoked rights from itself
 * that others have, a view with the owner's rights would not work either.
 */
export function isSecurityInvoker(
  table: Pick<DriftRelation, "row_security" | "owner" | "acl" | "columns">,
): boolean {
  return table.row_security || partialReaders(table).length === 0 || ownerLacksRights(table);
}

function ownerLacksRights(
  { owner, acl, columns }: Pick<DriftRelation, "owner" | "acl" | "columns">,
): boolean {
  const owners = new Set(
    acl.filter(({ grantee }) => grantee === owner || grantee === null)
      .map(({ privilege }) => privilege),
  );
  return [...acl, ...columns.flatMap((column) => column.acl)].some(({ privilege }) =>
    ["SELECT", "INSERT", "UPDATE", "DELETE"].includes(privilege) && !owners.has(privilege)
  );
}

export function viewFindings(
  table: RelationFacts,
  view: { owner: string; replaced: AclEntry[]; rowCast: string | null },
): Finding[] {
  const object = qualified(table.schema, table.name);
  const findings: Finding[] = [];
  const add = (
    code: FindingCode,
    severity: Finding["severity"],
    message: string,
    remedy: string,
  ) => findings.push({ code, severity, object, message, remedy });

  if (table.columns.length === 0) {
    add(
      "no_columns",
      "warning",
      "The table has no columns: nothing can be inserted through a view without columns (55000).",
      "Insert through the new name.",
    );
  }
  const partial = partialReaders(table);
  const readers = partial.join(", ");
  if (readers !== "" && isSecurityInvoker(table)) {
    add(
      "column_grants",
      "breaking",
      `${readers} may read only some columns. Through the old name they will read nothing (42501)` +
        (table.row_security
          ? ", because a view that honours row-level security needs the right to read every column."
          : "; a view with its owner's rights would not help, because the owner lacks rights that others have."),
      `If they may read all of it: grant select on ${object} to ${
        partial.map((role) => role === "PUBLIC" ? "public" : ident(role)).join(", ")
      }. Or make them use the new name, or acknowledge.`,
    );
  } else if (readers !== "") {
    add(
      "column_grants",
      "warning",
      `${readers} may read only some columns. Therefore the view runs with its owner's rights and has the same ` +
        "column grants; if row-level security is enabled on the table later, the view will bypass it.",
      "Do not enable row-level security on the table before the rename is finalized.",
    );
  }
  findings.push(...identityFindings(table.columns).map((one) => ({ ...one, object })));
  addRowTypeFindings(table, view.rowCast, (...rest) => add("row_type_functions", ...rest));
  if (view.owner !== table.owner) {
    add(
      "view_owner",
      "warning",
      `The view will belong to "${view.owner}", not to the table's owner "${table.owner}", which may ` +
        "not create in this schema, or of which this role is not a member.",
      `To give the view to "${table.owner}": grant create on schema ${ident(table.schema)} to ${
        ident(table.owner)
      }; grant ${ident(table.owner)} to ${ident(view.owner)}.`,
    );
  }
  if (view.replaced.length > 0) {
    const grantors = [...new Set(view.replaced.map((entry) => entry.grantor))].sort().join(", ");
    add(
      "grantor_replaced",
      "warning",
      `Privileges granted by ${grantors} will be granted on the view by its owner, because this ` +
        "role cannot grant in their name. Who may do what stays the same.",
      "Nothing to do; to keep the grantors, grant membership in those roles to this role.",
    );
  }
  return findings;
}

/** What happens to calls with rows of the old name: the cast makes most of them work. */
function addRowTypeFindings(
  { schema, row_type: { users, inherited_functions } }: RelationFacts,
  rowCast: string | null,
  add: (severity: Finding["severity"], message: string, remedy: string) => void,
): void {
  const listed = (some: RowTypeUser[]) =>
    some.map(({ kind, identity }) => `${kind} ${identity}`).join(", ");
  const remedy = "Call them with rows of the new name, or acknowledge.";
  const ambiguous = users.filter((user) => user.ambiguous);
  const clear = users.filter((user) => !user.ambiguous);
  if (rowCast !== null && clear.length > 0) {
    add(
      "info",
      `These take rows of the table: ${listed(clear)}. They will take rows of the old name too ` +
        "(computed fields of the Data API among them), by an implicit cast that is created with " +
        `the view and calls ${qualified(schema, rowCast)}.`,
      "Nothing to do. In such rows a column added to the table later is NULL until the view is refreshed.",
    );
  }
  if (rowCast !== null && ambiguous.length > 0) {
    add(
      "breaking",
      "These are casts of the table's row type, or have the name of something that takes rows of any type: " +
        `${listed(ambiguous)}. With rows of the old name, calls are ambiguous (42725), fail ` +
        "(42846), or use the cast that every row type has.",
      remedy,
    );
  }
  if (rowCast === null && users.length > 0) {
    add(
      "breaking",
      `These take rows of the table: ${listed(users)}. With rows of the old name they fail with ` +
        "42883, 42703 or 42804 (computed fields of the Data API among them), because this role may not create the " +
        "SQL function that would convert such rows.",
      "Grant this role usage on language sql, call them with rows of the new name, or acknowledge.",
    );
  }
  if (inherited_functions.length > 0) {
    add(
      "breaking",
      `With rows of the old name these fail with 42883: ${inherited_functions.join(", ")}. They ` +
        "take rows of a table that this one inherits from, and a view does not inherit.",
      remedy,
    );
  }
}
