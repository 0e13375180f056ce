/**
 * Grants: how a relation's access privileges are replayed on another relation, entry by entry.
 *
 * A new relation has the default privileges of its creator, which can be wider or narrower than the table's;
 * so these are revoked first.
 */
import {
  type AclEntry,
  type OnColumn,
  type PrivilegeLists,
  privilegesOf,
} from "../../facts/privileges.ts";
import { ident } from "../../sql/quoting.ts";

interface GrantPlan {
  statements: string[];
  /** Entries whose grantor the session's role cannot become: granted by the owner instead. */
  replaced: AclEntry[];
}

/** What has access privileges, of its own and perhaps of its columns. */
interface Grantable extends PrivilegeLists {
  owner: string;
  /** Roles that default privileges give something on a new object of its kind. */
  default_grantees: string[];
}

/**
 * Statements that give `target` (already quoted) the access privileges of `table`, and nothing else.
 *
 * Entries of the owner come first; those of other grantors follow once the grantor has what it grants on,
 * each under `set local role`, since GRANT ... GRANTED BY takes only the current role (manual, GRANT). So do
 * the owner's where the session's role is another: a member of the owner grants as whichever of its roles has
 * the grant options, and that need not be the owner.
 *
 * @param sessionUser The session's role, if it can become the owner. Default: the owner.
 */
export function grantStatements(
  table: Grantable,
  target: string,
  viewOwner: string,
  { kind = "table", cascade = false, sessionUser = viewOwner }: {
    kind?: "table" | "routine";
    cascade?: boolean;
    sessionUser?: string;
  } = {},
): GrantPlan {
  const entries = privilegesOf(table).map((entry) => ({
    ...entry,
    byOwner: entry.grantor === table.owner || !entry.grantor_settable,
  }));
  const grants = inGrantOrder(entries.map(({ byOwner, ...entry }) => ({
    ...entry,
    grantor: byOwner ? null : entry.grantor,
  }))).flatMap(grouped);
  // Another role that owns the view instead of the table's owner keeps what an owner has.
  const revoked = unique([...table.default_grantees, table.owner])
    .filter((role) => role === table.owner || role !== viewOwner);
  const asOwner = [
    `revoke all on ${kind} ${target} from ${["public", ...revoked.map(ident)].join(", ")}` +
    (cascade ? " cascade" : ""),
  ];
  const asOthers: string[] = [];
  for (const grant of merged(grants)) {
    const sql = grantStatement(grant, `${kind} ${target}`);
    if (grant.grantor === null) asOwner.push(sql);
    else asOthers.push(...asRole(grant.grantor, [sql]));
  }
  return {
    statements: [
      ...(sessionUser === viewOwner ? asOwner : asRole(viewOwner, asOwner)),
      ...asOthers,
    ],
    replaced: entries.filter(({ byOwner, grantor }) => byOwner && grantor !== table.owner),
  };
}

const asRole = (role: string, statements: string[]): string[] => [
  `set local role ${ident(role)}`,
  ...statements,
  "reset role",
];

type Entry = Omit<AclEntry, "grantor"> & OnColumn & { grantor: string | null };

interface Grant extends Pick<Entry, "grantor" | "grantable" | "column"> {
  grantees: (string | null)[];
  privileges: string[];
}

/**
 * The owner's entries first; then, again and again, those whose grantor may grant that privilege by now.
 * Entry by entry, since an ACL's order is not the order of grants: a later grant joins an earlier entry.
 */
function inGrantOrder(entries: Entry[]): Entry[][] {
  const rounds = [entries.filter((entry) => entry.grantor === null)];
  let rest = entries.filter((entry) => entry.grantor !== null);
  const keyOf = (role: string | null, privilege: string, column: string | null) =>
    JSON.stringify([role, privilege, column]);
  const grantable = new Set<string>();
  while (rest.length > 0) {
    for (const entry of rounds.at(-1)!) {
      if (entry.grantable) grantable.add(keyOf(entry.grantee, entry.privilege, entry.column));
    }
    const mayGrant = ({ grantor, privilege, column }: Entry) =>
      grantable.has(keyOf(grantor, privilege, null)) ||
      grantable.has(keyOf(grantor, privilege, column));
    const ready = rest.filter(mayGrant);
    const next = ready.length > 0 ? ready : rest;
    rounds.push(next);
    rest = rest.filter((entry) => !next.includes(entry));
  }
  return rounds;
}

/** Entries that differ in the privilege only become one grant. */
function grouped(entries: Entry[]): Grant[] {
  const grants = new Map<string, Grant>();
  for (const { grantor, grantee, grantable, column, privilege } of entries) {
    const key = JSON.stringify([grantor, grantee, grantable, column]);
    const grant = grants.get(key) ??
      { grantor, grantable, column, grantees: [grantee], privileges: [] };
    grant.privileges.push(privilege);
    grants.set(key, grant);
  }
  return [...grants.values()];
}

/** Neighbours that differ in the grantee only become one grant. */
function merged(grants: Grant[]): Grant[] {
  const result: Grant[] = [];
  const alike = ({ grantor, grantable, column, privileges }: Grant) =>
    JSON.stringify([grantor, grantable, column, privileges.toSorted()]);
  for (const grant of grants) {
    const last = result.at(-1);
    if (last !== undefined && alike(last) === alike(grant)) last.grantees.push(...grant.grantees);
    else result.push(grant);
  }
  return result;
}

function grantStatement(grant: Grant, target: string): string {
  const privileges = unique(grant.privileges).map((privilege) =>
    privilege.toLowerCase() + (grant.column === null ? "" : ` (${ident(grant.column)})`)
  );
  const grantees = grant.grantees.map((role) => (role === null ? "public" : ident(role)));
  return `grant ${privileges.join(", ")} on ${target} to ${grantees.join(", ")}` +
    (grant.grantable ? " with grant option" : "");
}

const unique = <T>(values: T[]): T[] => [...new Set(values)];
