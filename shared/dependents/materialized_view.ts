/**
 * A materialized view's query cannot be replaced: it is created and filled again, with everything that belongs
 * to it, while the old one has another name.
 */
import type { Statement } from "../contract/responses.ts";
import type { BuiltObject, KeptColumn, KeptIndex } from "../facts/built_on.ts";
import { grantStatements } from "../plan/view/grants.ts";
import { nameDigest } from "../sql/name_digest.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import { optionList, withOptions, withoutEnd, withPurpose } from "./definitions.ts";

/** `pg_attribute.attstorage` and `attcompression` in words. */
const STORAGE: Record<string, string> = { p: "plain", e: "external", x: "extended", m: "main" };
const COMPRESSION: Record<string, string> = { p: "pglz", l: "lz4" };

const REPLICA_IDENTITY: Record<string, string> = { f: "full", n: "nothing" };

/** A `Recreation` of a materialized view. */
export function recreateMaterializedView(object: BuiltObject, sessionUser: string) {
  const { schema, name, identity, kept } = object;
  const digest = nameDigest(schema, name);
  const view = qualified(schema!, name!);
  const oldName = `__compatibility_materialized_view_${digest}`;
  const indexes = kept!.storage!.indexes.map((index, position) => {
    const oldIndex = ident(`__compatibility_index_${digest}_${position + 1}`);
    return `alter index ${qualified(schema!, index.name)} rename to ${oldIndex}`;
  });
  return {
    setAside: withPurpose(`Move the materialized view ${identity} and its indexes out of the way`, [
      ...indexes,
      `alter materialized view ${view} rename to ${ident(oldName)}`,
    ]),
    recreate: createAgain(object, view, sessionUser),
    dropOld: withPurpose("Drop the materialized view that was moved out of the way", [
      `drop materialized view ${qualified(schema!, oldName)} restrict`,
    ]),
  };
}

function createAgain(object: BuiltObject, view: string, sessionUser: string): Statement[] {
  const { schema, identity, owner, kept, acl, column_acls, default_grantees } = object;
  const storage = kept!.storage!;
  const columns = kept!.columns!;
  const alter = `alter materialized view ${view}`;
  const identityKind = REPLICA_IDENTITY[storage.replica_identity];
  const grants = grantStatements(
    { owner: owner!, acl, columns: column_acls, default_grantees },
    view,
    owner!,
    { sessionUser },
  );
  return [
    ...withPurpose(`Recreate the materialized view ${identity}`, [
      createUnfilled(object, view),
      ...(owner === sessionUser ? [] : [`${alter} owner to ${ident(owner!)}`]),
      ...columns.flatMap((column) => columnSettings(view, column)),
      ...(identityKind === undefined ? [] : [`${alter} replica identity ${identityKind}`]),
    ]),
    // Before the privileges: its owner may have none to fill it with.
    ...(storage.populated ? fill(view) : []),
    ...storage.indexes.flatMap((index) => createIndex(schema!, view, index)),
    ...withPurpose("Keep its comments", [
      ...(kept!.comment == null
        ? []
        : [`comment on materialized view ${view} is ${literal(kept!.comment)}`]),
      ...columns.filter(({ comment }) => comment !== null).map((column) =>
        `comment on column ${view}.${ident(column.name)} is ${literal(column.comment!)}`
      ),
    ]),
    ...withPurpose("Keep its privileges", grants.statements),
  ];
}

function createUnfilled({ kept, definition }: BuiltObject, view: string): string {
  const { access_method, tablespace, toast_options } = kept!.storage!;
  const columns = kept!.columns!.map(({ name }) => ident(name)).join(", ");
  const list = columns === "" ? "" : ` (${columns})`;
  const toast = (toast_options ?? []).map((option) => `toast.${option}`);
  const options = withOptions([...kept!.options!, ...toast]);
  const place = tablespace === null ? "" : ` tablespace ${ident(tablespace)}`;
  const query = withoutEnd(definition!.query!);
  const method = ident(access_method);
  return `create materialized view ${view}${list} using ${method}${options}${place} as\n${query}\n  with no data`;
}

/**
 * REFRESH runs as the owner. The functions that the query calls may rely on the default search path, as
 * whenever somebody refreshes it; PostgreSQL 17 and later set a safe path themselves.
 */
const fill = (view: string) =>
  withPurpose("Fill it again, as it was filled", [
    "set local search_path to default",
    `refresh materialized view ${view}`,
    "set local search_path = pg_catalog, pg_temp",
  ]);

function columnSettings(view: string, column: KeptColumn): string[] {
  const changes: string[] = [];
  if (column.statistics !== null) changes.push(`set statistics ${column.statistics}`);
  if (column.options !== null) changes.push(`set ${optionList(column.options)}`);
  if (column.storage !== null) changes.push(`set storage ${STORAGE[column.storage]}`);
  if (column.compression !== null) {
    changes.push(`set compression ${COMPRESSION[column.compression]}`);
  }
  return changes.map((change) =>
    `alter materialized view ${view} alter column ${ident(column.name)} ${change}`
  );
}

function createIndex(schema: string, view: string, index: KeptIndex): Statement[] {
  const name = qualified(schema, index.name);
  const statements = index.tablespace === null ? [index.definition] : [
    `set local default_tablespace = ${literal(index.tablespace)}`,
    index.definition,
    "set local default_tablespace = ''",
  ];
  for (const [number, target] of index.statistics ?? []) {
    statements.push(`alter index ${name} alter column ${number} set statistics ${target}`);
  }
  if (index.comment !== null) {
    statements.push(`comment on index ${name} is ${literal(index.comment)}`);
  }
  if (index.clustered) {
    statements.push(`alter materialized view ${view} cluster on ${ident(index.name)}`);
  }
  return withPurpose(`Keep its index ${ident(index.name)}`, statements);
}
