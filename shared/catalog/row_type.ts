/**
 * What stands on a relation's row type, and the casts of ours that make rows of a view rows of its table
 * (`plan/row_type.ts` says what for).
 */
import { literal } from "../sql/quoting.ts";
import { ROW_CAST_PREFIX, ROW_CAST_SUFFIXES } from "../plan/row_type.ts";

/**
 * Whether `p`, a row of pg_proc, is the function of one of our casts: it makes rows of a view rows of a table,
 * and is named as ours are.
 */
export const isRowCast = (p: string) => `
  (starts_with(${p}.proname, ${literal(ROW_CAST_PREFIX)})
    and substr(${p}.proname, ${ROW_CAST_PREFIX.length + 1}) ~ ${literal(ROW_CAST_SUFFIXES)}
    and exists (
      select from pg_type taken join pg_class tv on tv.oid = taken.typrelid
      where taken.oid = ${p}.proargtypes[0] and tv.relkind = 'v')
    and exists (
      select from pg_type returned join pg_class tr on tr.oid = returned.typrelid
      where returned.oid = ${p}.prorettype and tr.relkind in ('r', 'p')))`;

/** Whether a parameter of type `taken` would take whatever one of the type `wanted` takes, if that is a row. */
const takesAlike = (wanted: string, taken: string) => `
  case ${wanted} when t.reltype then ${taken} = any(${
  types("anyelement", "anynonarray", "anycompatible", "anycompatiblenonarray", "record", '"any"')
})
    when own.typarray then ${taken} = any(${
  types("anyarray", "anyelement", "anycompatiblearray", "anycompatible", "record[]", '"any"')
}) end`;

function types(...names: string[]): string {
  const listed = names.map((name) => `'${name}'::regtype`).join(", ");
  return `array[${listed}]::oid[]`;
}

/** How many arguments a call of `p` has at least, and at most. */
const fewest = (p: string) => `${p}.pronargs - ${p}.pronargdefaults - (${p}.provariadic <> 0)::int`;
const most = (p: string) => `case when ${p}.provariadic = 0 then ${p}.pronargs else 100 end`;

/** Whether a call of `pr` with a row could as well mean a function of the same name that takes any row. */
const functionIsAmbiguous = `
  exists (
    select from pg_proc other
    cross join generate_subscripts(pr.proargtypes, 1) n
    where other.proname = pr.proname and other.oid <> pr.oid
      and ${fewest("other")} <= ${most("pr")} and ${fewest("pr")} <= ${most("other")}
      and ${
  takesAlike(
    "pr.proargtypes[n]",
    `case when other.provariadic <> 0 and n >= other.pronargs - 1
          then other.provariadic else other.proargtypes[n] end`,
  )
})`;

const operatorIsAmbiguous = `
  exists (
    select from pg_operator other
    where other.oprname = op.oprname and other.oid <> op.oid
      and coalesce(${takesAlike("op.oprleft", "other.oprleft")}, true)
      and coalesce(${takesAlike("op.oprright", "other.oprright")}, true))`;

/** A parameter in a routine's text: by number, or by its name where that needs no quotes. */
const PARAMETER = `'(?:\\$1(?![0-9])' || coalesce('|\\m' || pr.proargnames[1] || '\\M', '') || ')'`;

/**
 * Whether a routine can tell a row of NULLs from NULL: it cannot if it is not strict and looks at single
 * fields only, or asks IS [NOT] NULL, which a row of NULLs is as well. What only returns a row is not asked.
 */
const routineTellsNull = `
  case when not pr.proargtypes::oid[] && array[t.reltype, own.typarray] then false
    when pr.prokind not in ('f', 'p') or pr.pronargs > 1 or pr.proargtypes[0] <> t.reltype or pr.proisstrict
      or pr.prorettype in (t.reltype, own.typarray)
      or coalesce(pr.proallargtypes[2:] && array[t.reltype, own.typarray], false)
      or pr.proargnames[1] !~ '^[a-z_][a-z0-9_]*$'
      or not exists (
        select from pg_language l where l.oid = pr.prolang and l.lanname in ('sql', 'plpgsql'))
      then true
    else regexp_replace(
        coalesce(pg_get_function_sqlbody(pr.oid), pr.prosrc),
        p.parameter || '\\s*\\.\\s*[a-z_"]|\\(\\s*' || p.parameter || '\\s*\\)\\s*\\.\\s*[a-z_"]|'
          || p.parameter || '\\s+is\\s+(?:not\\s+)?null\\M', '', 'gi') ~* p.parameter
  end`;

