/**
 * Fingerprint: a table's state as a flat map from object to definition, so that two states can be compared
 * and each difference named. Kept with a migration, and compared again after the rollback.
 */
import {
  type AclEntry,
  type Grant,
  type Level,
  type OnColumn,
  privilegesOf,
} from "./privileges.ts";
import type { Difference } from "../contract/responses.ts";
import type { ColumnState, NamedDefinition, RelationState } from "./facts.ts";
import { comparableOptions } from "../sql/stored_view.ts";

export type Fingerprint = Record<string, string>;

/** Of relations that were asked about: facts stay as they were read. */
const known = new WeakMap<RelationState, Readonly<Fingerprint>>();

export function fingerprint(relation: RelationState): Readonly<Fingerprint> {
  const earlier = known.get(relation);
  if (earlier !== undefined) return earlier;
  const print = made(relation);
  known.set(relation, print);
  return print;
}

function made(relation: RelationState): Fingerprint {
  const print: Fingerprint = {
    kind: relation.kind,
    persistence: relation.persistence,
    owner: relation.owner,
    options: comparableOptions(relation.options).join(", "),
    "row level security": [
      relation.row_security ? "enabled" : "disabled",
      ...(relation.force_row_security ? ["forced"] : []),
    ].join(", "),
    "replica identity": relation.replica_identity,
    "access method": relation.access_method ?? "",
    tablespace: relation.tablespace ?? "",
    comment: relation.comment ?? "",
    "partition key": relation.partition_key ?? "",
    "partition bound": relation.partition_bound ?? "",
    parents: relation.parents.join(", "),
    children: relation.children.join(", "),
    "column order": relation.columns.map((column) => column.name).join(", "),
  };
  if (relation.view_query !== null) print.query = relation.view_query;
  for (const column of relation.columns) {
    print[`column ${column.name}`] = columnDefinition(column);
  }
  addPrivileges(print, relation);
  const kinds: [string, NamedDefinition[]][] = [
    ["constraint", relation.constraints],
    ["index", relation.indexes],
    ["trigger", relation.triggers],
    ["policy", relation.policies],
    ["rule", relation.rules],
    ["statistics", relation.statistics],
    ["publication", relation.publications],
    ["sequence", relation.owned_sequences],
    ["security label", relation.security_labels],
    ["referenced by", relation.referencing],
  ];
  for (const [kind, objects] of kinds) {
    for (const { name, definition } of objects) {
      const key = `${kind} ${name}`;
      print[key] = key in print ? `${print[key]}; ${definition}` : definition;
    }
  }
  return print;
}

/** A column's definition in one line, in the order of CREATE TABLE's clauses. */
export function columnDefinition(column: Omit<ColumnState, "acl">): string {
  return [
    column.type,
    column.collation === null ? null : `collate ${column.collation}`,
    column.not_null ? "not null" : null,
    column.identity === "" ? null : `identity ${column.identity}`,
    column.generated === "" ? null : `generated ${column.generated}`,
    column.default === null ? null : `default ${column.default}`,
    column.settings === "" ? null : column.settings,
    column.comment === null ? null : `comment ${JSON.stringify(column.comment)}`,
  ].filter((part) => part !== null).join(" ");
}

/** Privileges that one grantor gave one grantee are one entry: `column id grant to anon by postgres`. */
const grantKey = ({ column, grantee, grantor }: Grant & OnColumn): string =>
  `${column === null ? "" : `column ${column} `}grant to ${grantee ?? "PUBLIC"} by ${grantor}`;

const WITH_GRANT_OPTION = " with grant option";

/** The grants of the access control lists of relations; many have the same one. */
const grantsOfLists = new WeakMap<Grant[], Fingerprint>();

function addPrivileges(print: Fingerprint, { acl, columns }: RelationState): void {
  const grants = columns.every((column) => column.acl.length === 0)
    ? grantsOfList(acl)
    : grantsOf(privilegesOf({ acl, columns }));
  for (const [key, privileges] of Object.entries(grants)) {
    print[key] = key in print ? `${print[key]}, ${privileges}` : privileges;
  }
}

function grantsOfList(acl: Grant[]): Fingerprint {
  let grants = grantsOfLists.get(acl);
  if (grants === undefined) {
    grants = grantsOf(privilegesOf({ acl, columns: [] }));
    grantsOfLists.set(acl, grants);
  }
  return grants;
}

function grantsOf(entries: (Grant & OnColumn)[]): Fingerprint {
  const print: Fingerprint = {};
  const grants = entries.map((entry) => ({
    key: grantKey(entry),
    privilege: entry.privilege + (entry.grantable ? WITH_GRANT_OPTION : ""),
  }));
  for (const { key, privilege } of grants.sort((a, b) => compare(a.privilege, b.privilege))) {
    print[key] = key in print ? `${print[key]}, ${privilege}` : privilege;
  }
  return print;
}

/** How far a privilege went when the fingerprint was taken. */
export function recordedLevel(print: Fingerprint, entry: AclEntry & OnColumn): Level {
  const privileges = print[grantKey(entry)]?.split(", ") ?? [];
  if (privileges.includes(entry.privilege + WITH_GRANT_OPTION)) return 2;
  return privileges.includes(entry.privilege) ? 1 : 0;
}

export const isPrivileges = (object: string): boolean => /^(column .* )?grant to /s.test(object);

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The objects that only one of two states has, or that are defined differently; sorted by name. */
export function differences(before: Fingerprint, after: Fingerprint): Difference[] {
  const changed = Object.keys(before).filter((object) => before[object] !== after[object]);
  const added = Object.keys(after).filter((object) => !Object.hasOwn(before, object));
  return [...changed, ...added].sort(compare).map((object) => ({
    object,
    before: before[object] ?? null,
    after: after[object] ?? null,
  }));
}

/** A state by what differs from another one: most of it is the same before and after a rename. */
export interface Changes {
  /** Objects that the other state has, and this one does not. */
  without: string[];
  /** Objects that are new, or defined differently. */
  changed: Fingerprint;
}

export function changesFrom(before: Readonly<Fingerprint>, state: Readonly<Fingerprint>): Changes {
  const changed: Fingerprint = {};
  for (const object in state) {
    if (before[object] !== state[object]) changed[object] = state[object];
  }
  const without = Object.keys(before).filter((object) => !Object.hasOwn(state, object));
  return { without, changed };
}

export function withChanges(before: Fingerprint, { without, changed }: Changes): Fingerprint {
  const state = { ...before, ...changed };
  for (const object of without) delete state[object];
  return state;
}
