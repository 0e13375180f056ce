/**
 * Dependents: objects elsewhere that depend on a relation or on its row type, by pg_depend (manual, 52.18), and what
 * a view reads. What belongs to the relation itself (its rules, triggers, defaults, types, constraints) is left out:
 * `attached_objects.ts` reads that.
 */
import { OWN_SCHEMA } from "../../contract/names.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import { ROW_CAST_PREFIX, ROW_CAST_SUFFIXES } from "../../plan/view/row_type.ts";
import { SCAN_COUNTER_NAMES } from "../../plan/view/scan_counter.ts";
import { literal } from "../../sql/quoting.ts";
import { viewQueryDigest } from "../../sql/stored_view.ts";
import { type Expressions, joinDependent } from "../texts/expressions.ts";
import { ANYTHING, type Occurring } from "../occurring.ts";

/**
 * Whether `p`, a row of pg_proc, is the function of one of our casts (`plan/view/row_type.ts`): it makes rows of a view
 * rows of a table, and is named as ours are.
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

/** The relations, `c`, that the query of a view reads: FROM and WHERE of a query. */
const readBy = (view: string) => `
    from pg_rewrite rw
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = rw.oid
      and d.refclassid = 'pg_class'::regclass
    join pg_class c on c.oid = d.refobjid
    where rw.ev_class = ${view} and rw.rulename = '_RETURN'`;

/** Whether `c` is a scan counter, by which compatibility views count their use (`plan/view/scan_counter.ts`). */
const IS_SCAN_COUNTER = `coalesce(
      c.relnamespace = to_regnamespace(${literal(OWN_SCHEMA)})
      and c.relname ~ ${literal(SCAN_COUNTER_NAMES)}, false)`;

/** FROM and WHERE of a query for the scan counter `c` of a view. */
export const scanCounterOf = (view: string) => `${readBy(view)} and ${IS_SCAN_COUNTER}`;

const dependants = `(
    select coalesce(json_agg(json_build_object(
        'kind', x.kind, 'identity', x.identity, 'on_row_type', x.on_row_type, 'takes_row', x.takes_row)
        order by x.kind collate "C", x.identity collate "C"), '[]')
    from (
      select o.type as kind, o.identity, bool_or(d.on_row_type) as on_row_type,
        bool_or(coalesce(pr.proargtypes::oid[] && array[t.reltype,
          (select rt.typarray from pg_type rt where rt.oid = t.reltype)], false)) as takes_row
      from (
        select d.classid, d.objid, d.objsubid, d.refclassid = 'pg_type'::regclass as on_row_type
        from pg_depend d
        -- What is bound by 'a' is the relation's own, and there is much of it; but for triggers of elsewhere.
        where (d.deptype = 'n' or d.classid = 'pg_trigger'::regclass) and (
          (d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid)
          or (d.refclassid = 'pg_type'::regclass and t.reltype <> 0 and d.refobjid in (
            t.reltype, (select rt.typarray from pg_type rt where rt.oid = t.reltype))))
      ) d
      ${joinDependent("pg_rewrite", "rw")}
      ${joinDependent("pg_attrdef", "ad")}
      ${joinDependent("pg_constraint", "co")}
      ${joinDependent("pg_trigger", "tg")}
      ${joinDependent("pg_policy", "po")}
      ${joinDependent("pg_proc", "pr")}
      ${joinDependent("pg_cast", "ca")}
      left join pg_proc cf on cf.oid = ca.castfunc
      ${joinDependent("pg_class", "dc")}
      -- A view's query depends as a rule, a column's default as a row of its own.
      cross join lateral pg_identify_object(
        case when rw.rulename = '_RETURN' or ad.oid is not null then 'pg_class'::regclass::oid
          else d.classid end,
        case when rw.rulename = '_RETURN' then rw.ev_class else coalesce(ad.adrelid, d.objid) end,
        coalesce(ad.adnum::int, d.objsubid)) o
      where rw.ev_class is distinct from t.oid
        and ad.adrelid is distinct from t.oid
        and co.conrelid is distinct from t.oid and co.contype is distinct from 'f'
        and tg.tgrelid is distinct from t.oid and tg.tgisinternal is not true
        and po.polrelid is distinct from t.oid
        and dc.oid is distinct from t.oid
        and (pr.oid is null or not ${isRowCast("pr")})
        and (cf.oid is null or not ${isRowCast("cf")})
        and (dc.relkind is null or dc.relkind not in ('i', 'I', 'S', 't'))
        and not (dc.oid is not null and not d.on_row_type and d.objsubid = 0)
        and not (d.classid = 'pg_type'::regclass and exists (
          select from pg_type own where own.oid = t.reltype and d.objid in (own.oid, own.typarray)))
        and d.classid not in ('pg_publication_rel'::regclass, 'pg_statistic_ext'::regclass)
      group by o.type, o.identity
    ) x)`;

