/** What roles may do: access control lists, default privileges, and which roles can act as which. */
import type { AclEntry, Privilege } from "../facts/privileges.ts";
import { literal } from "../sql/quoting.ts";

/** The access control list of `relation`, a row of pg_class; null there means the default. */
export const relationAcl = (relation: string): string =>
  `coalesce(${relation}.relacl, acldefault('r', ${relation}.relowner))`;

/** A grantee's name; `PUBLIC` for 0. */
export const granteeName = (oid: string): string =>
  `case when ${oid} = 0 then 'PUBLIC' else pg_get_userbyid(${oid}) end`;

/**
 * JSON array of the entries of an access control list, each an array: of a thousand tables they are half of all
 * that is read.
 *
 * @param schema OID of the relation's schema, which a grantor has to reach; null leaves the grantors out.
 */
export const aclEntries = (acl: string, schema: string | null): string =>
  `(
    select coalesce(json_agg(json_build_array(
        case when e.grantee <> 0 then pg_get_userbyid(e.grantee) end, e.privilege_type, e.is_grantable${
    schema === null ? "" : `,
        pg_get_userbyid(e.grantor),
        ${maySetRole("e.grantor")} and has_schema_privilege(e.grantor, ${schema}, 'USAGE')`
  }) order by e.ordinality), '[]')
    from aclexplode(${acl}) with ordinality e)`;

export type PrivilegeRow = [grantee: string | null, privilege: string, grantable: boolean];

export type AclRow = [...PrivilegeRow, grantor: string, grantorSettable: boolean];

/** Reads entries without their grantors. */
export const privilegesFromRows = (rows: PrivilegeRow[]): Privilege[] =>
  rows.map(([grantee, privilege, grantable]) => ({ grantee, privilege, grantable }));

export const aclFromRows = (rows: AclRow[]): AclEntry[] =>
  rows.map(([grantee, privilege, grantable, grantor, grantor_settable]) => ({
    grantee,
    privilege,
    grantable,
    grantor,
    grantor_settable,
  }));

/**
 * JSON array of the roles that default privileges would give something on a new object of the session's role.
 *
 * @param kind `pg_default_acl.defaclobjtype`, an expression: 'r' for relations, 'f' for functions.
 * @param schema OID of the object's schema, an expression.
 */
export const defaultGrantees = (kind: string, schema: string): string =>
  `(
    select coalesce(json_agg(distinct pg_get_userbyid(e.grantee)), '[]')
    from pg_default_acl d, aclexplode(d.defaclacl) e
    where d.defaclrole = (select r.oid from pg_roles r where r.rolname = current_user)
      and d.defaclobjtype = ${kind} and d.defaclnamespace in (0, ${schema}) and e.grantee <> 0)`;

/**
 * Whether the session's role, or another, may SET ROLE to a role. PostgreSQL 16 made SET a privilege of its own; the
 * argument is not looked at before the branch is taken, so that 15 accepts it.
 */
export function maySetRole(role: string, member = "current_user"): string {
  return `case when current_setting('server_version_num')::int >= 160000
          then pg_has_role(${member}, ${role}, 'SET') else pg_has_role(${member}, ${role}, 'MEMBER') end`;
}

/** Whether a role may make something in a schema, and may name what is there. */
export const mayCreateIn = (role: string, schema: string): string =>
  `has_schema_privilege(${role}, ${schema}, 'CREATE') and has_schema_privilege(${role}, ${schema}, 'USAGE')`;

/** Roles of the platform's own services: they own `auth.uid()` and the like, and nobody else logs in as them. */
const PLATFORM_ROLES = [
  "supabase_admin",
  "supabase_auth_admin",
  "supabase_storage_admin",
  "supabase_realtime_admin",
  "supabase_functions_admin",
].map(literal).join(", ");

/**
 * Query for the roles (`oid`, `rolname`) whose code must not run with the rights of the session's role: a login that
 * cannot act as the session's role can act as them. One that can (by inheriting it, becoming it, or granting it to
 * itself) gains nothing by it.
 */
export const UNTRUSTED_ROLES = `
    select r.oid, r.rolname
    from pg_roles r
    where not r.rolsuper and r.rolname not in (${PLATFORM_ROLES}) and exists (
      select from pg_roles l
      where l.rolcanlogin and not l.rolsuper and l.rolname not in (${PLATFORM_ROLES})
        and pg_has_role(l.oid, r.oid, 'MEMBER')
        and not (
          pg_has_role(l.oid, current_user, 'USAGE')
          or pg_has_role(l.oid, current_user, 'MEMBER WITH ADMIN OPTION')
          or ${maySetRole("current_user", "l.oid")}))`;
