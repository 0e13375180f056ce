/** Personas: in whose place reads and writes are tried, and how a block of PL/pgSQL takes it. */
import { literal } from "../sql/quoting.ts";
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

export interface NotTried {
  role: string;
  why: string;
}

/**
 * Who is tried: first whoever sees most, in whose place rows are made and looked at: the owner, or service_role
 * in a session of a login of its own. Then the API's roles, every other role that table, view or policies name, each
 * with its bare claims; then each set of claims under the role it names.
 */
export function personasOf(
  { roles, user, separate }: VerifyFacts,
  owner: string,
  claims: ({ role: string } & Record<string, unknown>)[],
): { personas: Persona[]; notTried: NotTried[] } {
  const byName = new Map(roles.map((role) => [role.name, role]));
  const first = separate
    ? ["service_role", ...API_ROLES].filter((name) => byName.get(name)?.settable)
    : [byName.get(owner)?.settable || owner === user ? owner : user];
  const names = [
    ...first,
    ...API_ROLES.filter((name) => byName.has(name)),
    ...roles.map(({ name }) => name).filter((name) =>
      name !== user || (name === owner && !separate)
    ),
  ];
  const notTried: NotTried[] = [];
  const personas: Persona[] = [];
  for (const [index, name] of [...new Set(names)].entries()) {
    // Whoever asked is no role of the table's; the block needs no facts to act as itself.
    const role = byName.get(name) ?? { name, settable: true, select: [], insert: [], update: [] };
    if (!role.settable && (separate || name !== user)) {
      notTried.push({ role: name, why: `${user} may not SET ROLE to it` });
    } else if (index >= MAX_ROLES) {
      notTried.push({ role: name, why: `more than ${MAX_ROLES} roles have privileges` });
    } else {
      const api = API_ROLES.includes(name);
      personas.push({ role, claims: { role: name }, label: name, api });
    }
  }
  for (const [index, set] of claims.entries()) {
    const role = byName.get(set.role);
    const label = `${set.role} with claims[${index}]`;
    if (role === undefined) notTried.push({ role: label, why: "there is no such role" });
    else if (!role.settable) {
      notTried.push({ role: label, why: `${user} may not SET ROLE to it` });
    } else personas.push({ role, claims: set, label, api: true });
  }
  return { personas, notTried };
}

/** Takes the persona's place until the end of the transaction or of the block's handler, or `BE_ONESELF`. */
export const become = ({ role }: Pick<Persona, "role">): string =>
  `perform pg_catalog.set_config('role', ${literal(role.name)}, true);`;

/** Sets the claims, which nobody has to be a persona for. */
export const present = ({ claims }: Pick<Persona, "claims">): string =>
  `perform pg_catalog.set_config('request.jwt.claims', ${literal(JSON.stringify(claims))}, true);`;

/** Goes back to the role that the block began with; it keeps that in `oneself`. */
export const BE_ONESELF = "perform pg_catalog.set_config('role', oneself, true);";

/** Declares what `BE_ONESELF` needs. */
export const ONESELF = "oneself text := pg_catalog.current_setting('role');";
