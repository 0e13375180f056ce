/** Facts for the trials of verify: roles, keys, types, neighbours. One query, one row, one column `proof`. */
import { literal } from "../sql/quoting.ts";
import type { VerifyFacts } from "../facts/verify_facts.ts";
import { sideEffects } from "./side_effects.ts";
import { maySetRole } from "./relation.ts";
import { relationsOnTheWay, untrustedCode } from "./untrusted_code.ts";

export interface VerifyFactsWanted {
  table: number;
  view: number;
  /** Roles that are wanted although they may have no privilege; those that do not exist are left out. */
  roles: string[];
  /** The login without rights in whose session things are tried; null where it is the session's role. */
  verifier: string | null;
}

/** The query's text; like the facts query it expects `search_path = pg_catalog, pg_temp`. */
export function verifyFactsQuery({ table, view, roles, verifier }: VerifyFactsWanted): string {
  const user = verifier === null ? "current_user" : `${literal(verifier)}::name`;
  return `
select pg_catalog.json_build_object(
  'user', ${user},
  'separate', ${verifier !== null},
  'roles', ${rolesOf(roles, user)},
  'columns', ${COLUMNS},
  'keys', ${KEYS},
  'indexed', ${INDEXED},
  'watched', ${WATCHED},
  'partition_columns', ${PARTITION_COLUMNS},
  'foreign_keys', ${FOREIGN_KEYS},
  'sideEffects', ${sideEffects(table, view)},
  'untrusted', ${verifier === null ? untrustedCode(relationsOnTheWay(table, view)) : "'[]'::json"}
)::text as proof
from pg_catalog.pg_class t, pg_catalog.pg_class v
where t.oid = ${table} and v.oid = ${view}`;
}

/** Reads the query's answer. */
export const verifyFactsFromRow = (row: Record<string, unknown>): VerifyFacts =>
  JSON.parse(row.proof as string);

/** Names of the columns of a relation that are in an array of numbers, in the array's order. */
const namesIn = (numbers: string, relation: string) =>
  `(
    select coalesce(pg_catalog.json_agg(a.attname order by k.ordinality), '[]')
    from pg_catalog.unnest(${numbers}) with ordinality k(number, ordinality)
    join pg_catalog.pg_attribute a on a.attrelid = ${relation} and a.attnum = k.number)`;

const allowed = (privilege: "SELECT" | "INSERT" | "UPDATE") =>
  `(
        select coalesce(pg_catalog.json_agg(a.attname order by a.attnum), '[]')
        from pg_catalog.pg_attribute a
        where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
          and pg_catalog.has_column_privilege(r.oid, t.oid, a.attnum, ${literal(privilege)}))`;

const rolesOf = (wanted: string[], user: string) =>
  `(
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', r.rolname,
        'settable', ${maySetRole("r.oid", user)},
        'select', ${allowed("SELECT")},
        'insert', ${allowed("INSERT")},
        'update', ${allowed("UPDATE")}) order by r.rolname), '[]')
    from pg_catalog.pg_roles r
    where r.rolname in (${["", ...wanted].map(literal).join(", ")})
      or r.oid = t.relowner
      or r.oid in (
        select e.grantee from pg_catalog.aclexplode(t.relacl) e
        union all select e.grantee from pg_catalog.aclexplode(v.relacl) e
        union all
        select e.grantee from pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) e
        where a.attrelid in (t.oid, v.oid) and a.attnum > 0
        union all
        select pg_catalog.unnest(p.polroles) from pg_catalog.pg_policy p where p.polrelid = t.oid))`;

const COLUMNS = `(
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', a.attname,
        'base', case when b.namespace = 'pg_catalog'::pg_catalog.regnamespace then b.name end,
        'category', b.category,
        'kind', b.kind,
        'typmod', b.typmod,
        'label', (
          select e.enumlabel from pg_catalog.pg_enum e where e.enumtypid = b.oid
          order by e.enumsortorder limit 1)) order by a.attnum), '[]')
    from pg_catalog.pg_attribute a
    cross join lateral (
      with recursive base as (
        select ty.oid, ty.typname as name, ty.typnamespace as namespace, ty.typcategory as category,
          ty.typtype as kind, ty.typbasetype, ty.typtypmod, a.atttypmod as typmod
        from pg_catalog.pg_type ty where ty.oid = a.atttypid
        union all
        select ty.oid, ty.typname, ty.typnamespace, ty.typcategory, ty.typtype, ty.typbasetype,
          ty.typtypmod, coalesce(nullif(base.typmod, -1), base.typtypmod)
        from base join pg_catalog.pg_type ty on ty.oid = base.typbasetype
        where base.kind = 'd')
      select * from base where base.kind <> 'd') b
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped)`;

