/**
 * What writes to a table, or reads of it, would run whose effect a rollback does not take back: calls to the network,
 * other databases, files, untrusted languages; and what leaves the role that it was called as, which behaves
 * differently in a session of ours. It is found in the texts of functions and of those that they name, and so finds
 * too much rather than too little; it does not find what a function hides.
 */
import { literal } from "../../sql/quoting.ts";
import { cascades, joinDependent } from "../texts/expressions.ts";

/** Words in a function's body that lead outside of the transaction. */
const SENDS = [
  "http",
  "\\mnet\\s*\\.\\s*\\w",
  "\\mdblink",
  "\\mcopy\\M[^;]*(\\mprogram\\M|\\m(to|from)\\M\\s*')",
  "\\mlo_(import|export)\\M",
  "\\mpg_(logical_emit_message|(terminate|cancel)_backend|reload_conf|promote|switch_wal)\\M",
  "\\mpg_(stat\\w*_reset\\w*|stat_reset\\w*|file_\\w+|background_\\w+)\\M",
  "\\maws_\\w",
  "\\mamqp\\w*",
].join("|");

/**
 * Words that lead out of the role. It is no defence against who hides them: whose code is run at all is decided
 * by its owner, or by a session that has nothing to give.
 */
const LEAVES = [
  "\\m(re)?set\\s+((local|session)\\s+)?(role|session\\s+authorization)\\M",
  "\\mset_config\\s*\\(\\s*'(role|session_authorization)'",
].join("|");

/** What comes before and after the name of a function that is called, and of a table that is written to. */
const CALL = ["\\m", '"?\\s*\\('].map(literal);
const WRITE = [
  "\\m(insert\\s+into|update|delete\\s+from|merge\\s+into)\\s+(only\\s+)?" +
  '("?[^\\s".]+"?\\s*\\.\\s*)?"?',
  "\\M",
].map(literal);

/** A NOTIFY is sent with the commit (manual, NOTIFY), so that one which is rolled back is never sent. */
const NOTIFIES = "\\m(pg_)?notify\\M";

/** Trigger functions of extensions that only change the row at hand or their own tables. */
const HARMLESS_EXTENSIONS = ["moddatetime", "insert_username", "refint", "autoinc", "lo"];

/** A name as a word of a regular expression. */
const escaped = (name: string) =>
  `regexp_replace(${name}, '([^[:alnum:]_])', E'\\\\\\\\\\\\1', 'g')`;

/** Expression for a JSON array of what reaches outside; table and view are given by their OIDs. */
export const sideEffects = (table: number, view: number) =>
  `(
    with recursive reached(oid) as (
      select x.oid from (values (${table}::oid), (${view}::oid)) x(oid)
      union
      select x.oid from reached r cross join lateral (
        select i.inhrelid from pg_inherits i where i.inhparent = r.oid
        union all
        select c.conrelid from pg_constraint c
        where c.contype = 'f' and c.confrelid = r.oid and ${cascades("c")}
        union all
        select d.refobjid from pg_rewrite rw join pg_depend d
          on d.classid = 'pg_rewrite'::regclass and d.objid = rw.oid
        where rw.ev_class = r.oid and rw.rulename <> '_RETURN' and d.refobjid <> r.oid
          and d.refclassid = 'pg_class'::regclass
      ) x(oid)
    ),
    routine as materialized (
      select p.oid, p.proname, l.lanname, l.lanpltrusted, n.nspname, e.extname,
        lower(concat_ws(E'\\n',
          coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
          (select string_agg('set ' || replace(c.entry, '=', ' = '), E'\\n')
            from unnest(p.proconfig) c(entry)
            where c.entry ~ '^(role|session_authorization)='))) as body
      from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
      join pg_language l on l.oid = p.prolang
      left join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
      left join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
      where n.nspname not in ('pg_catalog', 'information_schema') and l.lanname <> 'internal'
    ),
    reaching(oid, kind, routine) as (
      select x.oid, k.kind, format('%I.%I', x.nspname, x.proname)
      from routine x
      cross join lateral (
        select 'sends' as kind where case
          when x.lanname = 'c' then x.extname is null
          when x.lanname in ('sql', 'plpgsql') or x.lanpltrusted
            then x.extname is null and x.body ~ ${literal(SENDS)}
          else true end
        union all
        select 'leaves' where x.extname is null and x.lanname <> 'c' and x.body ~ ${literal(LEAVES)}
        union all
        select 'notifies' where x.extname is null and x.body ~ ${literal(NOTIFIES)}
        union all
        select 'sends' where x.extname is null and exists (
          select from pg_class c
          where c.relkind = 'f' and x.body ~ (${WRITE[0]} || ${escaped("lower(c.relname)")} || ${
    WRITE[1]
  }))
      ) k
      union
      select p.oid, r.kind, r.routine
      from reaching r
      cross join lateral (
        select lower(x.proname) as name, ${CALL[0]} as before, ${CALL[1]} as behind
        from routine x where x.oid = r.oid
        union all
        select lower(c.relname), ${WRITE[0]}, ${WRITE[1]}
        from pg_trigger g join pg_class c on c.oid = g.tgrelid
        where g.tgfoid = r.oid and not g.tgisinternal and g.tgenabled <> 'D'
      ) m
      join routine p on p.oid <> r.oid and p.extname is null and p.lanname <> 'c'
        and strpos(p.body, m.name) > 0
        and p.body ~ (m.before || ${escaped("m.name")} || m.behind)
    ),
    used(object, on_read, routine) as (
      select format('trigger %I on %s', g.tgname, g.tgrelid::regclass), false, g.tgfoid
      from reached r join pg_trigger g on g.tgrelid = r.oid
      where not g.tgisinternal and g.tgenabled in ('O', 'A')
      union all
      select pg_describe_object(d.classid, d.objid, 0),
        coalesce(p.polcmd in ('r', '*'), false), d.refobjid
      from pg_depend d
      ${joinDependent("pg_policy", "p")}
      ${joinDependent("pg_attrdef", "ad")}
      ${joinDependent("pg_constraint", "c")}
      where d.refclassid = 'pg_proc'::regclass
        and coalesce(p.polrelid, ad.adrelid, c.conrelid) in (select r.oid from reached r)
    ),
    found as (
      select u.object, u.on_read, r.kind, r.routine
      from used u join reaching r on r.oid = u.routine
      union
      select u.object, u.on_read, 'sends', format('%I.%I', x.nspname, x.proname)
      from used u join routine x on x.oid = u.routine
      where u.object like 'trigger %' and x.extname is not null
        and x.extname not in (${HARMLESS_EXTENSIONS.map(literal).join(", ")})
      union
      select format('foreign table %I.%I', n.nspname, c.relname), false, 'sends', w.fdwname
      from reached r
      join pg_class c on c.oid = r.oid and c.relkind = 'f'
      join pg_namespace n on n.oid = c.relnamespace
      join pg_foreign_table ft on ft.ftrelid = c.oid
      join pg_foreign_server fs on fs.oid = ft.ftserver
      join pg_foreign_data_wrapper w on w.oid = fs.srvfdw
    )
    select coalesce(json_agg(json_build_object(
        'object', f.object, 'on_read', f.on_read, 'kind', f.kind, 'routine', f.routine)
        order by f.kind desc, f.object, f.routine), '[]')
    from (select * from found order by kind desc, object, routine limit 50) f)`;
