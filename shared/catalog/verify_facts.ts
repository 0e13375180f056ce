/** Facts for the trials of verify: roles, keys, types, neighbours. One query, one row, one column `facts`. */
import { literal } from "../sql/quoting.ts";
import { API_ROLES, type VerifyFacts } from "../facts/verify_facts.ts";
import { sideEffects } from "./objects/side_effects.ts";
import { cascades, type Expressions, jsonObject, THIS_DATABASE } from "./texts/expressions.ts";
import { maySetRole } from "./objects/privileges.ts";
import { relationsOnTheWay, untrustedCode } from "./texts/untrusted_code.ts";

interface VerifyFactsWanted {
  table: number;
  view: number;
  /** Roles that are wanted although they may have no privilege; those that do not exist are left out. */
  roles: string[];
  /** The login without rights in whose session things are tried; null where it is the session's role. */
  verifier: string | null;
}

export function verifyFactsQuery({ table, view, roles, verifier }: VerifyFactsWanted): string {
  const user = verifier === null ? "current_user" : `${literal(verifier)}::name`;
  const facts: Expressions<VerifyFacts> = {
    user,
    separate: String(verifier !== null),
    roles: rolesOf(roles, user),
    columns: COLUMNS,
    keys: KEYS,
    indexed: INDEXED,
    watched: WATCHED,
    partition_columns: PARTITION_COLUMNS,
    foreign_keys: FOREIGN_KEYS,
    side_effects: sideEffects(table, view),
    untrusted: verifier === null
      ? untrustedCode(relationsOnTheWay(table, view))
      : "json_build_array()",
  };
  return `
select ${jsonObject(facts)}::text as facts
from pg_class t, pg_class v
where t.oid = ${table} and v.oid = ${view}`;
}

export const verifyFactsFromRow = (row: Record<string, unknown>): VerifyFacts =>
  JSON.parse(row.facts as string);

/** Names of the columns of a relation that are in an array of numbers, in the array's order. */
const namesIn = (numbers: string, relation: string) =>
  `(
    select coalesce(json_agg(a.attname order by k.ordinality), '[]')
    from unnest(${numbers}) with ordinality k(number, ordinality)
    join pg_attribute a on a.attrelid = ${relation} and a.attnum = k.number)`;

const allowed = (privilege: "SELECT" | "INSERT" | "UPDATE") =>
  `(
        select coalesce(json_agg(a.attname order by a.attnum), '[]')
        from pg_attribute a
        where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
          and has_column_privilege(r.oid, t.oid, a.attnum, ${literal(privilege)}))`;

const rolesOf = (wanted: string[], user: string) =>
  `(
    select coalesce(json_agg(json_build_object(
        'name', r.rolname,
        'settable', ${maySetRole("r.oid", user)},
        'select', ${allowed("SELECT")},
        'insert', ${allowed("INSERT")},
        'update', ${allowed("UPDATE")}) order by r.rolname), '[]')
    from pg_roles r
    where r.rolname in (${["", ...wanted].map(literal).join(", ")})
      or r.oid = t.relowner
      or r.oid in (
        select e.grantee from aclexplode(t.relacl) e
        union all select e.grantee from aclexplode(v.relacl) e
        union all
        select e.grantee from pg_attribute a, aclexplode(a.attacl) e
        where a.attrelid in (t.oid, v.oid) and a.attnum > 0
        union all
        select unnest(p.polroles) from pg_policy p where p.polrelid = t.oid))`;

const COLUMNS = `(
    select coalesce(json_agg(json_build_object(
        'name', a.attname,
        'base', case when b.namespace = 'pg_catalog'::regnamespace then b.name end,
        'category', b.category,
        'kind', b.kind,
        'typmod', b.typmod,
        'label', (
          select e.enumlabel from pg_enum e where e.enumtypid = b.oid
          order by e.enumsortorder limit 1)) order by a.attnum), '[]')
    from pg_attribute a
    cross join lateral (
      with recursive base as (
        select ty.oid, ty.typname as name, ty.typnamespace as namespace, ty.typcategory as category,
          ty.typtype as kind, ty.typbasetype, ty.typtypmod, a.atttypmod as typmod
        from pg_type ty where ty.oid = a.atttypid
        union all
        select ty.oid, ty.typname, ty.typnamespace, ty.typcategory, ty.typtype, ty.typbasetype,
          ty.typtypmod, coalesce(nullif(base.typmod, -1), base.typtypmod)
        from base join pg_type ty on ty.oid = base.typbasetype
        where base.kind = 'd')
      select * from base where base.kind <> 'd') b
    where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped)`;

const KEYS = `(
    select coalesce(json_agg(json_build_object(
        'name', ic.relname,
        'primary', i.indisprimary,
        'exclusion', i.indisexclusion,
        'immediate', i.indimmediate,
        'partial', i.indpred is not null,
        'columns', (
          select json_agg(a.attname order by k.ordinality)
          from unnest(i.indkey::int2[]) with ordinality k(number, ordinality)
          left join pg_attribute a on a.attrelid = t.oid and a.attnum = nullif(k.number, 0)
          where k.ordinality <= i.indnkeyatts),
        'depends_on', (
          select coalesce(json_agg(distinct a.attname), '[]')
          from pg_attribute a
          where a.attrelid = t.oid and (
            a.attnum = any(i.indkey::int2[])
            or a.attnum in (
              select d.refobjsubid from pg_depend d
              where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
                and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
                and d.refobjsubid > 0)))
      ) order by i.indisprimary desc, ic.relname collate "C"), '[]')
    from pg_index i join pg_class ic on ic.oid = i.indexrelid
    where i.indrelid = t.oid and (i.indisunique or i.indisexclusion) and i.indisready)`;

