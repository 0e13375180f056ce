/**
 * What must be the same about an object before and after it is repointed, as SQL: read with the facts, compared
 * when the locks are held, and again at the end. It contains no OID, column number or position that may change,
 * and names as the server prints them under `search_path = pg_catalog, pg_temp`: qualified.
 */
import { literal } from "../sql/quoting.ts";

export const catalogOid = (catalog: string): string =>
  `${literal(`pg_catalog.${catalog}`)}::pg_catalog.regclass`;

const CATALOGS = [
  "pg_class",
  "pg_proc",
  "pg_policy",
  "pg_rewrite",
  "pg_attrdef",
  "pg_constraint",
] as const;

/** One branch for each catalog that occurs; the server would plan the others for nothing. */
function byCatalog(
  classid: string,
  occurring: readonly string[],
  branches: Record<typeof CATALOGS[number], string>,
): string {
  const cases = CATALOGS.filter((catalog) => occurring.includes(catalog))
    .map((catalog) => `\n    when ${catalogOid(catalog)} then (${branches[catalog]})`);
  return cases.length === 0 ? "null::json" : `case ${classid}${cases.join("")} end`;
}

/**
 * The definition of the object (`classid`, `objid`) as JSON, `Definition` in `built_on.ts`.
 *
 * @param occurring Catalogs that the objects may be in. Default: all.
 */
export const definitionOf = (
  classid: string,
  objid: string,
  occurring: readonly string[] = CATALOGS,
): string =>
  byCatalog(classid, occurring, {
    pg_class: `
      select pg_catalog.json_build_object('query', pg_catalog.pg_get_viewdef(c.oid))
      from pg_catalog.pg_class c where c.oid = ${objid} and c.relkind in ('v', 'm')`,
    pg_proc: `
      select pg_catalog.json_build_object('text', pg_catalog.pg_get_functiondef(p.oid))
      from pg_catalog.pg_proc p where p.oid = ${objid} and p.prokind in ('f', 'p', 'w')`,
    pg_policy: `
      select pg_catalog.json_build_object(
        'qual', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
        'check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
      from pg_catalog.pg_policy p where p.oid = ${objid}`,
    pg_rewrite: `
      select pg_catalog.json_build_object('text', pg_catalog.pg_get_ruledef(r.oid))
      from pg_catalog.pg_rewrite r where r.oid = ${objid}`,
    pg_attrdef: `
      select pg_catalog.json_build_object('expression', pg_catalog.pg_get_expr(d.adbin, d.adrelid))
      from pg_catalog.pg_attrdef d where d.oid = ${objid}`,
    pg_constraint: `
      select pg_catalog.json_build_object('text', pg_catalog.pg_get_constraintdef(c.oid))
      from pg_catalog.pg_constraint c where c.oid = ${objid} and c.contype = 'c' and c.conrelid <> 0`,
  });

/**
 * A definition without casts to a row type, parentheses and white space, which differ if a cast is not needed.
 *
 * @param cast Regular expression for the casts, as SQL; it ends in an alternative.
 */
export const skeletonOf = (definition: string, cast: string): string =>
  `pg_catalog.regexp_replace((${definition})::text, ${cast} || '[()[:space:]]|\\\\n', '', 'g')`;

const sortedAcl = (acl: string) =>
  `array(select e::text from pg_catalog.unnest(${acl}) e order by 1)`;

const role = (oid: string) => `pg_catalog.pg_get_userbyid(${oid})`;

