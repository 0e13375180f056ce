/**
 * What a schema holds, object by object, in the server's own words and without a single OID: two databases,
 * or one at two times, hold the same if and only if the descriptions are equal.
 */
import type postgres from "postgres";

/** Text of an object by its kind and name. */
export type Description = Record<string, string>;

/** Every relation, routine, policy, rule, trigger, constraint, index, cast and statistics object of a schema. */
export async function describe(sql: postgres.Sql, schema: string): Promise<Description> {
  const rows = await sql.begin("read only", async (tx) => {
    await tx`set local search_path = pg_catalog, pg_temp`;
    return await tx.unsafe(QUERY, [schema]);
  });
  return Object.fromEntries(rows.map(({ object, text }) => [object as string, text as string]));
}

/** The OIDs of the same objects, for tests that say "this is still the very same object". */
export async function identities(
  sql: postgres.Sql,
  schema: string,
): Promise<Record<string, number>> {
  const rows = await sql.unsafe(
    `
    select case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'i' then 'index '
        else 'table ' end || c.relname as object, c.oid::int8::float8 as oid
    from pg_class c where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'i')
    union all
    select 'routine ' || p.oid::regprocedure, p.oid::int8::float8 from pg_proc p
    where p.pronamespace = $1::text::regnamespace
    union all
    select 'policy ' || p.polname, p.oid::int8::float8 from pg_policy p
    join pg_class c on c.oid = p.polrelid where c.relnamespace = $1::text::regnamespace
    union all
    select 'rule ' || r.rulename || ' on ' || c.relname, r.oid::int8::float8 from pg_rewrite r
    join pg_class c on c.oid = r.ev_class where c.relnamespace = $1::text::regnamespace
      and r.rulename <> '_RETURN'
    union all
    select 'trigger ' || g.tgname || ' on ' || c.relname, g.oid::int8::float8 from pg_trigger g
    join pg_class c on c.oid = g.tgrelid where c.relnamespace = $1::text::regnamespace
      and not g.tgisinternal`,
    [schema],
  );
  return Object.fromEntries(rows.map(({ object, oid }) => [object as string, oid as number]));
}

/** What differs, one line each. */
export function descriptionDifferences(before: Description, after: Description): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((object) => before[object] !== after[object]).sort()
    .map((object) => `${object}:\n  ${before[object] ?? "(none)"}\n  ${after[object] ?? "(none)"}`);
}

/** Entries of an ACL without order; none written down means the default ones. */
const acl = (entries: string, kind: string, owner: string) =>
  `array(select a::text from unnest(coalesce(${entries}, acldefault('${kind}', ${owner}))) a order by 1)`;

const QUERY = `
select 'relation ' || c.relname as object, concat_ws(E'\\n    ',
  c.relkind, pg_get_userbyid(c.relowner), c.relpersistence, ${
  acl("c.relacl", "r", "c.relowner")
}::text,
  c.reloptions::text, obj_description(c.oid, 'pg_class'), c.relispopulated::text, c.relreplident,
  c.relrowsecurity::text, (select spcname from pg_tablespace t where t.oid = c.reltablespace),
  (select amname from pg_am am where am.oid = c.relam),
  (select reloptions::text from pg_class t where t.oid = c.reltoastrelid),
  case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
  (select string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
      (select collname from pg_collation co where co.oid = a.attcollation), a.attnotnull,
      pg_get_expr(d.adbin, d.adrelid), a.attgenerated,
      array(select x::text from unnest(a.attacl) x order by 1)::text, nullif(a.attstattarget, -1),
      a.attoptions::text, a.attstorage, nullif(a.attcompression, ''),
      col_description(c.oid, a.attnum)), E'\\n    ' order by a.attnum)
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)) as text
from pg_class c
where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
union all
select 'index ' || c.relname, concat_ws(E'\\n    ', pg_get_indexdef(c.oid), c.reloptions::text,
  obj_description(c.oid, 'pg_class'), i.indisclustered, i.indisreplident, i.indisvalid,
  (select spcname from pg_tablespace t where t.oid = c.reltablespace),
  (select string_agg(a.attname || ' ' || a.attstattarget, ' ' order by a.attnum)
    from pg_attribute a where a.attrelid = c.oid and nullif(a.attstattarget, -1) is not null))
from pg_class c join pg_index i on i.indexrelid = c.oid
where c.relnamespace = $1::text::regnamespace
union all
select 'routine ' || p.oid::regprocedure, concat_ws(E'\\n    ',
  case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end, pg_get_userbyid(p.proowner),
  ${acl("p.proacl", "f", "p.proowner")}::text, obj_description(p.oid, 'pg_proc'))
from pg_proc p where p.pronamespace = $1::text::regnamespace
union all
select 'policy ' || p.polname || ' on ' || c.relname, concat_ws(E'\\n    ', p.polcmd, p.polpermissive,
  array(select pg_get_userbyid(r) from unnest(p.polroles) r order by 1)::text,
  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
  obj_description(p.oid, 'pg_policy'))
from pg_policy p join pg_class c on c.oid = p.polrelid
where c.relnamespace = $1::text::regnamespace
union all
select 'rule ' || r.rulename || ' on ' || c.relname, concat_ws(E'\\n    ', pg_get_ruledef(r.oid),
  r.ev_enabled, obj_description(r.oid, 'pg_rewrite'))
from pg_rewrite r join pg_class c on c.oid = r.ev_class
where c.relnamespace = $1::text::regnamespace and r.rulename <> '_RETURN'
union all
select 'trigger ' || g.tgname || ' on ' || c.relname, concat_ws(E'\\n    ', pg_get_triggerdef(g.oid),
  g.tgenabled, obj_description(g.oid, 'pg_trigger'))
from pg_trigger g join pg_class c on c.oid = g.tgrelid
where c.relnamespace = $1::text::regnamespace and not g.tgisinternal
union all
select 'constraint ' || k.conname || ' on ' || c.relname, concat_ws(E'\\n    ', pg_get_constraintdef(k.oid),
  k.convalidated, k.conislocal, k.coninhcount, obj_description(k.oid, 'pg_constraint'))
from pg_constraint k join pg_class c on c.oid = k.conrelid
where c.relnamespace = $1::text::regnamespace
union all
select 'cast ' || format_type(k.castsource, null) || ' as ' || format_type(k.casttarget, null),
  concat_ws(' ', k.castfunc::regprocedure, k.castcontext)
from pg_cast k join pg_type t on t.oid = k.castsource
where t.typnamespace = $1::text::regnamespace
union all
select 'statistics ' || s.stxname, pg_get_statisticsobjdef(s.oid)
from pg_statistic_ext s where s.stxnamespace = $1::text::regnamespace`;
