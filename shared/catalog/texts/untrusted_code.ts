/**
 * Code that would run with our login's rights and must not, by its owner: functions, operators, types with their
 * checks, and relations, whose owners write their policies, defaults, checks, rules and index expressions. It is
 * found by dependencies. For a function whose body is a text the server keeps none: what the text names counts, and
 * everything where the text makes statements.
 */
import { cascades, catalogOid } from "./expressions.ts";
import { UNTRUSTED_ROLES } from "../objects/privileges.ts";

const oidsOf = (...catalogs: string[]) => catalogs.map(catalogOid).join(", ");

/** Catalogs whose rows belong to a relation, type or constraint, and are run with it by reads. */
const READ_PARTS = ["pg_policy", "pg_rewrite", "pg_class"];

/** The same for writes. */
const PARTS = ["pg_attrdef", "pg_constraint", "pg_trigger", ...READ_PARTS];

/** Whose owner is in a row of their own. */
const OWNERS = {
  pg_proc: "proowner",
  pg_type: "typowner",
  pg_operator: "oprowner",
  pg_opclass: "opcowner",
  pg_opfamily: "opfowner",
};

/** Objects of the query `reached` with their owners. */
const reachedWithOwners = Object.entries(OWNERS).map(([catalog, owner]) => `
      select r.classid, r.objid, o.${owner} from reached r join ${catalog} o
        on r.classid = ${catalogOid(catalog)} and o.oid = r.objid`).join("\n      union");

/** Most that are named. */
const LIMIT = 50;

/**
 * Expression for a JSON array of `object` and `owner`.
 *
 * @param start Query for what is run, as `classid` and `objid`; it may refer to the query around it.
 * @param read Whether relations are only read. Default: false.
 */