const INDEXED = `(
    select coalesce(json_agg(x.attname order by x.attnum), '[]')
    from (
      select distinct a.attname, a.attnum
      from pg_index i
      join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]
      where i.indrelid = t.oid and i.indisvalid) x)`;

const WATCHED = `(
    select coalesce(json_agg(distinct a.attname), '[]')
    from pg_attribute a
    where a.attrelid = t.oid and (
      exists (
        select from pg_constraint c
        where c.conrelid = t.oid and c.contype = 'c' and a.attnum = any(c.conkey))
      or a.attnum in (
        select d.refobjsubid from pg_policy p join pg_depend d
          on d.classid = 'pg_policy'::regclass and d.objid = p.oid
        where p.polrelid = t.oid
          and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
          and d.refobjsubid > 0)))`;

/** Of the table, of its partitions at any depth, and of what it is a partition of; columns go by their names. */
const PARTITION_COLUMNS = `(
    select coalesce(json_agg(distinct a.attname), '[]')
    from (
      select f.relid from pg_partition_tree(t.oid) f
      union select f.relid from pg_partition_ancestors(t.oid) f) f
    join pg_partitioned_table pt on pt.partrelid = f.relid
    join pg_attribute a on a.attrelid = pt.partrelid and (
      a.attnum = any(pt.partattrs::int2[])
      or a.attnum in (
        select d.refobjsubid from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = pt.partrelid
          and d.refclassid = 'pg_class'::regclass and d.refobjid = pt.partrelid
          and d.refobjsubid > 0 and d.deptype = 'i')))`;

/** Those of partitions, which their partitioned table's constraint made, are left out. */
const FOREIGN_KEYS = `(
    select coalesce(json_agg(json_build_object(
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
        c.confrelid = c.conrelid and ${cascades("c")} as cascades
      from pg_constraint c
      where c.contype = 'f' and c.conrelid = t.oid
      union all
      select c.conname, 'in', c.conrelid, c.confkey, c.conkey,
        ${cascades("c")}
      from pg_constraint c
      where c.contype = 'f' and c.confrelid = t.oid and c.conrelid <> t.oid and c.conparentid = 0
    ) x
    join pg_class c on c.oid = x.neighbour
    join pg_namespace n on n.oid = c.relnamespace)`;

/** Query for the session's login, and for a mark that is the same in sessions of one database. */
export const sameDatabaseQuery = (relations: number[]): string => `
select session_user::text as login, json_build_object(
  'standby', pg_is_in_recovery(),
  'database', ${THIS_DATABASE}::int8,
  'relations', (
    select json_agg(json_build_array(c.oid::int8, c.relname, c.xmin::text) order by c.oid)
    from pg_class c where c.oid in (${relations.join(", ")})))::text as mark`;

const MAX_REASONS = 3;

const API = API_ROLES.map(literal).join(", ");

/**
 * Query for why a login has something to give: the roles that it may become, itself among them, which can do
 * more than the roles of the Data API; and that it may become none of those.
 */
export const fitnessQuery = (login: string): string => `
select coalesce(json_agg(x.why order by x.other, x.why), '[]') as unfit
from (
  select r.rolname <> ${literal(login)} as other, format('%s %s', r.rolname, w.why) as why
  from pg_roles r
  cross join lateral (
    select case
      when r.rolname = current_user then 'is the login of the functions'
      when r.rolsuper then 'is a superuser'
      when r.rolcreaterole then 'has CREATEROLE'
      when r.rolcreatedb then 'has CREATEDB'
      when r.rolreplication then 'has REPLICATION'
      when r.rolbypassrls and r.rolname <> 'service_role' then 'has BYPASSRLS'
      when r.rolname ~ '^pg_' then 'is a predefined role'
      when r.rolname not in (${API}) and exists (
        select from pg_shdepend d
        where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid
          and d.deptype = 'o') then 'owns something'
      end as why) w
  where w.why is not null and pg_has_role(${literal(login)}::name, r.oid, 'MEMBER')
  union all
  select false, 'it may become none of the Data API''s roles'
  where not exists (
    select from pg_roles r
    where r.rolname in (${API}) and pg_has_role(${literal(login)}::name, r.oid, 'MEMBER'))
  order by 1, 2 limit ${MAX_REASONS}
) x`;

/**
 * Query for the last values of a table's sequences. Columns that are identities use theirs without any privilege
 * on it, so that a role can use up numbers that it may not look at.
 */
export const ownSequencesQuery = (table: number): string => `
select format('%I.%I', n.nspname, c.relname) as sequence, case
    when has_sequence_privilege(c.oid, 'SELECT, USAGE')
    then pg_sequence_last_value(c.oid)::text end as stands_at
from pg_depend d
join pg_class c on c.oid = d.objid and c.relkind = 'S'
join pg_namespace n on n.oid = c.relnamespace
where d.classid = 'pg_class'::regclass
  and d.refclassid = 'pg_class'::regclass
  and d.refobjid = ${table} and d.deptype in ('a', 'i')`;