const columns = `(
          select pg_catalog.json_agg(pg_catalog.json_build_object(
              'name', a.attname,
              'comment', pg_catalog.col_description(a.attrelid, a.attnum),
              'acl', case when a.attacl is not null then ${sortedAcl("a.attacl")} end,
              'statistics', nullif(a.attstattarget, -1),
              'options', a.attoptions,
              'storage', case when a.attstorage <> ty.typstorage then a.attstorage end,
              'compression', nullif(a.attcompression, '')) order by a.attnum)
          from pg_catalog.pg_attribute a join pg_catalog.pg_type ty on ty.oid = a.atttypid
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;

const tablespace = (oid: string) =>
  `(select s.spcname from pg_catalog.pg_tablespace s where s.oid = ${oid})`;

const indexes = `(
            select coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
                'name', ic.relname,
                'definition', pg_catalog.pg_get_indexdef(ic.oid),
                'tablespace', ${tablespace("ic.reltablespace")},
                'comment', pg_catalog.obj_description(ic.oid, 'pg_class'),
                'clustered', i.indisclustered,
                'valid', i.indisvalid,
                'statistics', (
                  select pg_catalog.json_agg(
                    pg_catalog.json_build_array(a.attnum, a.attstattarget) order by a.attnum)
                  from pg_catalog.pg_attribute a
                  where a.attrelid = ic.oid and nullif(a.attstattarget, -1) is not null)
              ) order by ic.relname collate "C"), '[]')
            from pg_catalog.pg_index i join pg_catalog.pg_class ic on ic.oid = i.indexrelid
            where i.indrelid = c.oid)`;

const storage = `
        case when c.relkind = 'm' then pg_catalog.json_build_object(
          'populated', c.relispopulated,
          'access_method', (select am.amname from pg_catalog.pg_am am where am.oid = c.relam),
          'tablespace', ${tablespace("c.reltablespace")},
          'toast_options', (
            select tc.reloptions from pg_catalog.pg_class tc where tc.oid = c.reltoastrelid),
          'replica_identity', c.relreplident,
          'indexes', ${indexes}) end`;

/**
 * What else of the object (`classid`, `objid`) must stay as it is, as JSON, `KeptState` in `built_on.ts`.
 *
 * @param occurring Catalogs that the objects may be in. Default: all.
 */
export const keptOf = (
  classid: string,
  objid: string,
  occurring: readonly string[] = CATALOGS,
): string =>
  byCatalog(classid, occurring, {
    pg_class: `
      select pg_catalog.json_build_object(
        'name', c.relname,
        'owner', ${role("c.relowner")},
        'comment', pg_catalog.obj_description(c.oid, 'pg_class'),
        'acl', ${sortedAcl("coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))")},
        'options', coalesce(c.reloptions, '{}'),
        'columns', ${columns},
        'storage', ${storage})
      from pg_catalog.pg_class c where c.oid = ${objid} and c.relkind in ('v', 'm')`,
    pg_proc: `
      select pg_catalog.json_build_object(
        'name', p.proname,
        'owner', ${role("p.proowner")},
        'comment', pg_catalog.obj_description(p.oid, 'pg_proc'),
        'acl', ${sortedAcl("coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))")})
      from pg_catalog.pg_proc p where p.oid = ${objid}`,
    pg_policy: `
      select pg_catalog.json_build_object(
        'name', p.polname,
        'comment', pg_catalog.obj_description(p.oid, 'pg_policy'),
        'options', array[p.polcmd::text, p.polpermissive::text],
        'roles', array(select ${role("r")} from pg_catalog.unnest(p.polroles) r order by 1))
      from pg_catalog.pg_policy p where p.oid = ${objid}`,
    pg_rewrite: `
      select pg_catalog.json_build_object(
        'name', r.rulename,
        'comment', pg_catalog.obj_description(r.oid, 'pg_rewrite'),
        'enabled', r.ev_enabled)
      from pg_catalog.pg_rewrite r where r.oid = ${objid}`,
    pg_attrdef: `
      select pg_catalog.json_build_object('column', a.attname, 'generated', a.attgenerated)
      from pg_catalog.pg_attrdef d join pg_catalog.pg_attribute a
        on a.attrelid = d.adrelid and a.attnum = d.adnum
      where d.oid = ${objid}`,
    pg_constraint: `
      select pg_catalog.json_build_object(
        'name', c.conname,
        'comment', pg_catalog.obj_description(c.oid, 'pg_constraint'),
        'validated', c.convalidated,
        'local', c.conislocal,
        'inherited', c.coninhcount)
      from pg_catalog.pg_constraint c
      where c.oid = ${objid} and c.contype = 'c' and c.conrelid <> 0`,
  });

/** The catalog rows that define a view, with their versions. */
const versions = (view: string) => `
        select 1 as catalog, c.oid, 0 as number, c.xmin as version
        from pg_catalog.pg_class c where c.oid = ${view}
        union all
        select 2, a.attrelid, a.attnum, a.xmin from pg_catalog.pg_attribute a where a.attrelid = ${view}
        union all
        select 3, d.oid, 0, d.xmin from pg_catalog.pg_attrdef d where d.adrelid = ${view}
        union all
        select 4, r.oid, 0, r.xmin from pg_catalog.pg_rewrite r where r.ev_class = ${view}
        union all
        select 5, g.oid, 0, g.xmin from pg_catalog.pg_trigger g where g.tgrelid = ${view}
        union all
        select 6, d.objoid, d.objsubid, d.xmin from pg_catalog.pg_description d
        where d.objoid = ${view} and d.classoid = ${catalogOid("pg_class")}`;

/**
 * Digest of a view and of everything that depends on it or on the other `sources`, a query for (classid, objid):
 * it changes when anybody adds a dependent, or changes anything about the view.
 */
export const sourcesDigest = (view: string, sources: string): string => `
  pg_catalog.md5(pg_catalog.concat_ws('; ',
    (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', d.classid::pg_catalog.oid, d.objid, d.objsubid,
        d.refclassid::pg_catalog.oid, d.refobjid, d.refobjsubid, d.deptype), ', '
        order by d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype)
      from (
        select s.classid, s.objid from (${sources}) s
        union all
        select ${catalogOid("pg_type")}, ty.oid
        from (${sources}) s
        join pg_catalog.pg_class c on s.classid = ${catalogOid("pg_class")} and c.oid = s.objid
        join pg_catalog.pg_type own on own.oid = c.reltype
        cross join lateral (values (own.oid), (own.typarray)) ty(oid)
      ) s
      join pg_catalog.pg_depend d on d.refclassid = s.classid and d.refobjid = s.objid),
    (select pg_catalog.string_agg(x.version::text, ' ' order by x.catalog, x.oid, x.number)
      from (${versions(view)}
      ) x)))`;
