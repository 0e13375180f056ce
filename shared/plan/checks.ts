/**
 * Checks inside the transaction: that the outcome is what was planned, before it can be seen by anybody.
 * Each is one statement for a whole batch and raises FACTS_MOVED, so that nothing half-right is committed.
 * They run while clients wait, so each is one flat query: planning several would cost more than the rename.
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

export interface ExpectedView {
  schema: string;
  name: string;
  table_oid: number;
  security_invoker: boolean;
  /** False where the view may belong to another role than the table. */
  same_owner: boolean;
  /** False where some privileges are granted by the owner in a grantor's stead. */
  same_grantors: boolean;
}

/**
 * Raises unless each OID is the relation of that name and kind: "lock, then look again", and whatever a
 * statement by name has hit in the meantime is undone.
 */
export function checkRelations(expected: ExpectedRelation[]): string {
  return raiseUnlessNone(`
  select pg_catalog.string_agg(pg_catalog.format('%I.%I is not the planned relation', e.schema, e.name), '; ')
  from pg_catalog.jsonb_to_recordset(${jsonbLiteral(expected)})
    as e(oid pg_catalog.oid, schema text, name text, kind "char")
  left join pg_catalog.pg_class c on c.oid = e.oid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where (n.nspname = e.schema and c.relname = e.name and c.relkind = e.kind) is not true`);
}

/**
 * Raises unless each relation about to be dropped is the view that was planned, and has no triggers or
 * rules, which DROP VIEW would take along without a word.
 */
export function checkBareViews(expected: ExpectedRelation[]): string {
  return raiseUnlessNone(`
  select pg_catalog.string_agg(pg_catalog.format('%I.%I is not the bare view it was', e.schema, e.name), '; ')
  from pg_catalog.jsonb_to_recordset(${jsonbLiteral(expected)})
    as e(oid pg_catalog.oid, schema text, name text, kind "char")
  left join pg_catalog.pg_class c on c.oid = e.oid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where (n.nspname = e.schema and c.relname = e.name and c.relkind = e.kind) is not true
    or exists (select from pg_catalog.pg_trigger g where g.tgrelid = e.oid)
    or exists (
      select from pg_catalog.pg_rewrite r where r.ev_class = e.oid and r.rulename <> '_RETURN')`);
}

/**
 * Raises unless each view has the planned options, its table's columns in order, with defaults where the
 * table has them, its table's privileges to the letter, and is as updatable as the table.
 */
export function checkViews(expected: ExpectedView[], columnGrants: boolean): string {
  const sameGrantors = expected.every((view) => view.same_grantors);
  return raiseUnlessNone(`
  select pg_catalog.string_agg(pg_catalog.format('%I.%I %s', x.schema, x.name, x.wrong), '; ')
  from (
    select e.schema, e.name, case
      when v.relkind is distinct from 'v' then 'is no view'
      when coalesce(v.reloptions, '{}') <>
          case when e.security_invoker then array['security_invoker=true'] else '{}' end
        then 'has other options'
      when e.same_owner and v.relowner <> t.relowner then 'has another owner'
      when ${columnsOf("t")} is distinct from ${columnsOf("v")} then 'has other columns'
      when ${sameGrantors ? differentAcl : differentPrivileges} then 'has other privileges'${
    columnGrants
      ? `
      when ${differentColumnPrivileges} then 'has other column privileges'`
      : ""
  }
      when pg_catalog.pg_relation_is_updatable(v.oid, false) <>
          pg_catalog.pg_relation_is_updatable(t.oid, false)
          & case when v.relnatts > 0 then 28 else 16 end
        then 'is not as updatable as the table'
      end as wrong
    from pg_catalog.jsonb_to_recordset(${jsonbLiteral(expected)})
      as e(schema text, name text, table_oid pg_catalog.oid,
        security_invoker boolean, same_owner boolean, same_grantors boolean)
    left join pg_catalog.pg_namespace n on n.nspname = e.schema::name
    left join pg_catalog.pg_class v on v.relnamespace = n.oid and v.relname = e.name::name
    left join pg_catalog.pg_class t on t.oid = e.table_oid
  ) x
  where x.wrong is not null`);
}

/** A view's columns say of themselves what their table's do; identity and generated columns have no default. */
const columnsOf = (relation: string) =>
  `(
        select pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.quote_ident(a.attname),
          a.atttypid, a.atttypmod, a.attcollation,
          a.atthasdef and a.attgenerated = '', a.attacl is null), ', ' order by a.attnum)
        from pg_catalog.pg_attribute a
        where a.attrelid = ${relation}.oid and a.attnum > 0 and not a.attisdropped)`;

const aclOf = (relation: string) =>
  `coalesce(${relation}.relacl, pg_catalog.acldefault('r', ${relation}.relowner))`;

/** Entries are sets: the order in which they were granted does not matter. */
const differentAcl = `not (${aclOf("t")} @> ${aclOf("v")} and ${aclOf("v")} @> ${aclOf("t")})`;

/** The same where the owner or a grantor may differ: who may do what, whoever granted it. */
const differentPrivileges = `exists (
        select from (${entriesOf(aclOf("t"))}) te full join (${entriesOf(aclOf("v"))}) ve
          using (grantee, privilege_type, is_grantable, grantor)
        where te.here is null or ve.here is null)`;

const differentColumnPrivileges = `exists (
        select from pg_catalog.pg_attribute a
        left join pg_catalog.pg_attribute va on va.attrelid = v.oid and va.attname = a.attname
        where a.attrelid = t.oid and a.attnum > 0 and a.attacl is not null and exists (
          select from (${entriesOf("a.attacl")}) te full join (${entriesOf("va.attacl")}) ve
            using (grantee, privilege_type, is_grantable, grantor)
          where te.here is null or ve.here is null))`;

function entriesOf(acl: string): string {
  return `
          select i.grantee, i.privilege_type, pg_catalog.bool_or(i.is_grantable) as is_grantable,
            true as here, case when e.same_grantors then i.grantor else 0 end as grantor
          from pg_catalog.aclexplode(${acl}) i
          where e.same_owner or i.grantee <> v.relowner
          group by i.grantee, i.privilege_type, 5`;
}

function raiseUnlessNone(query: string): string {
  const body = `
declare
  wrong text := (${query});
begin
  if wrong is not null then
    raise exception using errcode = '${FACTS_MOVED}', message = wrong;
  end if;
end `;
  return `do ${dollarQuoted(body, "check")}`;
}
