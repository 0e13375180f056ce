/** What roles may do: access control lists, default privileges, and which roles can act as which. */
import type { AclEntry, Grant, Privilege } from "../../facts/privileges.ts";
import { literal } from "../../sql/quoting.ts";
import { type Expressions, jsonValues, valuesReader } from "../texts/expressions.ts";

/** The access control list of `relation`, a row of pg_class; null there means the default. */
export const relationAcl = (relation: string): string =>
  `coalesce(${relation}.relacl, acldefault('r', ${relation}.relowner))`;

/** A grantee's name; `PUBLIC` for 0. */
export const granteeName = (oid: string): string =>
  `case when ${oid} = 0 then 'PUBLIC' else pg_get_userbyid(${oid}) end`;

/** Of an entry `e` of `aclexplode`. */
const PRIVILEGE: Expressions<Privilege> = {
  grantee: "case when e.grantee <> 0 then pg_get_userbyid(e.grantee) end",
  privilege: "e.privilege_type",
  grantable: "e.is_grantable",
};

const GRANT: Expressions<Grant> = {
  ...PRIVILEGE,
  grantor: "pg_get_userbyid(e.grantor)",
};

/** The same with whether the grantor can be taken on, who has to reach the schema `n` of the object. */
const ACL_ENTRY: Expressions<AclEntry> = {
  ...GRANT,
  grantor_settable: `${
    maySetRole("e.grantor")
  } and has_schema_privilege(e.grantor, n.oid, 'USAGE')`,
};

const entriesWith = (facts: Record<string, string>, acl: string): string =>
  `(
    select coalesce(json_agg(${jsonValues(facts)} order by e.ordinality), '[]')
    from aclexplode(${acl}) with ordinality e)`;

/** JSON array of the entries of an access control list. */
export const aclEntries = (acl: string): string => entriesWith(ACL_ENTRY, acl);

const readAclEntry = valuesReader(ACL_ENTRY);

/** Reads what `aclEntries` has answered. */
export const withAcl = <Row extends { acl: unknown[][] }>(row: Row) => ({
  ...row,
  acl: row.acl.map(readAclEntry),
});

/*
 * Of a thousand tables the access control lists were most of the facts, though nearly all tables of a schema have the
 * same. So relations and columns have a list's text only, and each different list is read once.
 */

/** A schema, the text of a list there, and its entries. */
export type AclRow = [schema: string, text: string, entries: unknown[][]];

interface AclLists<Entry> {
  /** JSON array of the different lists of the relations `described` and of their columns: `AclRow`. */
  query: string;
  /** Makes a function that finds the entries of a list by its schema and text. They are shared: not to be changed. */
  reader: (rows: AclRow[]) => (schema: string, text: string | null) => Entry[];
}

const aclLists = <Entry>(facts: Expressions<Entry>): AclLists<Entry> => ({
  query: `(
    select coalesce(json_agg(json_build_array(
      n.nspname, l.acl::text, ${entriesWith(facts, "l.acl")})), '[]')
    from (
      select t.relnamespace, ${relationAcl("t")} as acl
      from described x join pg_class t on t.oid = x.oid
      union
      select t.relnamespace, a.attacl
      from described x
      join pg_class t on t.oid = x.oid
      join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
      where a.attacl is not null) l
    join pg_namespace n on n.oid = l.relnamespace)`,
  reader: (rows) => {
    const keyOf = (schema: string, text: string) => `${schema}\0${text}`;
    const lists = new Map(rows.map(([schema, text, entries]) => [
      keyOf(schema, text),
      entries.map(valuesReader(facts)),
    ]));
    const none: Entry[] = [];
    return (schema, text) => text === null ? none : lists.get(keyOf(schema, text))!;
  },
});

/** Lists with all that is known of their entries; of who granted what; and of who may do what. */
export const ACL_LISTS = aclLists(ACL_ENTRY);
export const GRANT_LISTS = aclLists(GRANT);
export const PRIVILEGE_LISTS = aclLists(PRIVILEGE);

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
