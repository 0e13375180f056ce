/**
 * Privileges: what the server's access control lists say (`pg_class.relacl`, `pg_attribute.attacl`,
 * `pg_proc.proacl`; manual, 5.8), and the questions that are asked of them.
 */

/** What a role may do, whoever granted it. */
export interface Privilege {
  /** Null: PUBLIC. */
  grantee: string | null;
  /** `SELECT`, `INSERT` and so on, as `aclexplode` names them. */
  privilege: string;
  /** Whether the grantee may grant it to others. */
  grantable: boolean;
}

/** One entry of an access control list. */
export interface Grant extends Privilege {
  grantor: string;
}

export interface AclEntry extends Grant {
  /** Whether the session's role may become the grantor and the grantor can reach the schema. */
  grantor_settable: boolean;
}

/** A relation with the access control lists of its own and of its columns. */
export interface PrivilegeLists<Entry extends Privilege = AclEntry> {
  acl: Entry[];
  columns: { name: string; acl: Entry[] }[];
}

/** Where a privilege holds: on one column, or (null) on the relation as a whole. */
export interface OnColumn {
  column: string | null;
}

/** All entries: those of the relation first, then those of its columns in their order. */
export const privilegesOf = <Entry extends Privilege>(
  { acl, columns }: PrivilegeLists<Entry>,
): (Entry & OnColumn)[] => [
  ...acl.map((entry) => ({ ...entry, column: null })),
  ...columns.flatMap(({ name, acl }) => acl.map((entry) => ({ ...entry, column: name }))),
];

const keyOf = ({ column, privilege, grantee }: Privilege & OnColumn): string =>
  JSON.stringify([column, privilege, grantee]);

/** Who may do what: each privilege once, with its grant option if any of its grantors gave that. */
export function effectivePrivileges(lists: PrivilegeLists<Privilege>): (Privilege & OnColumn)[] {
  const byKey = new Map<string, Privilege & OnColumn>();
  for (const { column, privilege, grantee, grantable } of privilegesOf(lists)) {
    const one = { column, privilege, grantee, grantable };
    const earlier = byKey.get(keyOf(one));
    byKey.set(keyOf(one), { ...one, grantable: grantable || earlier?.grantable === true });
  }
  return [...byKey.values()];
}

/** The effective privileges of `some` that `others` do not have, or have without the grant option. */
export function privilegesBeyond(
  some: (Privilege & OnColumn)[],
  others: (Privilege & OnColumn)[],
): (Privilege & OnColumn)[] {
  const byKey = new Map(others.map((other) => [keyOf(other), other]));
  return some.filter((one) => {
    const other = byKey.get(keyOf(one));
    return other === undefined || (one.grantable && !other.grantable);
  });
}

/** `SELECT (name) to anon with grant option`. */
export const privilegeText = (
  { column, privilege, grantee, grantable = false }:
    & Omit<Privilege, "grantable">
    & OnColumn
    & { grantable?: boolean },
): string =>
  `${privilege}${column === null ? "" : ` (${column})`} to ${grantee ?? "PUBLIC"}` +
  (grantable ? " with grant option" : "");

/** How far a privilege goes: 0 is not held, 1 is held, 2 is held with grant option. */
export type Level = 0 | 1 | 2;

export const levelOf = ({ grantable }: Pick<Privilege, "grantable">): Level => grantable ? 2 : 1;
