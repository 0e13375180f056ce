/**
 * What is built on a view, with all that is needed to make it depend on something else: found by pg_depend
 * (PostgreSQL manual, 52.18), from the view and its row type on through whatever cannot keep its OID.
 */
import { OWN_SCHEMA } from "../../contract/names.ts";
import { definitionOf, keptOf, skeletonOf, sourcesDigest } from "../../dependents/object_state.ts";
import type { BuiltObject } from "../../facts/built_on.ts";
import { literal } from "../../sql/quoting.ts";
import { isRowCast } from "./dependents.ts";
import { type Expressions, joinDependent, jsonObject } from "../texts/expressions.ts";
import type { Occurring } from "../occurring.ts";
import {
  aclEntries,
  defaultGrantees,
  mayCreateIn,
  maySetRole,
  relationAcl,
  UNTRUSTED_ROLES,
} from "./privileges.ts";
import { untrustedCode } from "../texts/untrusted_code.ts";

/** What others can depend on when they depend on the object `a`: itself and, of a relation, its types. */
const addresses = `
      select a.classid, a.objid
      union all
      select 'pg_type'::regclass, ty.oid
      from pg_class c
      join pg_type own on own.oid = c.reltype
      cross join lateral (values (own.oid), (own.typarray)) ty(oid)
      where a.classid = 'pg_class'::regclass and c.oid = a.objid`;

/** Rows of the catalogs that `d`, a row of pg_depend, may speak of. */
const rowsOf = (d: string) => `
    ${joinDependent("pg_rewrite", "rw", d)}
    ${joinDependent("pg_class", "c", d)}
    ${joinDependent("pg_proc", "p", d)}
    ${joinDependent("pg_attrdef", "ad", d)}
    ${joinDependent("pg_trigger", "tg", d)}`;

/**
 * The view \`t\` and everything that is reached from it. A view's or materialized view's query depends as a
 * rule named _RETURN: the relation is meant. What is made again has dependants of its own.
 */
const reached = `
  reached as (
    select 'pg_class'::regclass::oid as classid, t.oid as objid, 0 as objsubid, true as recreated
    union
    select o.classid, o.objid, o.objsubid, o.recreated
    from reached a
    cross join lateral (${addresses}) ref
    join pg_depend d on d.refclassid = ref.classid and d.refobjid = ref.objid
    ${rowsOf("d")}
    left join pg_class rv on rv.oid = rw.ev_class and rw.rulename = '_RETURN'
    left join pg_index i on i.indexrelid = c.oid
    cross join lateral (
      select case when a.classid = 'pg_class'::regclass then a.objid end as relation) own
    cross join lateral (
      select case when rv.oid is null then d.classid else 'pg_class'::regclass::oid end as classid,
        coalesce(rv.oid, d.objid) as objid,
        case when rv.oid is null then d.objsubid else 0 end as objsubid,
        coalesce(rv.relkind = 'm', false) or coalesce(ref.classid = 'pg_type'::regclass
          and ref.objid = any(p.proargtypes::oid[] || p.prorettype || p.proallargtypes), false)
          as recreated) o
    where a.recreated
      and rw.ev_class is distinct from own.relation
      and ad.adrelid is distinct from own.relation
      and tg.tgrelid is distinct from own.relation
      and i.indrelid is distinct from own.relation
      and not (d.deptype = 'i' and (c.relkind = 't' or d.classid = 'pg_type'::regclass))
  )`;

/** What the definition of \`x\` depends on: of a view, what its query does. */
const dependencies = `
    select d.refclassid, d.refobjid, d.refobjsubid
    from pg_depend d
    where d.classid = case when vr.oid is null then x.classid else 'pg_rewrite'::regclass end
      and d.objid = coalesce(vr.oid, x.objid)
      and not (x.classid = 'pg_class'::regclass and d.refclassid = x.classid and d.refobjid = x.objid)`;

const uses = `(
      select coalesce(json_agg(distinct jsonb_build_object(
        'relation', coalesce(ut.relation, uc.oid)::int8,
        'column', ua.attname,
        'row_type', ut.relation is not null,
        'routine', up.oid::int8)), '[]')
      from (${dependencies}) d
      left join pg_class uc on d.refclassid = 'pg_class'::regclass and uc.oid = d.refobjid
      left join pg_attribute ua
        on ua.attrelid = uc.oid and d.refobjsubid > 0 and ua.attnum = d.refobjsubid
      left join pg_proc up on d.refclassid = 'pg_proc'::regclass and up.oid = d.refobjid
      left join lateral (
        select nullif(coalesce(element.typrelid, ty.typrelid), 0) as relation
        from pg_type ty
        left join pg_type element on element.typarray = ty.oid
        where d.refclassid = 'pg_type'::regclass and ty.oid = d.refobjid) ut on true
      where uc.oid is not null or ut.relation is not null or up.oid is not null)`;

