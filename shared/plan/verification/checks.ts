/**
 * Checks inside the transaction: that the outcome is what was planned, before it can be seen by anybody.
 * Each is one statement for a whole batch and raises FACTS_MOVED, so that nothing half-right is committed.
 *
 * They run while clients wait. To plan such a query takes the server several times as long as to run it, and
 * about as long as the rename itself; so each is prepared, and planned, before the locks are taken.
 */
import type { RelationKind } from "../../facts/relation_kinds.ts";
import {
  FACTS_MOVED,
  ofThisDatabase,
  type PlanStatement,
  prepared,
  withoutMarks,
} from "../plan.ts";
import { dollarQuoted, literal, qualified } from "../../sql/quoting.ts";
import { invokerOption } from "../../sql/stored_view.ts";

export interface Check {
  preparations: PlanStatement[];
  statement: PlanStatement;
}

/** What is checked, for a check that is prepared (`raiseUnlessNone`) or for one that runs at once (`checkAtOnce`). */
export interface CheckQuery {
  /** Of the prepared statement: each check of a plan has its own. */
  name: string;
  purpose: string;
  /** Answers what is wrong, or null. May have constants of `ofThisDatabase`. */
  query: string;
}

export interface ExpectedRelation {
  oid: number;
  schema: string;
  name: string;
  kind: RelationKind;
}

export interface ExpectedView {
  schema: string;
  /** The names of view and table when the check runs, in the same schema. */
  name: string;
  table_name: string;
  table_oid: number;
  table_kind: RelationKind;
  security_invoker: boolean;
  /** False where the view may belong to another role than the table. */
  same_owner: boolean;
  /** False where some privileges are granted by the owner in a grantor's stead. */
  same_grantors: boolean;
  /** Numbers of the table's columns that the view leaves out on purpose. Default: none. */
  without?: number[];
  /** Numbers of the identity columns that have a default on the view. Default: none. */
  defaulted?: number[];
}

/**
 * Raises unless each OID is the relation of that name and kind: "lock, then look again", and whatever a
 * statement by name has hit in the meantime is undone.
 *
 * @param name Of the prepared statement: each check of a plan has its own.
 */
export function checkRelations(
  expected: ExpectedRelation[],
  purpose: string,
  name = "relations",
): Check {
  return raiseUnlessNone(
    name,
    purpose,
    `
  select pg_catalog.string_agg(pg_catalog.format('%I.%I is not the planned relation', e.schema, e.name), '; ')
  from ${relationRows(expected)}
  ${relationWithOid("c", "e.found")}
  where (c.oid::int8 = e.oid and c.relkind = e.kind) is not true`,
  );
}

/** Raises unless nothing has the names, no type either but what the server moves out of the way by itself. */
export function checkFree(names: { schema: string; name: string }[], purpose: string): Check {
  const rows = names.map(({ schema, name }) => `(${literal(schema)}, ${literal(name)})`);
  return raiseUnlessNone(
    "free",
    purpose,
    `
  select pg_catalog.string_agg(pg_catalog.format('%I.%I is taken', e.schema, e.name), '; ')
  from (values ${rows.join(",\n    ")}) e(schema, name)
  join pg_catalog.pg_namespace n on n.nspname = e.schema
  where exists (
      select from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relname = e.name)
    or exists (
      select from pg_catalog.pg_type t
      where t.typnamespace = n.oid and t.typname = e.name and not exists (
        select from pg_catalog.pg_type element where element.typarray = t.oid))`,
  );
}

/**
 * Raises unless each view has the planned options, its table's columns in order, with defaults where the
 * table has them, its table's privileges to the letter, and is as updatable as the table.
 */
