/** The compatibility view: the statements that make it, after the table has moved to its new name. */
import type { Statement } from "../contract/responses.ts";
import { isSecurityInvoker } from "./findings.ts";
import type { AclFacts, RelationFacts } from "./facts.ts";
import { grantStatements } from "./grants.ts";
import { ident, literal, qualified } from "./quoting.ts";

export interface ViewPlan {
  statements: Statement[];
  owner: string;
  securityInvoker: boolean;
  replaced: AclFacts[];
}

/**
 * Statements for the view with the table's present name over the table under `newName`.
 *
 * The view names its columns one by one, runs with its caller's rights wherever that keeps row-level
 * security and grants the same, belongs to the table's owner, and has the table's defaults (without them
 * `SET c = DEFAULT` through the view writes NULL), privileges and comments. Never rules, INSTEAD OF
 * triggers or `security_barrier`: they lose row-level security, ON CONFLICT or equal plans.
 *
 * @param replace Replaces the view that is there, whoever was granted something on it by whomever.
 */
export function compatibilityView(
  table: RelationFacts,
  newName: string,
  sessionUser: string,
  { replace = false }: { replace?: boolean } = {},
): ViewPlan {
  const view = qualified(table.schema, table.name);
  const securityInvoker = isSecurityInvoker(table);
  const ownerFits = table.owner === sessionUser || (table.owner_settable && table.owner_can_create);
  const owner = ownerFits ? table.owner : sessionUser;
  const columns = table.columns.map((column) => ident(column.name)).join(", ");
  const statements: Statement[] = [{
    sql:
      `create ${replace ? "or replace " : ""}view ${view}${
        securityInvoker ? " with (security_invoker = true)" : ""
      } as\n` +
      `  select ${columns}${columns === "" ? "" : " "}from ${qualified(table.schema, newName)}`,
    purpose: `Keep ${view} usable as a compatibility view`,
  }];
  if (owner !== sessionUser) {
    statements.push({
      sql: `alter view ${view} owner to ${ident(owner)}`,
      purpose: "The view belongs to the table's owner",
    });
  }
  const defaults = table.columns.filter((column) =>
    column.default !== null && column.generated === "" && column.identity === ""
  );
  if (defaults.length > 0) {
    statements.push({
      sql: `alter table ${view}\n  ` +
        defaults.map((column) => `alter column ${ident(column.name)} set default ${column.default}`)
          .join(",\n  "),
      purpose: "The view has the table's column defaults",
    });
  }
  const grants = grantStatements(table, view, owner, { cascade: replace });
  statements.push(...grants.statements.map((sql) => ({
    sql,
    purpose: "The view has the table's access privileges, no more and no less",
  })));
  statements.push(...comments(table, view));
  return { statements, owner, securityInvoker, replaced: grants.replaced };
}

function comments(table: RelationFacts, view: string): Statement[] {
  const purpose = "The view carries the table's comments";
  const statements: Statement[] = [];
  if (table.comment !== null) {
    statements.push({ sql: `comment on view ${view} is ${literal(table.comment)}`, purpose });
  }
  for (const column of table.columns) {
    if (column.comment === null) continue;
    statements.push({
      sql: `comment on column ${view}.${ident(column.name)} is ${literal(column.comment)}`,
      purpose,
    });
  }
  return statements;
}
