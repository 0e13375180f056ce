/**
 * What drift is told from, for many compatibility views and their tables at once: a look at all that is renamed
 * is taken often, and most of a relation's facts have no part in it.
 */
import type { DriftColumn, DriftFacts, DriftRelation, GrantedRight } from "../facts/drift_facts.ts";
import { identitySequence, partialReaders } from "./columns.ts";
import { nameMembers } from "./names.ts";
import { rowTypeMembers } from "./row_type.ts";
import { targets, type TargetsWanted } from "./targets.ts";
import { scanCountersOf } from "./scan_counters.ts";

/** An ACL as arrays; who granted what has no part in it. */
const rights = (acl: string) =>
  `(
        select coalesce(json_agg(json_build_array(e.privilege_type,
          case when e.grantee = 0 then null else pg_get_userbyid(e.grantee) end,
          e.is_grantable)), '[]')
        from aclexplode(${acl}) e)`;

/** Arrays of name, type, collation, identity, generated, default, ACL, partial readers and identity sequence. */
const columns = `(
      select coalesce(json_agg(json_build_array(
          a.attname, format_type(a.atttypid, a.atttypmod),
          nullif(a.attcollation, 0)::text, a.attidentity, a.attgenerated,
          case when a.atthasdef then (
            select pg_get_expr(d.adbin, d.adrelid)
            from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum) end,
          case when a.attacl is not null then ${rights("a.attacl")} end,
          case when a.attacl is not null then ${partialReaders} end,
          ${identitySequence}) order by a.attnum), '[]')
      from pg_attribute a
      where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped)`;

/** Views on a view, and what a view reads. */
const viewMembers = `
      'views', case when t.relkind = 'v' then (
        select json_agg(distinct c.oid::regclass::text)
        from pg_depend d
        join pg_rewrite rw on rw.oid = d.objid
        join pg_class c on c.oid = rw.ev_class and c.oid <> t.oid and c.relkind = 'v'
        where d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
          and d.classid = 'pg_rewrite'::regclass and rw.rulename = '_RETURN') end,
      'view_reads', case when t.relkind = 'v' then (
        select json_agg(distinct d.refobjid::int8)
        from pg_rewrite rw join pg_depend d
          on d.classid = 'pg_rewrite'::regclass and d.objid = rw.oid
        where rw.ev_class = t.oid and rw.rulename = '_RETURN' and d.refobjid <> t.oid
          and d.refclassid = 'pg_class'::regclass
          and not exists (select from (${
  scanCountersOf("t.oid")
}) counter where counter.oid = d.refobjid)) end`;

/** The query's text: one row with one column `facts`; of the same conditions as `factsQuery`. */
export function driftFactsQuery(wanted: TargetsWanted): string {
  return `
${targets(wanted)}
select json_build_object(
  'names', (
    select coalesce(json_agg(json_build_object(${nameMembers})
      order by w.ordinality), '[]')
    from named w),
  'relations', (
    select coalesce(json_agg(json_build_object(
      'oid', t.oid::int8,
      'schema', n.nspname,
      'name', t.relname,
      'kind', t.relkind,
      'owner', pg_get_userbyid(t.relowner),
      'row_security', t.relrowsecurity,
      'options', coalesce(to_json(t.reloptions), '[]'),
      'acl', ${rights("coalesce(t.relacl, acldefault('r', t.relowner))")},
      'columns', ${columns},${viewMembers},${rowTypeMembers})), '[]')
    from target x
    join pg_class t on t.oid = x.oid
    join pg_namespace n on n.oid = t.relnamespace)
)::text as facts`;
}

type RightRow = [privilege: string, grantee: string | null, grantable: boolean];

type ColumnRow = [
  name: string,
  type: string,
  collation: string | null,
  identity: DriftColumn["identity"],
  generated: DriftColumn["generated"],
  default_: string | null,
  acl: RightRow[] | null,
  partialReaders: string[] | null,
  identitySequence: DriftColumn["identity_sequence"],
];

interface RelationRow extends Omit<DriftRelation, "acl" | "columns" | "dependants" | "view_reads"> {
  acl: RightRow[];
  columns: ColumnRow[];
  views: string[] | null;
  view_reads: number[] | null;
}

/** Reads the query's answer. */
export function driftFactsFromRow(row: { facts: string }): DriftFacts {
  const { names, relations } = JSON.parse(row.facts) as Pick<DriftFacts, "names"> & {
    relations: RelationRow[];
  };
  return {
    names,
    relations: relations.map(({ views, ...relation }) => ({
      ...relation,
      acl: relation.acl.map(rightOf),
      columns: relation.columns.map(columnOf),
      view_reads: relation.view_reads ?? [],
      dependants: (views ?? []).map((identity) => ({ kind: "view", identity })),
    })),
  };
}

const rightOf = ([privilege, grantee, grantable]: RightRow): GrantedRight => ({
  privilege,
  grantee,
  grantable,
});

const columnOf = (
  [name, type, collation, identity, generated, default_, acl, partial_readers, identity_sequence]:
    ColumnRow,
): DriftColumn => ({
  name,
  type,
  collation,
  identity,
  generated,
  default: default_,
  acl: (acl ?? []).map(rightOf),
  partial_readers: partial_readers ?? [],
  identity_sequence,
});
