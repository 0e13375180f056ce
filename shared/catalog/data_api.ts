/**
 * What PostgREST, the Data API, makes of a relation, by its own rules (its source, SchemaCache.hs): which
 * relations it lists, which embeddings it derives from foreign keys, which aggregates it takes for handlers of
 * media types. Each is a query for `analysis.ts`: rows of `relation` (OID) and the JSON value `fact`.
 */
import { literal } from "../sql/quoting.ts";
import { THIS_DATABASE } from "./texts/expressions.ts";

/** The role as which PostgREST connects: Supabase's, or whichever role has its settings. */
const connecting = `
        select r.oid from pg_roles r where r.rolname = 'authenticator'
        union
        select s.setrole from pg_db_role_setting s, unnest(s.setconfig) e(entry)
        where s.setrole <> 0 and starts_with(e.entry, 'pgrst.')`;

/** Roles as which it runs requests: those that it may become. Rows of oid, name and whether it bypasses RLS. */
const requesters = `
        select m.oid, m.rolname, m.rolbypassrls
        from pg_roles m
        where not m.rolsuper and exists (
          select from (${connecting}) c
          where c.oid <> m.oid and pg_has_role(c.oid, m.oid, 'MEMBER'))`;

/** Schemas that it serves: some requester may use them, and no setting names others only. */
const served = `served as materialized (
        select n.oid
        from pg_namespace n
        where exists (
            select from (${requesters}) q where has_schema_privilege(q.oid, n.oid, 'USAGE'))
          and coalesce((
            select bool_or(n.nspname = any(
              regexp_split_to_array(split_part(e.entry, '=', 2), '\\s*,\\s*')))
            from pg_db_role_setting s
            cross join unnest(s.setconfig) e(entry)
            where e.entry ~ '^pgrst\\.db_schemas?=' and s.setdatabase in (0, ${THIS_DATABASE})), true))`;

const serves = (oid: string) => `${oid} in (select served.oid from served)`;

/**
 * Of partitions, which PostgREST does not list: what its requesters could do with one if it did, and whether
 * that is more than they can do through the partitioned table at the top.
 */
export const partitionAccess = `
      with ${served}
      select t.oid as relation, json_build_object(
        'role', q.rolname,
        'privileges', json_agg(p.privilege order by p.number),
        'row_security', c.relrowsecurity,
        'beyond', bool_or(
          not (has_table_privilege(q.oid, root.oid, p.privilege)
            or (p.by_column and has_any_column_privilege(q.oid, root.oid, p.column_privilege)))
          or (root.relrowsecurity and not c.relrowsecurity and not q.rolbypassrls))) as fact
      from described t
      join pg_class c on c.oid = t.oid and c.relispartition
      join pg_class root on root.oid = pg_partition_root(t.oid)
      cross join (${requesters}) q
      cross join (values (1, 'SELECT', true, 'SELECT'), (2, 'INSERT', true, 'INSERT'),
        (3, 'UPDATE', true, 'UPDATE'), (4, 'DELETE', false, 'SELECT'))
        p(number, privilege, by_column, column_privilege)
      where ${serves("c.relnamespace")}
        and has_schema_privilege(q.oid, c.relnamespace, 'USAGE')
        and (has_table_privilege(q.oid, c.oid, p.privilege)
          or (p.by_column and has_any_column_privilege(q.oid, c.oid, p.column_privilege)))
      group by t.oid, q.rolname, c.relrowsecurity
      order by t.oid, q.rolname`;

/** Aggregates over rows of a relation whose result is a domain named like a media type. */
export const mediaHandlers = `
      with ${served}
      select t.oid as relation, json_build_object(
        'aggregate', format('%I.%I(%s)', n.nspname, p.proname,
          pg_get_function_identity_arguments(p.oid)),
        'media_type', lower(d.typname)) as fact
      from described t
      join pg_class c on c.oid = t.oid
      join pg_depend dep on dep.classid = 'pg_proc'::regclass
        and dep.refclassid = 'pg_type'::regclass and dep.refobjid = c.reltype
      join pg_proc p on p.oid = dep.objid and p.prokind = 'a' and p.pronargs = 1
        and p.proargtypes[0] = c.reltype
      join pg_namespace n on n.oid = p.pronamespace
      join pg_type d on d.oid = p.prorettype and d.typbasetype <> 0
        and (d.typname ~* '^[a-z0-9.-]+/[a-z0-9.+-]+$' or d.typname = '*/*')
      where ${serves("p.pronamespace")} and ${serves("c.relnamespace")}
      group by t.oid, n.nspname, p.oid, p.proname, d.typname
      order by t.oid, n.nspname, p.proname`;

/** Whether the foreign key \`k\` is unique as well, so that PostgREST takes it for one-to-one. */
const oneToOne = (k: string) =>
  `exists (
        select from pg_constraint u
        where u.conrelid = ${k}.conrelid and u.contype in ('p', 'u')
          and u.conkey @> ${k}.conkey and u.conkey <@ ${k}.conkey)`;

