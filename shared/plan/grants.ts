/**
 * Grants: how a relation's access privileges are replayed on another relation, entry by entry.
 *
 * A new relation is born with the default privileges of whoever makes it, which can be wider or narrower
 * than the table's; so what it was born with is revoked first.
 */
import type { AclFacts } from "../facts/privileges.ts";
import { ident } from "../sql/quoting.ts";

export interface GrantPlan {
  statements: string[];
  /** Entries whose grantor the session's role cannot become: granted by the owner instead. */
  replaced: AclFacts[];
}

/** What has access privileges, of its own and perhaps of its columns. */
export interface Grantable {
  owner: string;
  acl: AclFacts[];
  columns: { name: string; acl: AclFacts[] }[];
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
 * @param sessionUser The session's role, if the owner is one that it can take the place of. Default: the owner.
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
  // Whoever owns the view in the table owner's stead keeps what an owner has.
  const strip = unique([...table.default_grantees, table.owner])
    .filter((role) => role === table.owner || role !== viewOwner);
  const statements = [
    `revoke all on ${kind} ${target} from ${["public", ...strip.map(ident)].join(", ")}${
      cascade ? " cascade" : ""
    }`,
  ];
  const replaced: AclFacts[] = [];
  const entries = [
    ...table.acl.map((entry) => ({ ...entry, column: null as string | null })),
    ...table.columns.flatMap((column) =>
      column.acl.map((entry) => ({ ...entry, column: column.name as string | null }))
    ),
  ];
  for (const entry of entries) {
    if (entry.grantor !== table.owner && !entry.grantor_settable) replaced.push(entry);
  }
  const byGrantor = entries.map((entry) => ({
    ...entry,
    grantor: entry.grantor !== table.owner && entry.grantor_settable ? entry.grantor : null,
  }));
  const groups = inGrantOrder(byGrantor).flatMap(grouped);
  const merged = mergeGrantees(groups);
  const grant = (group: Merged) => grantStatement(group, `${kind} ${target}`);
  // They are the first.
  const own = merged.filter(({ grantor }) => grantor === null);
  statements.push(...own.map(grant));
  if (sessionUser !== viewOwner) {
    statements.unshift(`set local role ${ident(viewOwner)}`);
    statements.push("reset role");
  }
  for (const group of merged) {
    if (group.grantor === null) continue;
    statements.push(`set local role ${ident(group.grantor)}`, grant(group), "reset role");
  }
  return { statements, replaced };
}

interface Group {
  /** Null: the owner. */
  grantor: string | null;
  grantee: string | null;
  grantable: boolean;
  column: string | null;
  privileges: string[];
}

interface Entry extends Omit<Group, "privileges"> {
  privilege: string;
}

/**
 * The owner's entries first; then, again and again, those whose grantor may grant that privilege by now.
 * Entry by entry, since an ACL's order is not the order of grants: a later grant joins an earlier entry.
 */
function inGrantOrder(entries: Entry[]): Entry[][] {
  const rounds = [entries.filter((entry) => entry.grantor === null)];
  let rest = entries.filter((entry) => entry.grantor !== null);
  const right = (role: string | null, privilege: string, column: string | null) =>
    JSON.stringify([role, privilege, column]);
  const rights = new Set<string>();
  while (rest.length > 0) {
    for (const { grantee, privilege, column, grantable } of rounds.at(-1)!) {
      if (grantable) rights.add(right(grantee, privilege, column));
    }
    const mayGrant = ({ grantor, privilege, column }: Entry) =>
      rights.has(right(grantor, privilege, null)) || rights.has(right(grantor, privilege, column));
    const ready = rest.filter(mayGrant);
    const next = ready.length > 0 ? ready : rest;
    rounds.push(next);
    rest = rest.filter((entry) => !next.includes(entry));
  }
  return rounds;
}

/** Entries that one statement grants. */
function grouped(entries: Entry[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { grantor, grantee, grantable, column, privilege } of entries) {
    const key = JSON.stringify([grantor, grantee, grantable, column]);
    const group = groups.get(key) ?? { grantor, grantee, grantable, column, privileges: [] };
    group.privileges.push(privilege);
    groups.set(key, group);
  }
  return [...groups.values()];
}

type Merged = Omit<Group, "grantee"> & { grantees: (string | null)[] };

/** Neighbours that differ in the grantee only become one statement. */
function mergeGrantees(groups: Group[]): Merged[] {
  const merged: Merged[] = [];
  for (const { grantee, ...group } of groups) {
    const last = merged.at(-1);
    const alike = last && last.grantor === group.grantor && last.grantable === group.grantable &&
      last.column === group.column &&
      last.privileges.toSorted().join() === group.privileges.toSorted().join();
    if (alike) last.grantees.push(grantee);
    else merged.push({ ...group, grantees: [grantee] });
  }
  return merged;
}

function grantStatement(group: Merged, target: string): string {
  const privileges = unique(group.privileges).map((privilege) =>
    privilege.toLowerCase() + (group.column === null ? "" : ` (${ident(group.column)})`)
  );
  const grantees = group.grantees.map((role) => (role === null ? "public" : ident(role)));
  return `grant ${privileges.join(", ")} on ${target} to ${grantees.join(", ")}` +
    (group.grantable ? " with grant option" : "");
}

const unique = <T>(values: T[]): T[] => [...new Set(values)];
