/** The compatibility view: the statements that make it, and the checks of it. */
import type { AclEntry } from "../../facts/privileges.ts";
import type { Statement } from "../../contract/responses.ts";
import { defaultedIdentities, viewDefault } from "./column_defaults.ts";
import { isSecurityInvoker } from "../../findings/view_findings.ts";
import type { ColumnFacts, RelationFacts, SessionFacts } from "../../facts/facts.ts";
import { grantStatements } from "./grants.ts";
import { ident, literal, qualified } from "../../sql/quoting.ts";
import { scanCounterCondition } from "./scan_counter.ts";
import { checkRowCasts, rowCastFunction, rowCastWanted, rowTypeStatements } from "./row_type.ts";
import {
  type Check,
  checkExchange,
  type CheckQuery,
  checkViews,
  type ExpectedView,
} from "../verification/checks.ts";

export interface ViewPlan {
  /** The name that it is made under: an interim one, or its own where the present view is replaced. */
  name: string;
  statements: Statement[];
  owner: string;
  securityInvoker: boolean;
  /** Privileges that the view's owner grants instead of their grantor, which this role cannot act for. */
  replaced: AclEntry[];
  /** Name of the function that casts the view's rows to the table's; null where nothing needs it. */
  rowCast: string | null;
}

interface ViewOptions {
  /** The name that the view has at first (`interimName`). Default: its own. */
  name?: string;
  /** Columns that the view leaves out. Default: none. */
  without?: string[];
  /** The present view, which is replaced. Default: there is none. */
  replaced?: RelationFacts;
  /** Name of the scan counter by which it counts its use. Default: null, it does not count. */
  scanCounter?: string | null;
}

/**
 * Statements for the view that is to have the name `whole` has, over the table with the name `tableName`. They run
 * before the locks, except where the present view is replaced: then `give` gives the view its name under them.
 *
 * The view lists its columns, runs with its caller's rights wherever that keeps row-level security and grants the
 * same, belongs to the table's owner, and has the table's defaults (without them `SET c = DEFAULT` through the view
 * writes NULL), privileges and comments. It has no rules, INSTEAD OF triggers or `security_barrier`: with them
 * row-level security, ON CONFLICT or equal plans would be lost.
 */
export function compatibilityView(
  whole: RelationFacts,
  tableName: string,
  session: SessionFacts,
  { name = whole.name, without = [], replaced, scanCounter = null }: ViewOptions = {},
): ViewPlan {
  const replace = replaced !== undefined;
  const table: RelationFacts = {
    ...whole,
    columns: whole.columns.filter(({ name }) => !without.includes(name)),
    default_grantees: [...new Set([...whole.default_grantees, ...granteesOf(replaced)])],
  };
  const sessionUser = session.user;
  const view = qualified(table.schema, name);
  const securityInvoker = isSecurityInvoker(table);
  const ownerFits = table.owner === sessionUser || (table.owner_settable && table.owner_can_create);
  const owner = ownerFits ? table.owner : sessionUser;
  const columns = table.columns.map((column) => ident(column.name)).join(", ");
  const statements: Statement[] = [{
    sql:
      `create ${replace ? "or replace " : ""}view ${view}${
        securityInvoker ? " with (security_invoker = true)" : ""
      } as\n` +
      `  select ${columns}${columns === "" ? "" : " "}from ${qualified(table.schema, tableName)}` +
      (scanCounter === null ? "" : `\n  where ${scanCounterCondition(scanCounter)}`),
    purpose: name === whole.name
      ? `Keep ${view} usable as a compatibility view`
      : `Make the compatibility view ${
        qualified(table.schema, whole.name)
      }, under another name until the table is locked`,
  }];
  if (owner !== (replaced?.owner ?? sessionUser)) {
    statements.push({
      sql: `alter view ${view} owner to ${ident(owner)}`,
      purpose: "The view belongs to the table's owner",
    });
  }
  const defaults = table.columns.flatMap((column) => {
    const value = viewDefault(column);
    return value === null ? [] : [`alter column ${ident(column.name)} set default ${value}`];
  });
  if (defaults.length > 0) {
    statements.push({
      sql: `alter table ${view}\n  ${defaults.join(",\n  ")}`,
      purpose: "The view has the table's column defaults",
    });
  }
  const grants = grantStatements(table, view, owner, { cascade: replace, sessionUser });
  statements.push(...grants.statements.map((sql) => ({
    sql,
    purpose: "The view has the table's access privileges, no more and no less",
  })));
  statements.push(...comments(table, view));
  const present = replaced?.row_type.casts.find(({ target }) => target === whole.oid);
  const rowCast = rowCastWanted(table, session)
    ? rowCastFunction(table.schema, table.name, present)
    : null;
  if (rowCast !== null) {
    statements.push(...rowTypeStatements(whole, {
      view: name,
      table: tableName,
      function: rowCast,
      columns: table.columns.map(({ name }) => name),
      owner,
      sessionUser,
      present,
    }));
  }
  return { name, statements, owner, securityInvoker, replaced: grants.replaced, rowCast };
}