export function checkViews(
  expected: ExpectedView[],
  columnGrants: boolean,
  purpose: string,
): CheckQuery {
  return {
    name: "views",
    purpose,
    query: `
  select pg_catalog.string_agg(pg_catalog.format('%I.%I %s', x.schema, x.name, x.wrong), '; ')
  from (
    select e.schema, e.name, case
      when t.oid::int8 is distinct from e.table_oid then 'has another table beside it'
      when v.relkind is distinct from 'v' then 'is no view'
      ${differentInItself(expected, columnGrants)}
      when ${columnsOf("t", "e.without", "e.defaulted")} is distinct from ${
      columnsOf("v", "'{}'", "'{}'")
    } then 'has other columns'
      when pg_catalog.pg_relation_is_updatable(v.oid, false) <>
          pg_catalog.pg_relation_is_updatable(t.oid, false)
          & case when v.relnatts > 0 then 28 else 16 end
        then 'is not as updatable as the table'
      end as wrong
    from ${viewRows(expected)}
    ${relationWithOid("v", "e.view_found")}
    ${relationWithOid("t", "e.table_found")}
  ) x
  where x.wrong is not null`,
  };
}

/**
 * Raises unless tables and views that were checked before the locks are the planned ones under their last names, and
 * what the weak lock on a table (SHARE UPDATE EXCLUSIVE) does not keep out has not been done since: GRANT and REVOKE.
 * Of the view it compares besides what an event trigger could change at the renaming.
 */
export function checkExchange(
  expected: ExpectedView[],
  columnGrants: boolean,
  purpose: string,
): Check {
  return raiseUnlessNone(
    "exchange",
    purpose,
    `
  select pg_catalog.string_agg(pg_catalog.format('%I.%I %s', x.schema, x.name, x.wrong), '; ')
  from (
    select e.schema, e.name, case
      when t.oid::int8 is distinct from e.table_oid or t.relkind <> e.table_kind
        then 'has another table beside it'
      when v.relkind is distinct from 'v' then 'is no view'
      ${differentInItself(expected, columnGrants)}
      end as wrong
    from ${viewRows(expected)}
    ${relationWithOid("v", "e.view_found")}
    ${relationWithOid("t", "e.table_found")}
  ) x
  where x.wrong is not null`,
  );
}

/** Conditions for what is wrong with a view's options, owner and privileges. */
function differentInItself(expected: ExpectedView[], columnGrants: boolean): string {
  const sameGrantors = expected.every((view) => view.same_grantors);
  return `when ${invokerOption("v.reloptions")} <> e.security_invoker
          or exists (
            select from pg_catalog.pg_options_to_table(v.reloptions) o
            where o.option_name <> 'security_invoker')
        then 'has other options'
      when e.same_owner and v.relowner <> t.relowner then 'has another owner'
      when ${sameGrantors ? differentAcl : differentPrivileges} then 'has other privileges'
      when ${columnGrants ? differentColumnPrivileges : ANY_COLUMN_PRIVILEGES}
        then 'has other column privileges'`;
}

/**
 * As VALUES, so that the server knows how many they are and looks a few up by index. Names are looked up
 * when it runs; expected OIDs are int8, since the rename would have the server plan again whatever has its
 * relation's OID as a constant.
 */
function relationRows(expected: ExpectedRelation[]): string {
  const rows = expected.map(({ oid, schema, name, kind }) =>
    `(${literal(schema)}, ${literal(name)}, ${found(schema, name)}, ${ofThisDatabase(oid)}::int8, ${
      literal(kind)
    }::"char")`
  );
  return `(values ${rows.join(",\n    ")})
    as e(schema, name, found, oid, kind)`;
}

function viewRows(expected: ExpectedView[]): string {
  const rows = expected.map((view) => {
    const { schema, name, table_name } = view;
    const names = [literal(schema), literal(name), found(schema, name), found(schema, table_name)];
    const rest = [
      ...[view.security_invoker, view.same_owner, view.same_grantors].map(String),
      // The columns that it shows are in the statement that makes it.
      ...[view.without, view.defaulted].map((numbers) =>
        `${ofThisDatabase(literal(`{${(numbers ?? []).join(",")}}`))}::int2[]`
      ),
    ];
    const table = [
      `${ofThisDatabase(view.table_oid)}::int8`,
      `${literal(view.table_kind)}::"char"`,
    ];
    return `(${[...names, ...table, ...rest].join(", ")})`;
  });
  return `(values ${rows.join(",\n      ")})
      as e(schema, name, view_found, table_found, table_oid, table_kind,
        security_invoker, same_owner, same_grantors, without, defaulted)`;
}

