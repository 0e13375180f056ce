/**
 * Findings: what the caller should know before a table is renamed. Codes are stable; a breaking one stops
 * an apply unless the caller acknowledges its code.
 */
import type { AclEntry } from "../facts/privileges.ts";
import type { FindingCode } from "../contract/findings.ts";
import type { Finding } from "../contract/responses.ts";
import { identityFindings } from "../plan/column_defaults.ts";
import type { DriftRelation } from "../facts/drift_facts.ts";
import type { RelationFacts, RowTypeUser } from "../facts/facts.ts";
import { called } from "./object_findings.ts";
import { qualified } from "../sql/quoting.ts";

/** Who would be able to read something of the table, but not all of its columns. */
export function partialReaders(table: Pick<DriftRelation, "columns">): string[] {
  return [...new Set(table.columns.flatMap((column) => column.partial_readers))].sort();
}

/**
 * Whether the compatibility view runs with its caller's rights. It does, except over a table without
 * row-level security on which some role may read only some columns: through a security-invoker view, which
 * refers to every column, that role could read nothing at all. Nor through a view with its owner's rights
 * where the owner has given up rights that others have.
 */
export function isSecurityInvoker(
  table: Pick<DriftRelation, "row_security" | "owner" | "acl" | "columns">,
): boolean {
  return table.row_security || partialReaders(table).length === 0 || ownerLacksRights(table);
}

function ownerLacksRights(table: Pick<DriftRelation, "owner" | "acl" | "columns">): boolean {
  const owners = new Set(
    table.acl.filter(({ grantee }) => grantee === table.owner || grantee === null)
      .map(({ privilege }) => privilege),
  );
  return [...table.acl, ...table.columns.flatMap(({ acl }) => acl)].some(({ privilege }) =>
    ["SELECT", "INSERT", "UPDATE", "DELETE"].includes(privilege) && !owners.has(privilege)
  );
}

/**
 * Findings about a table that is to be renamed, with a compatibility view or (null) without.
 *
 * @param newName Null where none is chosen yet.
 */
export function renameFindings(
  table: RelationFacts,
  newName: string | null,
  view: { owner: string; replaced: AclEntry[]; rowCast: string | null } | null,
): Finding[] {
  const object = qualified(table.schema, table.name);
  const findings: Finding[] = [];
  const add = (
    code: FindingCode,
    severity: Finding["severity"],
    message: string,
    remedy: string,
  ) => findings.push({ code, severity, object, message, remedy });

  const realtime = table.publications.filter((p) => p.name === "supabase_realtime");
  if (realtime.length > 0) {
    add(
      "realtime_publication",
      "breaking",
      `The table is in the publication supabase_realtime. Its changes will be published under ${
        called(newName)
      }; ` +
        "Realtime subscriptions to the old name receive nothing, since a view cannot be published.",
      "Subscribe to both names in the clients first, or acknowledge that subscriptions to the old name fall silent.",
    );
  }
  const others = table.publications.filter((p) => p.name !== "supabase_realtime").map((p) =>
    p.name
  );
  if (others.length > 0) {
    add(
      "publication_name_change",
      "warning",
      `Logical replication (${others.join(", ")}) will carry the changes under ${called(newName)}.`,
      "Rename the table on the subscribers in step, or have consumers expect both names.",
    );
  }
  if (view === null) return findings;

  if (table.columns.length === 0) {
    add(
      "no_columns",
      "warning",
      "The table has no columns: through a view without columns nothing can be inserted (55000).",
      "Insert through the new name.",
    );
  }
  const readers = partialReaders(table);
  if (readers.length > 0 && isSecurityInvoker(table)) {
    add(
      "column_grants",
      "breaking",
      `${
        readers.join(", ")
      } may read only some columns. Through the old name they will read nothing ` +
        (table.row_security
          ? "(42501), since a view that honours row-level security needs the right to every column it names."
          : "(42501): a view with its owner's rights would not do, since the owner lacks rights that others have."),
      "Grant them SELECT on the whole table, have them use the new name, or acknowledge.",
    );
  } else if (readers.length > 0) {
    add(
      "column_grants",
      "warning",
      `${
        readers.join(", ")
      } may read only some columns. The view therefore runs with its owner's rights and ` +
        "carries the same column grants; it would bypass row-level security if that were enabled on the table later.",
      "Enable row-level security on the table only after the old name is gone.",
    );
  }
  findings.push(...identityFindings(table.columns).map((one) => ({ ...one, object })));
  findings.push(...rowTypeFindings(table, view.rowCast));
  if (view.owner !== table.owner) {
    add(
      "view_owner",
      "warning",
      `The view will belong to "${view.owner}": the table's owner "${table.owner}" ` +
        "cannot own a view in this schema, or this role cannot become it.",
      `Grant "${table.owner}" CREATE on the schema, and this role membership in it, to have the view belong to it.`,
    );
  }
  if (view.replaced.length > 0) {
    const grantors = [...new Set(view.replaced.map((entry) => entry.grantor))].sort();
    add(
      "grantor_replaced",
      "warning",
      `Privileges granted by ${grantors.join(", ")} are granted on the view by its owner, ` +
        "since this role cannot act for them. Who may do what is the same.",
      "None needed; grant this role membership in those roles to keep the grantors.",
    );
  }
  return findings;
}

/** What becomes of calls with rows of the old name: the cast serves most, and what it cannot serve is told. */
function rowTypeFindings(table: RelationFacts, rowCast: string | null): Finding[] {
  const { users, inherited_functions } = table.row_type;
  const finding = (severity: Finding["severity"], message: string, remedy: string): Finding => ({
    code: "row_type_functions",
    severity,
    object: qualified(table.schema, table.name),
    message,
    remedy,
  });
  const listed = (some: RowTypeUser[]) =>
    some.map(({ kind, identity }) => `${kind} ${identity}`).join(", ");
  const findings: Finding[] = [];
  const remedy = "Call them with rows of the new name, or acknowledge.";
  const served = users.filter((user) => rowCast !== null && !user.ambiguous);
  if (served.length > 0) {
    findings.push(finding(
      "info",
      `On the table's row type: ${
        listed(served)
      }. Rows of the old name are taken too (computed fields of the ` +
        `Data API among them): ${
          qualified(table.schema, rowCast!)
        } and an implicit cast are made with the view.`,
      "None needed. A column that is added to the table is NULL in such rows until the view is refreshed.",
    ));
  }
  const ambiguous = users.filter((user) => user.ambiguous);
  if (rowCast !== null && ambiguous.length > 0) {
    findings.push(finding(
      "breaking",
      `Casts of the table's row type, or named like what takes rows of any type: ${
        listed(ambiguous)
      }. With rows ` +
        "of the old name, calls are ambiguous (42725), fail (42846), or mean the cast that every row has.",
      remedy,
    ));
  }
  if (rowCast === null && users.length > 0) {
    findings.push(finding(
      "breaking",
      `On the table's row type: ${
        listed(users)
      }. They follow the table; with rows of the old name (computed ` +
        "fields of the Data API among them) they fail with 42883, 42703 or 42804, since this role may not write " +
        "the function in SQL that would make such rows the table's.",
      "Grant this role usage on language sql, call them with rows of the new name, or acknowledge.",
    ));
  }
  if (inherited_functions.length > 0) {
    findings.push(finding(
      "breaking",
      `Functions on the row type of a table that this one inherits from: ${
        inherited_functions.join(", ")
      }. With ` +
        "rows of the old name they fail with 42883, since a view inherits from nothing.",
      remedy,
    ));
  }
  return findings;
}