/** Whether a parameter of type `taken` takes whatever one of the type `wanted` takes, if that is a row or an array. */
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

/** What depends on the row type `t.reltype`, or on arrays of it, `own.typarray`. */
const rowTypeUsers = `
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
          ${joinDependent("pg_proc", "pr")}
          ${joinDependent("pg_operator", "op")}
          ${joinDependent("pg_cast", "ca")}
          left join pg_proc cf on cf.oid = ca.castfunc
          ${joinDependent("pg_class", "co")}
          cross join lateral (select ${PARAMETER} as parameter) p
          cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) o
          where d.refclassid = 'pg_type'::regclass
            and d.refobjid in (t.reltype, own.typarray) and d.deptype = 'n'
            and (op.oid is not null or ca.oid is not null or pr.oid is not null
              or d.classid = 'pg_type'::regclass
              or (co.relkind in ('r', 'p', 'f', 'c') and d.objsubid > 0))
            and (pr.oid is null or not ${isRowCast("pr")})
            and (cf.oid is null or not ${isRowCast("cf")})
        ) x`;

const inheritedFunctions = `
        with recursive ancestor as (
          select i.inhparent as relid from pg_inherits i where i.inhrelid = t.oid
          union
          select i.inhparent from ancestor a join pg_inherits i on i.inhrelid = a.relid
        )
        select coalesce(json_agg(distinct o.identity collate "C"), '[]')
        from ancestor a
        join pg_class above on above.oid = a.relid
        join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid = above.reltype
          and d.classid = 'pg_proc'::regclass
        join pg_proc pr on pr.oid = d.objid and above.reltype = any(pr.proargtypes::oid[])
        cross join lateral pg_identify_object(d.classid, d.objid, 0) o`;

const rowCasts = `
        select coalesce(json_agg(json_build_object(
            'function', p.proname,
            'target', ta.typrelid::int8,
            'cast', exists (select from pg_cast c where c.castfunc = p.oid),
            'executors', (
              select coalesce(json_agg(distinct pg_get_userbyid(e.grantee)), '[]')
              from aclexplode(p.proacl) e where e.grantee not in (0, p.proowner))
          ) order by p.proname collate "C"), '[]')
        from (
          select distinct d.objid from pg_depend d
          where d.classid = 'pg_proc'::regclass
            and d.refclassid = 'pg_type'::regclass and d.refobjid = t.reltype) d
        join pg_proc p on p.oid = d.objid
        join pg_type ta on ta.oid = p.prorettype
        where t.relkind = 'v'
          and p.pronargs = 1 and p.proargtypes[0] = t.reltype and p.pronamespace = t.relnamespace
          and ${isRowCast("p")}`;

const NONE = "'[]'::json";

/** JSON object of what has to do with the row type of relation `t`. */
export const rowType = (
  { row_type_users, heirs }: Pick<Occurring, "row_type_users" | "heirs">,
): string =>
  `(
    select json_build_object(
      'users', ${row_type_users ? `(${rowTypeUsers})` : NONE},
      'inherited_functions', ${heirs ? `(${inheritedFunctions})` : NONE},
      'casts', ${row_type_users ? `(${rowCasts})` : NONE})
    from (select ty.typarray from pg_type ty where ty.oid = t.reltype) own)`;

/** Of relation `t`. */
export const DEPENDENTS = {
  dependants,
  view_definition: "case when t.relkind in ('v', 'm') then pg_get_viewdef(t.oid) end",
  view_query: viewQueryDigest("t.oid"),
  view_reads: `case when t.relkind in ('v', 'm') then (
    select coalesce(json_agg(distinct c.oid::int8), '[]')
    ${readBy("t.oid")} and c.oid <> t.oid and not ${IS_SCAN_COUNTER}) else '[]' end`,
  scan_counter: `(select c.relname ${scanCounterOf("t.oid")} limit 1)`,
  row_type: rowType(ANYTHING),
} satisfies Partial<Expressions<RelationFacts>>;

/** The views that read a view, which is what drift looks at of its dependents. */
export const READING_VIEWS = `case when t.relkind = 'v' then (
    select coalesce(json_agg(distinct jsonb_build_object('kind', 'view', 'identity', c.oid::regclass::text)), '[]')
    from pg_depend d
    join pg_rewrite rw on rw.oid = d.objid
    join pg_class c on c.oid = rw.ev_class and c.oid <> t.oid and c.relkind = 'v'
    where d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
      and d.classid = 'pg_rewrite'::regclass and rw.rulename = '_RETURN') else '[]' end`;
