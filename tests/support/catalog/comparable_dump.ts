/**
 * Schemas as text that can be compared, read from the catalog without the product's own queries: every object
 * with its definition, owner, privileges and comment, and no OIDs. It says what pg_dump says, on servers too
 * that the installed pg_dump cannot dump.
 */
import type postgres from "postgres";

/** Definitions by object, like `table public.experts`. */
export type Description = Record<string, string>;

const acl = (column: string, kind: string, owner: string) =>
  `(select string_agg(e::text, ', ' order by e::text)
    from unnest(coalesce(${column}, acldefault('${kind}', ${owner}))) e)`;

const comment = (oid: string, catalog: string) => `obj_description(${oid}, '${catalog}')`;

/** Each gives rows (object, definition) for namespaces in `wanted`. */
const QUERIES: Record<string, string> = {
  relations: `
    select case c.relkind::text when 'v' then 'view' when 'm' then 'materialized view'
        when 'f' then 'foreign table' when 'c' then 'composite type' else 'table' end
        || ' ' || c.oid::regclass,
      concat_ws(E'\\n', c.relkind, c.relpersistence, 'owner ' || c.relowner::regrole,
        'options ' || c.reloptions::text, case when c.relrowsecurity then 'row security' end,
        case when c.relforcerowsecurity then 'forced' end, 'identity ' || c.relreplident::text,
        'populated ' || c.relispopulated, 'partition by ' || pg_get_partkeydef(c.oid),
        'bound ' || pg_get_expr(c.relpartbound, c.oid),
        'inherits ' || (select string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
          from pg_inherits i where i.inhrelid = c.oid),
        'acl ' || ${acl("c.relacl", "r", "c.relowner")},
        'comment ' || ${comment("c.oid", "pg_class")},
        case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end)
    from pg_class c join wanted w on w.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')`,
  columns: `
    select format('column %s.%I', c.oid::regclass, a.attname),
      concat_ws(E'\\n', 'place ' || row_number() over (partition by c.oid order by a.attnum),
        format_type(a.atttypid, a.atttypmod),
        case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation end,
        case when a.attnotnull then 'not null' end, 'identity ' || nullif(a.attidentity::text, ''),
        'generated ' || nullif(a.attgenerated::text, ''), 'default ' || pg_get_expr(d.adbin, d.adrelid),
        'storage ' || a.attstorage::text, 'compression ' || nullif(a.attcompression::text, ''),
        'statistics ' || a.attstattarget, 'options ' || a.attoptions::text,
        'local ' || a.attislocal, 'inherited ' || a.attinhcount,
        'acl ' || (select string_agg(e::text, ', ' order by e::text) from unnest(a.attacl) e),
        'comment ' || col_description(c.oid, a.attnum))
    from pg_class c join wanted w on w.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')`,
  constraints: `
    select format('constraint %I on %s', k.conname, coalesce(nullif(k.conrelid, 0)::regclass::text,
        k.contypid::regtype::text)),
      concat_ws(E'\\n', pg_get_constraintdef(k.oid), 'validated ' || k.convalidated,
        'local ' || k.conislocal, 'inherited ' || k.coninhcount,
        'comment ' || ${comment("k.oid", "pg_constraint")})
    from pg_constraint k join wanted w on w.oid = k.connamespace`,
  indexes: `
    select 'index ' || c.oid::regclass, concat_ws(E'\\n', pg_get_indexdef(c.oid),
      'valid ' || i.indisvalid, 'clustered ' || i.indisclustered, 'replica identity ' || i.indisreplident,
      'attached to ' || (select p.inhparent::regclass::text from pg_inherits p where p.inhrelid = c.oid),
      'statistics ' || (select string_agg(a.attstattarget::text, ' ' order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid),
      'comment ' || ${comment("c.oid", "pg_class")})
    from pg_class c join wanted w on w.oid = c.relnamespace join pg_index i on i.indexrelid = c.oid`,
  sequences: `
    select 'sequence ' || c.oid::regclass, concat_ws(E'\\n', 'owner ' || c.relowner::regrole,
      s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle,
      c.relpersistence, 'acl ' || ${acl("c.relacl", "s", "c.relowner")},
      'owned by ' || (select format('%s.%I %s', a.attrelid::regclass, a.attname, d.deptype)
        from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
        where d.classid = 'pg_class'::regclass and d.objid = c.oid
          and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')),
      'comment ' || ${comment("c.oid", "pg_class")})
    from pg_class c join wanted w on w.oid = c.relnamespace join pg_sequence s on s.seqrelid = c.oid`,
  routines: `
    select 'routine ' || p.oid::regprocedure,
      concat_ws(E'\\n', case when p.prokind = 'a' then 'aggregate' else pg_get_functiondef(p.oid) end,
        'owner ' || p.proowner::regrole, 'acl ' || ${acl("p.proacl", "f", "p.proowner")},
        'comment ' || ${comment("p.oid", "pg_proc")})
    from pg_proc p join wanted w on w.oid = p.pronamespace`,
  types: `
    select 'type ' || t.oid::regtype, concat_ws(E'\\n', t.typtype, 'owner ' || t.typowner::regrole,
      'of ' || nullif(t.typbasetype, 0)::regtype, 'default ' || t.typdefault, 'not null ' || t.typnotnull,
      (select string_agg(e.enumlabel, ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
      'acl ' || ${acl("t.typacl", "T", "t.typowner")}, 'comment ' || ${comment("t.oid", "pg_type")})
    from pg_type t join wanted w on w.oid = t.typnamespace where t.typtype in ('d', 'e')`,
  casts: `
    select format('cast %s to %s', k.castsource::regtype, k.casttarget::regtype),
      concat_ws(' ', k.castfunc::regprocedure, k.castcontext, k.castmethod)
    from pg_cast k join pg_type t on t.oid in (k.castsource, k.casttarget)
    join wanted w on w.oid = t.typnamespace`,
  triggers: `
    select format('trigger %I on %s', g.tgname, c.oid::regclass),
      concat_ws(E'\\n', pg_get_triggerdef(g.oid), 'enabled ' || g.tgenabled::text,
        'of parent ' || (g.tgparentid <> 0), 'comment ' || ${comment("g.oid", "pg_trigger")})
    from pg_trigger g join pg_class c on c.oid = g.tgrelid join wanted w on w.oid = c.relnamespace
    where not g.tgisinternal`,
  policies: `
    select format('policy %I on %s', p.polname, c.oid::regclass),
      concat_ws(E'\\n', case when p.polpermissive then 'permissive' else 'restrictive' end, p.polcmd,
        (select string_agg(case r when 0 then 'public' else r::regrole::text end, ', ' order by r)
          from unnest(p.polroles) r),
        'using ' || pg_get_expr(p.polqual, p.polrelid),
        'check ' || pg_get_expr(p.polwithcheck, p.polrelid),
        'comment ' || ${comment("p.oid", "pg_policy")})
    from pg_policy p join pg_class c on c.oid = p.polrelid join wanted w on w.oid = c.relnamespace`,
  rules: `
    select format('rule %I on %s', r.rulename, c.oid::regclass),
      concat_ws(E'\\n', pg_get_ruledef(r.oid), 'enabled ' || r.ev_enabled::text,
        'comment ' || ${comment("r.oid", "pg_rewrite")})
    from pg_rewrite r join pg_class c on c.oid = r.ev_class join wanted w on w.oid = c.relnamespace
    where r.rulename <> '_RETURN'`,
  statistics: `
    select format('statistics %I.%I', w.nspname, s.stxname), concat_ws(E'\\n',
      pg_get_statisticsobjdef(s.oid), 'owner ' || s.stxowner::regrole, 'target ' || s.stxstattarget,
      'comment ' || ${comment("s.oid", "pg_statistic_ext")})
    from pg_statistic_ext s join wanted w on w.oid = s.stxnamespace`,
  publications: `
    select format('publication %I of %s', p.pubname, pr.prrelid::regclass),
      concat_ws(' ', (select string_agg(a.attname, ', ' order by a.attnum) from pg_attribute a
          where a.attrelid = pr.prrelid and a.attnum = any(pr.prattrs)),
        'where ' || pg_get_expr(pr.prqual, pr.prrelid))
    from pg_publication_rel pr join pg_publication p on p.oid = pr.prpubid
    join pg_class c on c.oid = pr.prrelid join wanted w on w.oid = c.relnamespace`,
};