/** JSON members of relation `t`. */
export const rowTypeMembers = `
  'row_type', (
    select json_build_object(
      'users', (
        select coalesce(json_agg(json_build_object(
            'kind', x.kind, 'identity', x.identity, 'ambiguous', x.ambiguous, 'tells_null', x.tells_null)
            order by x.kind collate "C", x.identity collate "C"), '[]')
        from (
          select distinct o.type as kind, o.identity,
            case when pr.oid is not null then ${functionIsAmbiguous}
              when op.oid is not null then ${operatorIsAmbiguous}
              else d.classid = 'pg_cast'::regclass end as ambiguous,
            case when pr.oid is not null then ${routineTellsNull} else true end as tells_null
          from pg_depend d
          left join pg_proc pr
            on d.classid = 'pg_proc'::regclass and pr.oid = d.objid
          left join pg_operator op
            on d.classid = 'pg_operator'::regclass and op.oid = d.objid
          left join pg_cast ca
            on d.classid = 'pg_cast'::regclass and ca.oid = d.objid
          left join pg_proc cf on cf.oid = ca.castfunc
          left join pg_class co
            on d.classid = 'pg_class'::regclass and co.oid = d.objid
          cross join lateral (select ${PARAMETER} as parameter) p
          cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) o
          where d.refclassid = 'pg_type'::regclass
            and d.refobjid in (t.reltype, own.typarray) and d.deptype = 'n'
            and (op.oid is not null or ca.oid is not null or pr.oid is not null
              or d.classid = 'pg_type'::regclass
              or (co.relkind in ('r', 'p', 'f', 'c') and d.objsubid > 0))
            and (pr.oid is null or not ${isRowCast("pr")})
            and (cf.oid is null or not ${isRowCast("cf")})
        ) x),
      'inherited_functions', (
        with recursive ancestor as (
          select i.inhparent as relid from pg_inherits i where i.inhrelid = t.oid
          union
          select i.inhparent from ancestor a join pg_inherits i on i.inhrelid = a.relid
        )
        select coalesce(json_agg(distinct o.identity collate "C"), '[]')
        from ancestor a
        join pg_class above on above.oid = a.relid
        join pg_depend d
          on d.refclassid = 'pg_type'::regclass and d.refobjid = above.reltype
          and d.classid = 'pg_proc'::regclass
        join pg_proc pr
          on pr.oid = d.objid and above.reltype = any(pr.proargtypes::oid[])
        cross join lateral pg_identify_object(d.classid, d.objid, 0) o),
      'casts', (
        select coalesce(json_agg(json_build_object(
            'function', p.proname,
            'target', ta.typrelid::int8,
            'cast', exists (select from pg_cast c where c.castfunc = p.oid),
            'executors', (
              select coalesce(json_agg(distinct pg_get_userbyid(e.grantee)), '[]')
              from aclexplode(p.proacl) e where e.grantee not in (0, p.proowner))
          ) order by p.proname collate "C"), '[]')
        from pg_proc p
        join pg_type ta on ta.oid = p.prorettype
        where t.relkind = 'v' and p.oid in (
            select d.objid from pg_depend d
            where d.classid = 'pg_proc'::regclass
              and d.refclassid = 'pg_type'::regclass and d.refobjid = t.reltype)
          and p.pronargs = 1 and p.proargtypes[0] = t.reltype and p.pronamespace = t.relnamespace
          and ${isRowCast("p")}))
    from (select ty.typarray from pg_type ty where ty.oid = t.reltype) own)`;
