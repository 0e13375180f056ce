/**
 * Roles whose code our login may run: whoever can act as such a role can act as the login already, so that
 * nothing is gained by having it run with the login's rights.
 */
import { literal } from "../sql/quoting.ts";
import { maySetRole } from "./relation.ts";

/** Roles of the platform's own services: they own `auth.uid()` and the like, and nobody else logs in as them. */
export const PLATFORM_ROLES = [
  "supabase_admin",
  "supabase_auth_admin",
  "supabase_storage_admin",
  "supabase_realtime_admin",
  "supabase_functions_admin",
];

const PLATFORM = PLATFORM_ROLES.map(literal).join(", ");

/** Whether a role can have all that the session's role has: by inheriting it, becoming it, or granting it to itself. */
const canActAsLogin = (role: string) =>
  `(
      pg_has_role(${role}, current_user, 'USAGE')
      or pg_has_role(${role}, current_user, 'MEMBER WITH ADMIN OPTION')
      or ${maySetRole("current_user", role)})`;

/**
 * Query for the roles (`oid`, `rolname`) that are not trusted: somebody who may log in, and cannot act as the
 * session's role, can act as them.
 */
export const UNTRUSTED_ROLES = `
    select r.oid, r.rolname
    from pg_roles r
    where not r.rolsuper and r.rolname not in (${PLATFORM}) and exists (
      select from pg_roles l
      where l.rolcanlogin and not l.rolsuper and l.rolname not in (${PLATFORM})
        and pg_has_role(l.oid, r.oid, 'MEMBER') and not ${canActAsLogin("l.oid")})`;
