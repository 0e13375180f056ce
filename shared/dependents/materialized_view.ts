/**
 * A materialized view's query cannot be replaced: it is made and filled again, with all that belongs to it,
 * while the old one waits under another name.
 */
import type { Statement } from "../contract/responses.ts";
import { grantStatements } from "../plan/grants.ts";
import { nameDigest } from "../sql/name_digest.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import type { BuiltObject, KeptColumn, KeptIndex } from "../facts/built_on.ts";
import { optionList, type Recreating, withOptions, withoutEnd } from "./recreate.ts";

/** `pg_attribute.attstorage` in words. */
const STORAGE: Record<string, string> = { p: "plain", e: "external", x: "extended", m: "main" };

/** `pg_attribute.attcompression` in words. */
const COMPRESSION: Record<string, string> = { p: "pglz", l: "lz4" };

export function materializedViewAgain(object: BuiltObject, sessionUser: string): Recreating {
  const { schema, name, identity, kept } = object;
  const digest = nameDigest(schema, name);
  const setAsideName = `__compatibility_materialized_view_${digest}`;
  const move = `Move the materialized view ${identity} and its indexes out of the way`;
  const aside = kept!.storage!.indexes.map((index, position) => ({
    sql: `alter index ${qualified(schema!, index.name)} rename to ${
      ident(`__compatibility_index_${digest}_${position + 1}`)
    }`,
    purpose: move,
  }));
  aside.push({
    sql: `alter materialized view ${qualified(schema!, name!)} rename to ${ident(setAsideName)}`,
    purpose: move,
  });
  return {
    aside,
    again: again(object, sessionUser),
    drop: [{
      sql: `drop materialized view ${qualified(schema!, setAsideName)} restrict`,
      purpose: "Remove the materialized view that was moved out of the way",
    }],
  };
}

function again(object: BuiltObject, sessionUser: string): Statement[] {
  const { schema, name, identity, owner, kept, acl, column_acls, default_grantees } = object;
  const storage = kept!.storage!;
  const columns = kept!.columns!;
  const view = qualified(schema!, name!);
  const options = [
    ...kept!.options!,
    ...(storage.toast_options ?? []).map((option) => `toast.${option}`),
  ];
  const listed = columns.map((column) => ident(column.name)).join(", ");
  const made = [
    `create materialized view ${view}${listed === "" ? "" : ` (${listed})`} using ${
      ident(storage.access_method)
    }${withOptions(options)}` +
    (storage.tablespace === null ? "" : ` tablespace ${ident(storage.tablespace)}`) +
    ` as\n${withoutEnd(object.definition!.query!)}\n  with no data`,
    ...(owner === sessionUser ? [] : [`alter materialized view ${view} owner to ${ident(owner!)}`]),
    ...columns.flatMap((column) => columnSettings(view, column)),
    ...(storage.replica_identity === "f"
      ? [`alter materialized view ${view} replica identity full`]
      : []),
    ...(storage.replica_identity === "n"
      ? [`alter materialized view ${view} replica identity nothing`]
      : []),
  ];
  const comments = [
    ...(kept!.comment == null
      ? []
      : [`comment on materialized view ${view} is ${literal(kept!.comment)}`]),
    ...columns.filter(({ comment }) => comment !== null).map((column) =>
      `comment on column ${view}.${ident(column.name)} is ${literal(column.comment!)}`
    ),
  ];
  const grants = grantStatements(
    { owner: owner!, acl, columns: column_acls, default_grantees },
    view,
    owner!,
    { sessionUser },
  );
  const statements = (purpose: string, all: string[]) => all.map((sql) => ({ sql, purpose }));
  return [
    ...statements(`Make the materialized view ${identity} again`, made),
    // Before the privileges: its owner may have none to fill it with.
    ...(storage.populated ? fill(view) : []),
    ...storage.indexes.flatMap((index) => indexAgain(schema!, view, index)),
    ...statements("It keeps its comments", comments),
    ...statements("It keeps its privileges", grants.statements),
  ];
}

/**
 * As its owner, which REFRESH sees to by itself. The functions that the query calls may count on the usual
 * search path, as they do whenever somebody refreshes it; since PostgreSQL 17 the server sets a safe one.
 */
function fill(view: string): Statement[] {
  return [
    "set local search_path to default",
    `refresh materialized view ${view}`,
    "set local search_path = pg_catalog, pg_temp",
  ].map((sql) => ({ sql, purpose: "It was filled, and is again" }));
}

function columnSettings(view: string, column: KeptColumn): string[] {
  const change = (what: string) =>
    `alter materialized view ${view} alter column ${ident(column.name)} ${what}`;
  const statements: string[] = [];
  if (column.statistics !== null) statements.push(change(`set statistics ${column.statistics}`));
  if (column.options !== null) {
    statements.push(change(`set ${optionList(column.options)}`));
  }
  if (column.storage !== null) statements.push(change(`set storage ${STORAGE[column.storage]}`));
  if (column.compression !== null) {
    statements.push(change(`set compression ${COMPRESSION[column.compression]}`));
  }
  return statements;
}

function indexAgain(schema: string, view: string, index: KeptIndex): Statement[] {
  const name = qualified(schema, index.name);
  const statements = [index.definition];
  if (index.tablespace !== null) {
    statements.unshift(`set local default_tablespace = ${literal(index.tablespace)}`);
    statements.push("set local default_tablespace = ''");
  }
  for (const [number, target] of index.statistics ?? []) {
    statements.push(`alter index ${name} alter column ${number} set statistics ${target}`);
  }
  if (index.comment !== null) {
    statements.push(`comment on index ${name} is ${literal(index.comment)}`);
  }
  if (index.clustered) {
    statements.push(`alter materialized view ${view} cluster on ${ident(index.name)}`);
  }
  return statements.map((sql) => ({ sql, purpose: `It keeps its index ${ident(index.name)}` }));
}
