/**
 * Checks inside the transaction: that what was locked is what was planned, and that the outcome is right.
 * Each is one statement for a whole batch, and raises FACTS_MOVED, so that nothing half-right is committed.
 */
import type { RelationKind } from "./facts.ts";
import { FACTS_MOVED } from "./plan.ts";
import { dollarQuoted, jsonbLiteral } from "./quoting.ts";

export interface ExpectedRelation {
  oid: number;
  schema: string;
  name: string;
  kind: RelationKind;
}

/** Raises unless each OID still is the relation of that name and kind (rule: lock, then look again). */
export function checkRelations(expected: ExpectedRelation[]): string {
  return `do ${
    dollarQuoted(
      `
declare
  moved text;
begin
  select pg_catalog.string_agg(pg_catalog.format('%I.%I', e.schema, e.name), ', ') into moved
  from pg_catalog.jsonb_to_recordset(${
        jsonbLiteral(expected)
      }) as e(oid pg_catalog.oid, schema text, name text, kind "char")
  where not exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = e.oid and c.relname = e.name::name and n.nspname = e.schema::name and c.relkind = e.kind);
  if moved is not null then
    raise exception using errcode = '${FACTS_MOVED}',
      message = 'not the planned relation any more: ' || moved;
  end if;
end `,
      "check",
    )
  }`;
}

export interface ExpectedView {
  schema: string;
  name: string;
  table_oid: number;
  security_invoker: boolean;
  /** Null where the view may belong to another role than the table. */
  same_owner: boolean;
  same_grantors: boolean;
}

/**
 * Raises unless each view has the planned options, its table's columns in order, its table's privileges to
 * the letter, its defaults, and is as updatable as the table.
 */
export function checkViews(expected: ExpectedView[]): string {
  return `do ${
    dollarQuoted(
      `
declare
  one record;
  wrong text;
begin
  for one in
    select e.*, v.oid as view_oid, v.relkind, v.relowner, v.relacl, v.reloptions,
      t.relowner as table_owner, t.relacl as table_acl
    from pg_catalog.jsonb_to_recordset(${
        jsonbLiteral(expected)
      }) as e(schema text, name text, table_oid pg_catalog.oid,
        security_invoker boolean, same_owner boolean, same_grantors boolean)
    left join pg_catalog.pg_namespace n on n.nspname = e.schema::name
    left join pg_catalog.pg_class v on v.relnamespace = n.oid and v.relname = e.name::name
    left join pg_catalog.pg_class t on t.oid = e.table_oid
  loop
    wrong := case
      when one.relkind is distinct from 'v' then 'is no view'
      when coalesce(one.reloptions, '{}') <>
          case when one.security_invoker then array['security_invoker=true'] else '{}' end
        then 'has other options'
      when one.same_owner and one.relowner <> one.table_owner then 'has another owner'
      when exists (
          select from (
            select pg_catalog.row_number() over (order by a.attnum) as place,
              a.attname, a.atttypid, a.atttypmod, a.attcollation
            from pg_catalog.pg_attribute a
            where a.attrelid = one.table_oid and a.attnum > 0 and not a.attisdropped) t
          full join (
            select a.attnum as place, a.attname, a.atttypid, a.atttypmod, a.attcollation
            from pg_catalog.pg_attribute a where a.attrelid = one.view_oid and a.attnum > 0) v
          using (place, attname, atttypid, atttypmod, attcollation)
          where t.place is null or v.place is null)
        then 'has other columns'
      when exists (
          select from (
            select case when one.same_grantors then x.grantor end as grantor,
              x.grantee, x.privilege_type, x.is_grantable
            from pg_catalog.aclexplode(coalesce(one.table_acl,
              pg_catalog.acldefault('r', one.table_owner))) x
            where one.same_owner or x.grantee <> one.relowner) t
          full join (
            select case when one.same_grantors then x.grantor end as grantor,
              x.grantee, x.privilege_type, x.is_grantable
            from pg_catalog.aclexplode(coalesce(one.relacl,
              pg_catalog.acldefault('r', one.relowner))) x
            where one.same_owner or x.grantee <> one.relowner) v
          on t.grantor is not distinct from v.grantor and t.grantee = v.grantee
            and t.privilege_type = v.privilege_type and t.is_grantable = v.is_grantable
          where t.grantee is null or v.grantee is null)
        then 'has other privileges'
      when exists (
          select from (
            select a.attname, case when one.same_grantors then x.grantor end as grantor,
              x.grantee, x.privilege_type, x.is_grantable
            from pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x
            where a.attrelid = one.table_oid and a.attnum > 0 and not a.attisdropped) t
          full join (
            select a.attname, case when one.same_grantors then x.grantor end as grantor,
              x.grantee, x.privilege_type, x.is_grantable
            from pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) x
            where a.attrelid = one.view_oid and a.attnum > 0) v
          on t.attname = v.attname and t.grantor is not distinct from v.grantor
            and t.grantee = v.grantee and t.privilege_type = v.privilege_type
            and t.is_grantable = v.is_grantable
          where t.attname is null or v.attname is null)
        then 'has other column privileges'
      when exists (
          select from pg_catalog.pg_attribute a
          left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
          left join pg_catalog.pg_attribute va
            on va.attrelid = one.view_oid and va.attname = a.attname and va.attnum > 0
          left join pg_catalog.pg_attrdef vd on vd.adrelid = va.attrelid and vd.adnum = va.attnum
          where a.attrelid = one.table_oid and a.attnum > 0 and not a.attisdropped
            and case when a.attgenerated = '' then
              pg_catalog.pg_get_expr(d.adbin, d.adrelid) is distinct from
              pg_catalog.pg_get_expr(vd.adbin, vd.adrelid) else vd.oid is not null end)
        then 'has other defaults'
      when pg_catalog.pg_relation_is_updatable(one.view_oid, false) <>
          pg_catalog.pg_relation_is_updatable(one.table_oid, false)
          & case when exists (select from pg_catalog.pg_attribute a
              where a.attrelid = one.view_oid and a.attnum > 0) then 28 else 16 end
        then 'is not as updatable as the table'
    end;
    if wrong is not null then
      raise exception using errcode = '${FACTS_MOVED}',
        message = pg_catalog.format('the compatibility view %I.%I %s', one.schema, one.name, wrong);
    end if;
  end loop;
end `,
      "check",
    )
  }`;
}

/** Raises where a view to be dropped has got triggers or rules: DROP VIEW would take them along silently. */
export function checkBareViews(oids: number[]): string {
  return `do ${
    dollarQuoted(
      `
begin
  if exists (
    select from pg_catalog.jsonb_array_elements_text(${jsonbLiteral(oids)}) o
    where exists (select from pg_catalog.pg_trigger g where g.tgrelid = o.value::pg_catalog.oid)
      or exists (select from pg_catalog.pg_rewrite r
        where r.ev_class = o.value::pg_catalog.oid and r.rulename <> '_RETURN')
  ) then
    raise exception using errcode = '${FACTS_MOVED}',
      message = 'something was built on a compatibility view in the meantime';
  end if;
end `,
      "check",
    )
  }`;
}
