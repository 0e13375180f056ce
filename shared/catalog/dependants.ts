/**
 * Dependants: objects elsewhere that stand on a relation or on its row type, by pg_depend (PostgreSQL
 * manual, 52.18). What belongs to the relation itself (its rules, triggers, defaults, types, constraints)
 * is left out: `attached_objects.ts` reads that.
 */
import { viewQueryDigest } from "../sql/stored_view.ts";
import { isRowCast } from "./row_type.ts";
import { scanCountersOf } from "./scan_counters.ts";

/** JSON members of relation `t`: its dependants, and what a view reads. */
export const dependantMembers = `
  'dependants', (
    select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'kind', x.kind, 'identity', x.identity, 'on_row_type', x.on_row_type, 'takes_row', x.takes_row)
        order by x.kind collate "C", x.identity collate "C"), '[]')
    from (
      select o.type as kind, o.identity, pg_catalog.bool_or(d.on_row_type) as on_row_type,
        pg_catalog.bool_or(coalesce(pr.proargtypes::pg_catalog.oid[] && array[t.reltype,
          (select rt.typarray from pg_catalog.pg_type rt where rt.oid = t.reltype)], false)) as takes_row
      from (
        select d.classid, d.objid, d.objsubid, d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
            as on_row_type
        from pg_catalog.pg_depend d
        -- What is bound by 'a' is the relation's own, and there is much of it; but for triggers of elsewhere.
        where (d.deptype = 'n' or d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass) and (
          (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = t.oid)
          or (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass and t.reltype <> 0
            and d.refobjid in (t.reltype,
              (select rt.typarray from pg_catalog.pg_type rt where rt.oid = t.reltype))))
      ) d
      left join pg_catalog.pg_rewrite rw
        on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and rw.oid = d.objid
      left join pg_catalog.pg_class rc on rc.oid = rw.ev_class
      left join pg_catalog.pg_attrdef ad
        on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and ad.oid = d.objid
      left join pg_catalog.pg_constraint co
        on d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass and co.oid = d.objid
      left join pg_catalog.pg_trigger tg
        on d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass and tg.oid = d.objid
      left join pg_catalog.pg_policy po
        on d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and po.oid = d.objid
      left join pg_catalog.pg_proc pr
        on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and pr.oid = d.objid
      left join pg_catalog.pg_cast ca
        on d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and ca.oid = d.objid
      left join pg_catalog.pg_proc cf on cf.oid = ca.castfunc
      left join pg_catalog.pg_class dc
        on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and dc.oid = d.objid
      cross join lateral pg_catalog.pg_identify_object(
        case when rw.rulename = '_RETURN' then 'pg_catalog.pg_class'::pg_catalog.regclass::oid
          when ad.oid is not null then 'pg_catalog.pg_class'::pg_catalog.regclass::oid
          else d.classid end,
        case when rw.rulename = '_RETURN' then rw.ev_class
          when ad.oid is not null then ad.adrelid
          else d.objid end,
        case when ad.oid is not null then ad.adnum::int else d.objsubid end) o
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
        and not (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and exists (
          select from pg_catalog.pg_type own where own.oid = t.reltype and d.objid in (own.oid, own.typarray)))
        and d.classid not in (
          'pg_catalog.pg_publication_rel'::pg_catalog.regclass,
          'pg_catalog.pg_statistic_ext'::pg_catalog.regclass)
      group by o.type, o.identity
    ) x),
  'view_definition', case when t.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(t.oid) end,
  'view_query', ${viewQueryDigest("t.oid")},
  'view_reads', (
    select coalesce(pg_catalog.json_agg(distinct d.refobjid::int8), '[]')
    from pg_catalog.pg_rewrite rw join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = rw.oid
    where rw.ev_class = t.oid and rw.rulename = '_RETURN' and d.refobjid <> t.oid
      and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      and not exists (select from (${
  scanCountersOf("t.oid")
}) counter where counter.oid = d.refobjid)),
  'scanCounter', (select counter.relname from (${scanCountersOf("t.oid")}) counter limit 1)`;
