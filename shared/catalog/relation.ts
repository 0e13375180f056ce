/** The relation itself: kind, owner, options, and what the session's role may do with it. */
import { commentOn } from "./comments.ts";

/**
 * Whether the session's role, or another, may SET ROLE to a role. PostgreSQL 16 made SET a privilege of its own; the
 * argument is not looked at before the branch is taken, so that 15 does not trip over it.
 */
export const maySetRole = (role: string, member = "current_user") => `
  case when current_setting('server_version_num')::int >= 160000
    then pg_has_role(${member}, ${role}, 'SET')
    else pg_has_role(${member}, ${role}, 'MEMBER') end`;

/** Whether a role may make something in a schema, and may name what is there. */
export const mayCreateIn = (role: string, schema: string) =>
  `has_schema_privilege(${role}, ${schema}, 'CREATE')
    and has_schema_privilege(${role}, ${schema}, 'USAGE')`;

/** JSON members of a relation `t` (a row of pg_class) in namespace `n`. */
export const relationMembers = `
  'oid', t.oid::int8,
  'schema', n.nspname,
  'name', t.relname,
  'kind', t.relkind,
  'persistence', t.relpersistence,
  'is_partition', t.relispartition,
  'owner', pg_get_userbyid(t.relowner),
  'owned', pg_has_role(t.relowner, 'USAGE'),
  'owner_settable', ${maySetRole("t.relowner")},
  'owner_can_create', ${mayCreateIn("t.relowner", "n.oid")},
  'extension', (
    select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_class'::regclass and d.objid = t.oid
      and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
    limit 1),
  'row_security', t.relrowsecurity,
  'force_row_security', t.relforcerowsecurity,
  'options', coalesce(to_json(t.reloptions), '[]'),
  'replica_identity', t.relreplident,
  'access_method', (select am.amname from pg_am am where am.oid = t.relam),
  'tablespace', (select s.spcname from pg_tablespace s where s.oid = t.reltablespace),
  'comment', ${commentOn("pg_class", "t.oid")},
  'partition_key', case when t.relkind = 'p' then pg_get_partkeydef(t.oid) end,
  'partition_bound', pg_get_expr(t.relpartbound, t.oid),
  'parents', (
    select coalesce(json_agg(i.inhparent::regclass::text order by i.inhseqno), '[]')
    from pg_inherits i where i.inhrelid = t.oid),
  'children', (
    select coalesce(json_agg(i.inhrelid::regclass::text order by i.inhrelid), '[]')
    from pg_inherits i where i.inhparent = t.oid)`;