/** Describes all that is in the schemas. Two objects that would have one key have their definitions joined. */
export async function describeSchemas(sql: postgres.Sql, schemas: string[]): Promise<Description> {
  return await sql.begin("read only", (tx) => describeWithin(tx, schemas));
}

/** As `describeSchemas`, in a transaction that has made what is to be described. */
export async function describeWithin(
  tx: postgres.TransactionSql,
  schemas: string[],
): Promise<Description> {
  const parts = Object.values(QUERIES).map((query) => `(${query})`).join("\nunion all\n");
  // Names are printed qualified.
  await tx`set local search_path = pg_catalog, pg_temp`;
  const rows = await tx.unsafe<{ object: string; definition: string }[]>(
    `with wanted as (select oid, nspname from pg_namespace where nspname = any($1))
      select object, string_agg(definition, E'\\n--\\n' order by definition collate "C") as definition
      from (${parts}) x (object, definition) group by object order by object collate "C"`,
    [schemas],
    // Planning it takes longer than running it.
    { prepare: true },
  );
  return Object.fromEntries(rows.map(({ object, definition }) => [object, definition]));
}

/** What differs, to be read: one entry an object. */
export function descriptionDifferences(expected: Description, found: Description): string[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    .filter((object) => expected[object] !== found[object])
    .map((object) =>
      `${object}\n  expected: ${expected[object] ?? "(none)"}\n  found:    ${
        found[object] ?? "(none)"
      }`
    );
}