const closedSchemas = `(
      select coalesce(json_agg(distinct ns.nspname), '[]')
      from (${dependencies}) d
      join pg_namespace ns on ns.oid = case d.refclassid
        when 'pg_class'::regclass then (
          select u.relnamespace from pg_class u where u.oid = d.refobjid)
        when 'pg_type'::regclass then (
          select u.typnamespace from pg_type u where u.oid = d.refobjid)
        when 'pg_proc'::regclass then (
          select u.pronamespace from pg_proc u where u.oid = d.refobjid)
        when 'pg_operator'::regclass then (
          select u.oprnamespace from pg_operator u where u.oid = d.refobjid)
        end
      where not has_schema_privilege(ns.oid, 'USAGE'))`;

/** The stored form of what \`x\` says, in which a whole row is a variable of the row type. */
const nodeTree = `
      concat(vr.ev_action, rw.ev_qual, rw.ev_action, po.polqual, po.polwithcheck, p.prosqlbody,
        ad.adbin, co.conbin)`;

const pages = (oid: string) => `coalesce(ceil(pg_relation_size(${oid}) / 8192.0), 0)::int8`;

/** A materialized view and the relations that its query reads, through views and down to partitions. */
const sizes = `(
      with recursive read as (
        select c.oid
        union
        select n.oid
        from read r
        cross join lateral (
          select d.refobjid as oid
          from pg_rewrite q join pg_depend d
            on d.classid = 'pg_rewrite'::regclass and d.objid = q.oid
          where q.ev_class = r.oid and q.rulename = '_RETURN'
            and d.refclassid = 'pg_class'::regclass and (r.oid = c.oid or exists (
              select from pg_class v where v.oid = r.oid and v.relkind = 'v'))
          union all
          select i.inhrelid from pg_inherits i where i.inhparent = r.oid) n
      )
      select json_agg(json_build_object(
          'name', rc.oid::regclass::text, 'pages', ${pages("rc.oid")})
          order by rc.oid <> c.oid, rc.oid)
      from read r join pg_class rc on rc.oid = r.oid and rc.relkind in ('r', 'm'))`;

const routine = `
      json_build_object(
        'signature', format('%I.%I(%s)', n.nspname, p.proname,
          pg_get_function_identity_arguments(p.oid)),
        'procedure', format('%I.%I(%s)', n.nspname, p.proname, (
          select string_agg(format_type(u.type, null), ', ' order by u.ordinality)
          from unnest(p.proargtypes) with ordinality u(type, ordinality))),
        'definable', (select s.rolsuper from pg_roles s where s.rolname = current_user)
          or (not p.proleakproof and p.prosupport = 0 and (
            select l.lanpltrusted and has_language_privilege(l.oid, 'USAGE')
            from pg_language l where l.oid = p.prolang)),
        'same_on_table', (
          select min(other.oid::regprocedure::text)
          from pg_proc other
          where other.proname = p.proname and other.pronamespace = p.pronamespace and other.oid <> p.oid
            and array(select u from unnest(other.proargtypes) u) = array(
              select case u.type when t.reltype then behind.reltype
                when types.of_view then types.of_table else u.type end
              from unnest(p.proargtypes) with ordinality u(type, ordinality)
              order by u.ordinality)))`;

/** The name of the table's row type within a JSON text. */
const typeInJson = `to_json(format_type(behind.reltype, null))::text`;

/** Regular expression for casts to the row type of the table behind the view, or to an array of it. */
const castPattern = `coalesce('::' || regexp_replace(
        substr(${typeInJson}, 2, length(${typeInJson}) - 2),
        '([^a-zA-Z0-9_])', '\\\\\\1', 'g') || '(\\[\\])?|', '')`;

/**
 * Whose code would run with the session's rights if the object were made again: a check looks at each row as
 * whoever adds it; a materialized view is filled, and its indexes are built, as its owner and with no way out of
 * that, so that it matters only if the owner has the session's rights.
 */
const lent = `
      case when co.convalidated or (c.relkind = 'm' and c.relispopulated
        and w.owner not in (select u.oid from (${UNTRUSTED_ROLES}) u))
      then ${untrustedCode("select x.classid, x.objid", { read: true })} else '[]' end`;