export const untrustedCode = (start: string, { read = false }: { read?: boolean } = {}) =>
  `(
    with recursive untrusted as materialized (${UNTRUSTED_ROLES}),
    -- What the untrusted own, by the name under which a text could mean it.
    foreign_object(classid, objid, name, owner) as materialized (
      select 'pg_proc'::regclass::oid, p.oid, lower(p.proname), p.proowner
      from pg_proc p where p.proowner in (select u.oid from untrusted u)
      union all
      select 'pg_class'::regclass, c.oid, lower(c.relname), c.relowner
      from pg_class c
      where c.relowner in (select u.oid from untrusted u) and c.relkind in ('r', 'p', 'v', 'm', 'f')
        and c.relpersistence <> 't'
      union all
      select 'pg_type'::regclass, t.oid, lower(t.typname), t.typowner
      from pg_type t
      where t.typowner in (select u.oid from untrusted u) and t.typtype in ('b', 'd', 'r')
        and t.typelem = 0
      union all
      -- An operator has no name to look for; nor has a cast, which belongs to its function's owner.
      select 'pg_operator'::regclass, o.oid, '', o.oprowner
      from pg_operator o where o.oprowner in (select u.oid from untrusted u)
      union all
      select 'pg_proc'::regclass, p.oid, '', p.proowner
      from pg_cast k join pg_proc p on p.oid = k.castfunc
      where p.proowner in (select u.oid from untrusted u)
    ),
    reached(classid, objid) as (
      select s.classid::oid, s.objid::oid from (${start}) s(classid, objid)
      union
      select x.classid, x.objid from reached r cross join lateral (
        -- What it needs. A constraint looks at rows; what else their tables have is of no account to it.
        select d.refclassid, d.refobjid from pg_depend d
        where d.classid = r.classid and d.objid = r.objid
          and d.refclassid in (${oidsOf("pg_class", ...Object.keys(OWNERS))})
          and not (d.refclassid = 'pg_class'::regclass and r.classid = 'pg_constraint'::regclass)
        union all
        -- What belongs to it.
        select d.classid, d.objid from pg_depend d
        where d.refclassid = r.classid and d.refobjid = r.objid and d.deptype in ('a', 'i')
          and r.classid in (${oidsOf("pg_class", "pg_type", "pg_constraint")})
          and (d.classid in (${oidsOf(...(read ? READ_PARTS : PARTS))})
            or r.classid = 'pg_type'::regclass and d.classid = 'pg_constraint'::regclass)
        union all
        select d.classid, d.objid from pg_depend d
        where d.refclassid = r.classid and d.refobjid = r.objid
          and r.classid in ('pg_opclass'::regclass, 'pg_opfamily'::regclass)
          and d.classid in ('pg_amop'::regclass, 'pg_amproc'::regclass)
        union all
        -- What its text names.
        select f.classid, f.objid
        from pg_proc p
        join pg_language l on l.oid = p.prolang and l.lanname not in ('internal', 'c')
        cross join lateral (select lower(p.prosrc) as body) b
        join foreign_object f on f.name = '' or strpos(b.body, f.name) > 0
          or b.body ~ '\\mexecute\\M' or l.lanname not in ('sql', 'plpgsql')
        where r.classid = 'pg_proc'::regclass and p.oid = r.objid and p.prosqlbody is null
      ) x(classid, objid)
    ),
    found(classid, objid, owner) as (${reachedWithOwners}
      union
      select r.classid, r.objid, c.relowner from reached r join pg_class c
        on r.classid = 'pg_class'::regclass and c.oid = r.objid and c.relkind <> 'c'
          and ${read ? "(c.relkind = 'v' or c.relrowsecurity)" : "true"}
      union
      select r.classid, r.objid, c.relowner from reached r
      join pg_constraint k on r.classid = 'pg_constraint'::regclass and k.oid = r.objid
      join pg_class c on c.oid = k.conrelid
      union
      -- An operator or a cast can be meant by any statement of ours, without a name.
      select f.classid, f.objid, f.owner from foreign_object f where f.name = ''
      union
      -- A role with the privilege TRIGGER can write a condition, which may call functions of the server's that
      -- change settings or run statements. Those that cannot are not volatile.
      select r.classid, r.objid, g.grantee
      from reached r
      join pg_trigger t
        on r.classid = 'pg_trigger'::regclass and t.oid = r.objid and t.tgqual is not null
      join lateral (
        select a.grantee from pg_class c
        cross join lateral aclexplode(c.relacl) a
        where c.oid = t.tgrelid and a.privilege_type = 'TRIGGER'
          and (a.grantee = 0 or a.grantee in (select u.oid from untrusted u))) g on true
      where exists (
        select from regexp_matches(t.tgqual::text, ':(?:funcid|opfuncid) (\\d+)', 'g') m(ids)
        join pg_proc p on p.oid = m.ids[1]::oid and p.provolatile = 'v')
    )
    select coalesce(json_agg(json_build_object(
        'object', x.object, 'owner', x.owner) order by x.object), '[]')
    from (
      select pg_describe_object(f.classid, f.objid, 0) as object,
        coalesce(u.rolname, 'PUBLIC') as owner
      from found f left join untrusted u on u.oid = f.owner
      where f.owner = 0 or u.oid is not null
      order by 1 limit ${LIMIT}) x)`;

/**
 * Query for what reads and writes of a table and of its view reach: themselves, partitions and whatever
 * inherits, neighbours by foreign keys, and by cascades the neighbours' own.
 */
export const relationsOnTheWay = (table: number, view: number) => `
      with recursive near(oid, far) as (
        select x.oid, false from (values (${table}::oid), (${view}::oid)) x(oid)
        union
        select x.oid, x.far from near n cross join lateral (
          select i.inhrelid, n.far from pg_inherits i where i.inhparent = n.oid
          union all
          select i.inhparent, n.far from pg_inherits i where i.inhrelid = n.oid
          union all
          select c.conrelid, true from pg_constraint c
          where c.contype = 'f' and c.confrelid = n.oid
            and (not n.far or ${cascades("c")})
          union all
          select c.confrelid, true from pg_constraint c
          where c.contype = 'f' and c.conrelid = n.oid and not n.far
        ) x(oid, far)
      )
      select 'pg_class'::regclass::oid, near.oid from near`;
