/** Access privileges: of relations, of columns, and those that a new relation is born with. */
import type { AclEntry } from "../facts/privileges.ts";
import { maySetRole } from "./relation.ts";

/** An ACL as a JSON array of its entries, in the order in which they were granted. */
export const explodedAcl = (acl: string, namespace: string) =>
  `(
  select coalesce(json_agg(json_build_object(
      'grantor', pg_get_userbyid(e.grantor),
      'grantee', case when e.grantee = 0 then null else pg_get_userbyid(e.grantee) end,
      'privilege', e.privilege_type,
      'grantable', e.is_grantable,
      'grantor_settable', ${maySetRole("e.grantor")}
        and has_schema_privilege(e.grantor, ${namespace}, 'USAGE')
    ) order by e.ordinality), '[]')
  from aclexplode(${acl}) with ordinality e)`;

/** The same, each entry as an array: of a thousand tables they are half of all that is read. */
export const aclRows = (acl: string, namespace: string) =>
  `(
  select coalesce(json_agg(json_build_array(
      pg_get_userbyid(e.grantor),
      case when e.grantee = 0 then null else pg_get_userbyid(e.grantee) end,
      e.privilege_type, e.is_grantable,
      ${maySetRole("e.grantor")}
        and has_schema_privilege(e.grantor, ${namespace}, 'USAGE')
    ) order by e.ordinality), '[]')
  from aclexplode(${acl}) with ordinality e)`;

/** An entry of `aclRows`. */
export type AclRow = [
  grantor: string,
  grantee: string | null,
  privilege: string,
  grantable: boolean,
  grantorSettable: boolean,
];

/** Reads the entries. */
export const aclFromRows = (rows: AclRow[]): AclEntry[] =>
  rows.map(([grantor, grantee, privilege, grantable, grantor_settable]) => ({
    grantor,
    grantee,
    privilege,
    grantable,
    grantor_settable,
  }));

/** JSON members: the ACL of relation \`t\`, and who gets something on new relations and functions in its schema. */
export const privilegeMembers = `
  'acl', ${aclRows("coalesce(t.relacl, acldefault('r', t.relowner))", "n.oid")},
  'default_grantees', (
    select coalesce(json_agg(distinct pg_get_userbyid(e.grantee)), '[]')
    from pg_default_acl d, aclexplode(d.defaclacl) e
    where d.defaclrole = (select r.oid from pg_roles r where r.rolname = current_user)
      and d.defaclobjtype = 'r' and d.defaclnamespace in (0, n.oid) and e.grantee <> 0),
  'default_executors', (
    select coalesce(json_agg(distinct pg_get_userbyid(e.grantee)), '[]')
    from pg_default_acl d, aclexplode(d.defaclacl) e
    where d.defaclrole = (select r.oid from pg_roles r where r.rolname = current_user)
      and d.defaclobjtype = 'f' and d.defaclnamespace in (0, n.oid) and e.grantee <> 0)`;