const KEYS = `(
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', ic.relname,
        'primary', i.indisprimary,
        'exclusion', i.indisexclusion,
        'immediate', i.indimmediate,
        'partial', i.indpred is not null,
        'nulls_not_distinct', i.indnullsnotdistinct,
        'columns', (
          select pg_catalog.json_agg(a.attname order by k.ordinality)
          from pg_catalog.unnest(i.indkey::int2[]) with ordinality k(number, ordinality)
          left join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = nullif(k.number, 0)
          where k.ordinality <= i.indnkeyatts),
        'depends_on', (
          select coalesce(pg_catalog.json_agg(distinct a.attname), '[]')
          from pg_catalog.pg_attribute a
          where a.attrelid = t.oid and (
            a.attnum = any(i.indkey::int2[])
            or a.attnum in (
              select d.refobjsubid from pg_catalog.pg_depend d
              where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = i.indexrelid
                and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = t.oid
                and d.refobjsubid > 0)))
      ) order by i.indisprimary desc, ic.relname collate "C"), '[]')
    from pg_catalog.pg_index i join pg_catalog.pg_class ic on ic.oid = i.indexrelid
    where i.indrelid = t.oid and (i.indisunique or i.indisexclusion) and i.indisready)`;

const INDEXED = `(
    select coalesce(pg_catalog.json_agg(x.attname order by x.attnum), '[]')
    from (
      select distinct a.attname, a.attnum
      from pg_catalog.pg_index i
      join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]
      where i.indrelid = t.oid and i.indisvalid) x)`;

const WATCHED = `(
    select coalesce(pg_catalog.json_agg(distinct a.attname), '[]')
    from pg_catalog.pg_attribute a
    where a.attrelid = t.oid and (
      exists (
        select from pg_catalog.pg_constraint c
        where c.conrelid = t.oid and c.contype = 'c' and a.attnum = any(c.conkey))
      or a.attnum in (
        select d.refobjsubid from pg_catalog.pg_policy p join pg_catalog.pg_depend d
          on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
        where p.polrelid = t.oid
          and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = t.oid
          and d.refobjsubid > 0)))`;

/** Of the table, of its partitions at any depth, and of what it is a partition of; columns go by their names. */
const PARTITION_COLUMNS = `(
    select coalesce(pg_catalog.json_agg(distinct a.attname), '[]')
    from (
      select f.relid from pg_catalog.pg_partition_tree(t.oid) f
      union select f.relid from pg_catalog.pg_partition_ancestors(t.oid) f) f
    join pg_catalog.pg_partitioned_table pt on pt.partrelid = f.relid
    join pg_catalog.pg_attribute a on a.attrelid = pt.partrelid and (
      a.attnum = any(pt.partattrs::int2[])
      or a.attnum in (
        select d.refobjsubid from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = pt.partrelid
          and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = pt.partrelid
          and d.refobjsubid > 0 and d.deptype = 'i')))`;

/** Those of partitions, which their partitioned table's constraint made, are left out. */
const FOREIGN_KEYS = `(
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', x.conname,
        'direction', x.direction,
        'schema', n.nspname,
        'table', c.relname,
        'columns', ${namesIn("x.numbers", "t.oid")},
        'neighbour_columns', ${namesIn("x.neighbour_numbers", "c.oid")},
        'cascades', x.cascades) order by x.direction, n.nspname, c.relname, x.conname), '[]')
    from (
      select c.conname, case when c.confrelid = c.conrelid then 'self' else 'out' end as direction,
        c.confrelid as neighbour, c.conkey as numbers, c.confkey as neighbour_numbers,
        c.confrelid = c.conrelid and (c.confdeltype in ('c', 'n', 'd')
          or c.confupdtype in ('c', 'n', 'd')) as cascades
      from pg_catalog.pg_constraint c
      where c.contype = 'f' and c.conrelid = t.oid
      union all
      select c.conname, 'in', c.conrelid, c.confkey, c.conkey,
        c.confdeltype in ('c', 'n', 'd') or c.confupdtype in ('c', 'n', 'd')
      from pg_catalog.pg_constraint c
      where c.contype = 'f' and c.confrelid = t.oid and c.conrelid <> t.oid and c.conparentid = 0
    ) x
    join pg_catalog.pg_class c on c.oid = x.neighbour
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace)`;