/** Statement for the critical section, once the name is free. */
export const giveName = ({ schema, name }: RelationFacts, view: ViewPlan): Statement => ({
  sql: `alter view ${qualified(schema, view.name)} rename to ${ident(name)}`,
  purpose: "Give the compatibility view the old name",
});

export interface MadeView {
  /** The table as it is, with the name that the view has in the end. */
  table: RelationFacts;
  /** The table's name in the end, in the same schema. */
  tableName: string;
  view: ViewPlan;
  /** The columns that the view has. Default: all of the table's. */
  columns?: ColumnFacts[];
}

/**
 * Checks of views, of which nothing is left out.
 *
 * @param tableName The name that a view's table has when they run.
 */
export function viewChecks(
  made: MadeView[],
  tableName: (made: MadeView) => string,
): CheckQuery[] {
  if (made.length === 0) return [];
  const casts = made.flatMap((one) => {
    const { table: { schema }, view: { name, rowCast } } = one;
    return rowCast === null
      ? []
      : [{ schema, view: name, table: tableName(one), function: rowCast }];
  });
  return [
    checkViews(
      made.map((one) => expectedView(one, { view: one.view.name, table: tableName(one) })),
      haveColumnGrants(made),
      "Check options, columns, defaults and privileges of the views",
    ),
    ...(casts.length === 0
      ? []
      : [checkRowCasts(casts, "Check that the views' rows can be cast to the tables'")]),
  ];
}

/** The check under the locks that views, which were checked before, and tables have their names. */
export const checkNames = (made: MadeView[]): Check =>
  checkExchange(
    made.map((one) => expectedView(one, { view: one.table.name, table: one.tableName })),
    haveColumnGrants(made),
    "Check that tables and views have their names, and the privileges that they had before the locks",
  );

const haveColumnGrants = (made: MadeView[]): boolean =>
  made.some(({ table }) => table.columns.some(({ acl }) => acl.length > 0));

function expectedView(
  { table, view, columns = table.columns }: MadeView,
  names: { view: string; table: string },
): ExpectedView {
  const same_owner = view.owner === table.owner;
  const left = new Set(columns.map(({ name }) => name));
  return {
    schema: table.schema,
    name: names.view,
    table_name: names.table,
    table_oid: table.oid,
    table_kind: table.kind,
    security_invoker: view.securityInvoker,
    same_owner,
    same_grantors: same_owner && view.replaced.length === 0,
    without: table.columns.filter(({ name }) => !left.has(name)).map(({ number }) => number),
    defaulted: defaultedIdentities(columns),
  };
}

const granteesOf = (view: RelationFacts | undefined): string[] =>
  view === undefined
    ? []
    : [...view.acl, ...view.columns.flatMap(({ acl }) => acl)].flatMap(({ grantee }) =>
      grantee ?? []
    );

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