/**
 * Joins the relation with an OID, or nothing, as `alias`. OFFSET 0 makes the server look each one up by the index: left
 * to itself it reads all of pg_class into a hash table, for ten relations already, while clients wait.
 */
const relationWithOid = (alias: string, oid: string) =>
  `left join lateral (
      select c.* from pg_catalog.pg_class c where c.oid = ${oid} offset 0) ${alias} on true`;

/** What has the name when the check runs, as an OID. */
export const found = (schema: string, name: string) =>
  `pg_catalog.to_regclass(${literal(qualified(schema, name))})::pg_catalog.oid`;

/** Where the table had no privileges on columns when it was read. */
const ANY_COLUMN_PRIVILEGES = `exists (
        select from pg_catalog.pg_attribute a
        where a.attrelid in (t.oid, v.oid) and a.attacl is not null)`;

/** A view's columns say of themselves what their table's do; of identity columns some have a default. */
const columnsOf = (relation: string, without: string, defaulted: string) =>
  `array(
        select row(a.attname, a.atttypid, a.atttypmod, a.attcollation,
          (a.atthasdef and a.attgenerated = '') or a.attnum = any (${defaulted}))
        from pg_catalog.pg_attribute a
        where a.attrelid = ${relation}.oid and a.attnum > 0 and not a.attisdropped
          and a.attnum <> all (${without})
        order by a.attnum)`;

const aclOf = (relation: string) =>
  `coalesce(${relation}.relacl, pg_catalog.acldefault('r', ${relation}.relowner))`;

/** Entries are sets: the order in which they were granted does not matter. */
const differentAcl = `not (${aclOf("t")} @> ${aclOf("v")} and ${aclOf("v")} @> ${aclOf("t")})`;

/** The same where the owner or a grantor may differ: who may do what, without the grantors. */
const differentPrivileges = `exists (
        select from (${entriesOf(aclOf("t"))}) te full join (${entriesOf(aclOf("v"))}) ve
          using (grantee, privilege_type, is_grantable, grantor)
        where te.here is null or ve.here is null)`;

const differentColumnPrivileges = `exists (
        select from pg_catalog.pg_attribute a
        left join pg_catalog.pg_attribute va on va.attrelid = v.oid and va.attname = a.attname
        where a.attrelid = t.oid and a.attnum > 0
          and (a.attacl is not null or va.attacl is not null) and a.attnum <> all (e.without) and exists (
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

/**
 * A check that is prepared before the locks, and raises what its query answers, unless that is null.
 *
 * @param query May have constants of `ofThisDatabase`.
 */
export function raiseUnlessNone(name: string, purpose: string, query: string): Check {
  const { sql, hashed } = withoutMarks(query);
  const own = `check_${name}`;
  const statement = prepared(own, sql);
  const hashedPreparations = prepared(own, hashed).preparations;
  return {
    preparations: statement.preparations.map((one, index) => ({
      ...one,
      hashed: hashedPreparations[index].sql,
      purpose: "Plan a check of the outcome while nobody waits",
      once: true,
    })),
    statement: {
      sql: raising(`execute ${literal(statement.execute)} into wrong`),
      purpose,
      once: true,
    },
  };
}

/** The same check where no client waits for it. */
export function checkAtOnce({ purpose, query }: CheckQuery): PlanStatement {
  const { sql, hashed } = withoutMarks(query);
  const run = (text: string) => raising(`wrong := (${text})`);
  return { sql: run(sql), hashed: run(hashed), purpose, once: true };
}

/** @param find Statement that puts what is wrong into `wrong`. */
const raising = (find: string) =>
  `do ${
    dollarQuoted(
      `
declare
  wrong text;
begin
  ${find};
  if wrong is not null then
    raise exception using errcode = '${FACTS_MOVED}', message = wrong;
  end if;
end `,
      "check",
    )
  }`;