/** Of one object `x`. */
const OBJECT: Expressions<BuiltObject> = {
  catalog: "(select cat.relname from pg_class cat where cat.oid = x.classid)",
  oid: "x.objid::int8",
  number: "x.objsubid",
  kind: "o.type",
  identity: "o.identity",
  subkind: "coalesce(c.relkind, p.prokind)",
  schema: "n.nspname",
  name: "coalesce(c.relname, p.proname, po.polname, rw.rulename, co.conname)",
  host: `case when h.oid is not null then json_build_object(
      'oid', h.oid::int8, 'schema', n.nspname, 'name', h.relname, 'kind', h.relkind,
      'owner', pg_get_userbyid(h.relowner),
      'has_children', exists (select from pg_inherits i where i.inhparent = h.oid),
      'pages', case when co.oid is not null and h.relkind = 'r' then ${
    pages("h.oid")
  } else 0 end) end`,
  owner: "pg_get_userbyid(w.owner)",
  owned: "coalesce(pg_has_role(w.owner, 'USAGE'), false)",
  owner_settable: `coalesce(${maySetRole("w.owner")}, false)`,
  owner_can_create: `coalesce(${mayCreateIn("w.owner", "n.oid")}, false)`,
  can_create: "coalesce(has_schema_privilege(n.oid, 'CREATE'), false)",
  temporary: "coalesce(n.nspname ~ '^pg_temp_', false)",
  extension: `(
      select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
      where d.classid = x.classid and d.objid = x.objid and d.deptype = 'e'
        and d.refclassid = 'pg_extension'::regclass limit 1)`,
  recreated: "x.recreated",
  uses,
  whole_rows: `strpos(${nodeTree}, concat(':vartype ', t.reltype, ' ')) > 0`,
  closed_schemas: closedSchemas,
  definition: "s.definition",
  definition_digest: "md5(s.definition::text)",
  skeleton_digest: `md5(${skeletonOf("s.definition", castPattern)})`,
  kept: "s.kept",
  kept_digest: "md5(s.kept::text)",
  acl: `case x.classid
      when 'pg_class'::regclass then ${aclEntries(relationAcl("c"))}
      when 'pg_proc'::regclass then ${aclEntries("coalesce(p.proacl, acldefault('f', p.proowner))")}
      else '[]' end`,
  column_acls: `(
      select coalesce(json_agg(json_build_object(
          'name', a.attname, 'acl', ${aclEntries("a.attacl")}) order by a.attnum), '[]')
      from pg_attribute a
      where x.recreated and a.attrelid = c.oid and a.attnum > 0 and a.attacl is not null)`,
  default_grantees: defaultGrantees(
    `case when p.oid is null then 'r' else 'f' end::"char"`,
    "n.oid",
  ),
  lent,
  routine: `case when p.oid is not null then ${routine} end`,
  sizes: `case when c.relkind = 'm' then ${sizes} else '[]' end`,
  labels: `(
      select count(*) from pg_seclabel l where l.classoid = x.classid and l.objoid = x.objid)`,
  extension_dependencies: `(
      select count(*) from pg_depend d
      where d.classid = x.classid and d.objid = x.objid and d.deptype = 'x')`,
};

const objects = `
        select coalesce(json_agg(${jsonObject(OBJECT)}
          order by o.type collate "C", o.identity collate "C"), '[]')
        from built x
        ${rowsOf("x")}
        ${joinDependent("pg_policy", "po", "x")}
        ${joinDependent("pg_constraint", "co", "x")}
        ${joinDependent("pg_cast", "ca", "x")}
        left join pg_proc cf on cf.oid = ca.castfunc
        left join pg_rewrite vr
          on vr.ev_class = c.oid and vr.rulename = '_RETURN' and x.objsubid = 0
        left join pg_class h on h.oid = coalesce(
          c.oid, po.polrelid, rw.ev_class, ad.adrelid, tg.tgrelid, nullif(co.conrelid, 0))
        left join pg_namespace n on n.oid = coalesce(h.relnamespace, p.pronamespace)
        cross join lateral (select coalesce(h.relowner, p.proowner) as owner) w
        cross join lateral (
          select ${definitionOf("x.classid", "x.objid")} as definition,
            ${keptOf("x.classid", "x.objid")} as kept) s
        cross join lateral pg_identify_object(x.classid, x.objid, x.objsubid) o
        left join behind on true
        cross join lateral (
          select (select ty.typarray from pg_type ty where ty.oid = t.reltype) as of_view,
            (select ty.typarray from pg_type ty where ty.oid = behind.reltype) as of_table) types
        where (p.oid is null or not ${isRowCast("p")})
          and (cf.oid is null or not ${isRowCast("cf")})`;

const everything = `${reached},
    built as (
      select r.classid, r.objid, r.objsubid, bool_or(r.recreated) as recreated
      from reached r
      where not (r.classid = 'pg_class'::regclass and r.objid = t.oid)
      group by r.classid, r.objid, r.objsubid
    ),
    source as (
      select distinct r.classid, r.objid from reached r where r.recreated
    )`;

const theViewAlone = `
    source as (select 'pg_class'::regclass::oid as classid, t.oid as objid)`;

/** JSON object of what is built on relation \`t\`, where it is a view. */
export const builtOn = ({ built_on_views: any }: Pick<Occurring, "built_on_views">): string => `
  case when t.relkind = 'v' then (
    with recursive ${any ? everything : theViewAlone},
    behind as (
      select f.oid, f.reltype
      from pg_rewrite q
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = q.oid
        and d.refclassid = 'pg_class'::regclass and d.refobjid <> t.oid
      join pg_class f on f.oid = d.refobjid
      where q.ev_class = t.oid and q.rulename = '_RETURN'
        and f.relnamespace is distinct from to_regnamespace(${literal(OWN_SCHEMA)})
      limit 1
    )
    select json_build_object(
      'objects', ${any ? `(${objects})` : "'[]'::json"},
      'sources', (
        select json_agg(json_build_object(
          'catalog', (select cat.relname from pg_class cat where cat.oid = s.classid),
          'oid', s.objid::int8) order by s.classid, s.objid)
        from source s),
      'table_type', (select format_type(b.reltype, null) from behind b),
      'digest', ${sourcesDigest("t.oid", "select so.classid, so.objid from source so")})
  ) end`;