/** Foreign keys of one column to their own table that can be embedded by its name: it means no other key. */
export const selfEmbeddings = `
      with ${served}
      select t.oid as relation, json_build_object(
        'constraint', k.conname, 'column', a.attname, 'references', r.attname) as fact
      from described t
      join pg_class c on c.oid = t.oid and not c.relispartition
      join pg_constraint k on k.conrelid = t.oid and k.confrelid = t.oid and k.contype = 'f'
        and k.conparentid = 0 and cardinality(k.conkey) = 1
      join pg_attribute a on a.attrelid = t.oid and a.attnum = k.conkey[1]
      join pg_attribute r on r.attrelid = t.oid and r.attnum = k.confkey[1]
      where ${serves("c.relnamespace")} and not ${oneToOne("k")}
        and not exists (
          select from pg_constraint o
          where o.conrelid = t.oid and o.contype = 'f' and o.conparentid = 0 and o.oid <> k.oid
            and o.conkey = k.conkey and (o.confrelid <> t.oid or not ${oneToOne("o")}))
      order by t.oid, k.conname`;

/** Many-to-one keys to \`table\` whose columns are all in the primary key of theirs. */
const junctionKeys = (table: string) => `
          select k.oid, k.conrelid, pk.conkey as primary_key
          from pg_depend d
          join pg_constraint k on k.oid = d.objid and k.contype = 'f' and k.conparentid = 0
            and k.confrelid = ${table}
          join pg_constraint pk on pk.conrelid = k.conrelid and pk.contype = 'p'
            and pk.conkey @> k.conkey
          join pg_class j on j.oid = k.conrelid
          where d.classid = 'pg_constraint'::regclass
            and d.refclassid = 'pg_class'::regclass and d.refobjid = ${table}
            and not ${oneToOne("k")}
          group by k.oid, k.conrelid, pk.conkey`;

const directKeys = `(
          select count(*) from pg_constraint k
          where k.contype = 'f' and k.conparentid = 0
            and ((k.conrelid = one.oid and k.confrelid = other.oid)
              or (k.conrelid = other.oid and k.confrelid = one.oid)))`;

/** A function that PostgREST takes in place of whatever leads from \`one\` to \`other\`. */
const overridden = (one: string, other: string) =>
  `exists (
          select from pg_proc p join pg_class r on r.reltype = p.prorettype
          where p.pronamespace = ${other}.relnamespace and p.proname = ${other}.relname
            and p.pronargs = 1 and p.proargtypes[0] = ${one}.reltype and r.reltype <> 0)`;

/** Schemas that PostgREST looks through by default, whether it serves them or not. */
const SEARCHED = ["public", "extensions"];

/** Views that read the table \`j.conrelid\`, at any depth, with their queries as they are stored. */
const readers = `(
          with recursive reader as (
            select j.conrelid as oid
            union
            select rw.ev_class
            from reader x
            join pg_depend d on d.refclassid = 'pg_class'::regclass
              and d.refobjid = x.oid and d.classid = 'pg_rewrite'::regclass
            join pg_rewrite rw on rw.oid = d.objid and rw.rulename = '_RETURN'
          )
          select coalesce(json_agg(json_build_object(
            'oid', v.oid::int8,
            'served', ${serves("v.relnamespace")},
            'query', rw.ev_action::text) order by v.oid), '[]')
          from reader x
          join pg_class v on v.oid = x.oid and v.relkind in ('v', 'm')
          join pg_namespace vn on vn.oid = v.relnamespace
          join pg_rewrite rw on rw.ev_class = v.oid and rw.rulename = '_RETURN'
          where vn.nspname in (${SEARCHED.map(literal).join(", ")}) or ${
  serves("v.relnamespace")
})`;

/** Pairs of tables that PostgREST embeds in one another through a relation, with what else connects them. */
export const joinTablePairs = `
      with ${served}
      select t.oid as relation, json_build_object(
        'one', json_build_object('oid', one.oid::int8, 'schema', n.nspname, 'table', one.relname),
        'other', json_build_object('oid', other.oid::int8, 'schema', n.nspname,
          'table', other.relname),
        'overridden', json_build_array(${overridden("one", "other")}, ${
  overridden("other", "one")
}),
        'direct_keys', ${directKeys},
        'junctions', (
          select coalesce(json_agg(json_build_object(
            'oid', j.conrelid::int8,
            'primary_key', j.primary_key,
            'ways', j.ways,
            'listed', (
              select not c.relispartition and ${serves("c.relnamespace")}
              from pg_class c where c.oid = j.conrelid),
            'readers', ${readers})), '[]')
          from (
            select x.conrelid, x.primary_key, count(*)::int as ways
            from (${junctionKeys("one.oid")}) x
            join (${junctionKeys("other.oid")}) y on y.conrelid = x.conrelid and y.oid <> x.oid
            group by x.conrelid, x.primary_key) j)) as fact
      from (
        select distinct t.oid, least(a.confrelid, b.confrelid) as one, greatest(a.confrelid, b.confrelid) as other
        from described t
        join pg_class c on c.oid = t.oid and c.relkind in ('r', 'p')
        join pg_constraint pk on pk.conrelid = t.oid and pk.contype = 'p'
        join pg_constraint a on a.conrelid = t.oid and a.contype = 'f' and a.conparentid = 0
          and pk.conkey @> a.conkey and not ${oneToOne("a")}
        join pg_constraint b on b.conrelid = t.oid and b.contype = 'f' and b.conparentid = 0
          and pk.conkey @> b.conkey and not ${oneToOne("b")}
          and a.confrelid < b.confrelid
        where ${serves("c.relnamespace")}
      ) t
      join pg_class one on one.oid = t.one
      join pg_class other on other.oid = t.other and other.relnamespace = one.relnamespace
      join pg_namespace n on n.oid = one.relnamespace
      where ${serves("one.relnamespace")}
      order by t.oid, one.relname, other.relname`;
