/** Columns: types, defaults, identity, column privileges. */
import { commentOn } from "./comments.ts";
import { aclRows } from "./privileges.ts";

/** JSON array of the roles that may read column `a` of relation `t`, and not every column. */
export const partialReaders = `(
        select coalesce(pg_catalog.json_agg(distinct
            case when e.grantee = 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(e.grantee) end), '[]')
        from pg_catalog.aclexplode(a.attacl) e
        where e.privilege_type = 'SELECT' and exists (
          select from pg_catalog.pg_attribute other
          where other.attrelid = t.oid and other.attnum > 0 and not other.attisdropped
            and not case when e.grantee = 0
              then pg_catalog.has_column_privilege('public', t.oid, other.attnum, 'SELECT')
              else pg_catalog.has_column_privilege(e.grantee, t.oid, other.attnum, 'SELECT') end))`;

/**
 * JSON array of the columns of relation `t`, in their order.
 *
 * `partial_readers` are the roles with a SELECT grant on the column that cannot read every column: under a
 * security-invoker view such a role can read nothing, since the view refers to all of them.
 */
export const columns = `(
  select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname,
      'number', a.attnum,
      'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'collation', (
        select cn.nspname || '.' || co.collname
        from pg_catalog.pg_collation co join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
        where co.oid = a.attcollation),
      'not_null', a.attnotnull,
      'identity', a.attidentity,
      'generated', a.attgenerated,
      'default', (
        select pg_catalog.pg_get_expr(d.adbin, d.adrelid)
        from pg_catalog.pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum),
      'settings', pg_catalog.concat_ws(' ',
        'storage ' || a.attstorage::text,
        'compression ' || nullif(a.attcompression, '')::text,
        'statistics ' || nullif(a.attstattarget, -1),
        'options ' || a.attoptions::text,
        case when a.attislocal then 'local' end,
        'inherited ' || nullif(a.attinhcount, 0)),
      'comment', ${commentOn("pg_class", "a.attrelid", "a.attnum")},
      'acl', case when a.attacl is null then '[]' else ${aclRows("a.attacl", "n.oid")} end,
      'partial_readers', case when a.attacl is null then '[]' else ${partialReaders} end
    ) order by a.attnum), '[]')
  from pg_catalog.pg_attribute a
  where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped)`;
