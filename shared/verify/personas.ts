/** Personas: as whom statements are tried, a role with its claims. */
import { API_ROLES, type RoleFacts, type VerifyFacts } from "../facts/verify_facts.ts";

/** Most roles that are tried; of more, the API's and then the first by name. */
const MAX_ROLES = 30;

export interface Persona {
  role: RoleFacts;
  /** `request.jwt.claims`, as PostgREST sets it. */
  claims: Record<string, unknown>;
  /** `anon`, `authenticated with claims[0]`. */
  label: string;
  /** Whether requests of the Data API come as this persona. */
  api: boolean;
}

export interface UntriedRole {
  role: string;
  why: string;
}

/**
 * First whoever may do most, as whom test rows are made and looked at: the owner, or service_role in a session of a
 * login of its own. Then the API's roles and every other role that table, view or policies name; then each set of
 * claims under the role that it names.
 */
export function personasOf(
  { roles, user, separate }: VerifyFacts,
  owner: string,
  claims: ({ role: string } & Record<string, unknown>)[],
): { personas: Persona[]; untriedRoles: UntriedRole[] } {
  const byName = new Map(roles.map((role) => [role.name, role]));
  const first = separate
    ? ["service_role", ...API_ROLES].filter((name) => byName.get(name)?.settable)
    : [byName.get(owner)?.settable || owner === user ? owner : user];
  const names = new Set([
    ...first,
    ...API_ROLES.filter((name) => byName.has(name)),
    ...roles.map(({ name }) => name).filter((name) =>
      name !== user || (name === owner && !separate)
    ),
  ]);
  const notSettable = `${user} may not SET ROLE to it`;
  const untriedRoles: UntriedRole[] = [];
  const personas: Persona[] = [];
  for (const [index, name] of [...names].entries()) {
    // The login itself may be no role of the table's; the block needs no facts to act as itself.
    const role = byName.get(name) ?? { name, settable: true, select: [], insert: [], update: [] };
    if (!role.settable && (separate || name !== user)) {
      untriedRoles.push({ role: name, why: notSettable });
    } else if (index >= MAX_ROLES) {
      untriedRoles.push({ role: name, why: `more than ${MAX_ROLES} roles have privileges` });
    } else {
      personas.push({ role, claims: { role: name }, label: name, api: API_ROLES.includes(name) });
    }
  }
  for (const [index, set] of claims.entries()) {
    const role = byName.get(set.role);
    const label = `${set.role} with claims[${index}]`;
    if (role?.settable) personas.push({ role, claims: set, label, api: true });
    else untriedRoles.push({ role: label, why: role ? notSettable : "there is no such role" });
  }
  return { personas, untriedRoles };
}

export const readable = ({ role }: Persona, columns: string[]): string[] =>
  permitted(role.select, columns);

/** The columns that a privilege is granted for; all, where it is granted for none. */
export function permitted(granted: string[], columns: string[]): string[] {
  const own = columns.filter((name) => granted.includes(name));
  return own.length === 0 ? columns : own;
}
