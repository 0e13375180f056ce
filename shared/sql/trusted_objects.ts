/**
 * Objects that are found by their name, and what each must be before it is believed. Whoever may create schemas or
 * tables can put something of their own where one of these is missing: a view with a function in it, a table with a
 * trigger. Reading or writing that would run their code with our rights.
 *
 * | object | must be |
 * | --- | --- |
 * | `cron.job` | a table that is a member of the extension pg_cron |
 * | `pg_stat_statements`, `pg_stat_statements_info` in that extension's schema | members of the extension |
 * | `supabase_migrations.schema_migrations` | an ordinary table without rules, triggers and row-level security; it and its schema belong to whom we trust |
 * | the tracking tables, and all in the schemas of our own | ordinary tables without rules, which belong to whom we trust, as do the functions of their triggers; so do the schemas |
 *
 * Other names are compared and no more: nothing of the publication supabase_realtime, of the roles anon,
 * authenticated and service_role, or of the channel pgrst is run or read.
 */
import { OWN_SCHEMAS, TRACKING_TABLES } from "../contract/names.ts";
import { dollarQuoted, literal } from "./quoting.ts";

/** Roles of the platform, which can do more than we can; the last stands for the owner of the database. */
const PLATFORM_ROLES = ["postgres", "supabase_admin", "pg_database_owner"];

const list = (texts: readonly string[]) => texts.map(literal).join(", ");

/**
 * Begins a query that asks about roles: those that we trust are ourselves, superusers, the platform's, and the owner of
 * the database.
 */
export const WITH_TRUSTED_ROLES = `with trusted_role as materialized (
    select r.oid from pg_catalog.pg_roles r
    where r.rolsuper or r.rolname in (current_user, session_user, ${list(PLATFORM_ROLES)})
      or r.oid = (
        select d.datdba from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))`;

/** Whether we trust a role, an expression of type oid. */
const isTrustedRole = (role: string) => `${role} in (select tr.oid from trusted_role tr)`;

/** Whether an object is a member of an extension: its catalog, an expression for its oid, the extension's name. */
export const isMemberOf = (
  extension: string,
  oid: string,
  catalog: "pg_class" | "pg_proc" = "pg_class",
): string =>
  `exists (
      select from pg_catalog.pg_depend md
      join pg_catalog.pg_extension me on me.oid = md.refobjid and me.extname = ${literal(extension)}
      where md.classid = ${
    literal(`pg_catalog.${catalog}`)
  }::pg_catalog.regclass and md.objid = ${oid}
        and md.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and md.deptype = 'e')`;

/** Whether a row `c` of pg_class in the schema `n` is a table that nobody else can have made. */
const isTrustedTable = `(c.relkind in ('r', 'p') and ${isTrustedRole("c.relowner")}
    and ${isTrustedRole("n.nspowner")}
    and not exists (select from pg_catalog.pg_rewrite rw where rw.ev_class = c.oid))`;

/** The same without anything that runs when rows are written or read; asked after `WITH_TRUSTED_ROLES`. */
export const isPlainTable = `(${isTrustedTable} and not c.relrowsecurity
    and not exists (
      select from pg_catalog.pg_trigger tg where tg.tgrelid = c.oid and not tg.tgisinternal))`;

/** SQLSTATE that is raised where something is not what its name says; the message is the list of it. */
export const UNTRUSTED = "RN003";

/** The Supabase CLI's migration history. */
export const HISTORY = { schema: "supabase_migrations", name: "schema_migrations" };
export const HISTORY_TABLE = `${HISTORY.schema}.${HISTORY.name}`;

/**
 * Statements of PL/pgSQL that keep the history as it is until the transaction's end, and raise where it is not what
 * it should be. CREATE TRIGGER waits for this lock.
 */
export const requireHistory = `
  lock table ${HISTORY_TABLE} in row exclusive mode;
  if not exists (
    ${WITH_TRUSTED_ROLES}
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${literal(HISTORY.schema)} and c.relname = ${
  literal(HISTORY.name)
} and ${isPlainTable})
  then
    raise exception using errcode = ${literal(UNTRUSTED)}, message = ${literal(HISTORY_TABLE)};
  end if;`;

/** Relations `c` in schemas `n` that have one of these names; looked up by the catalogs' indexes. */
const named = (names: readonly (readonly [schema: string, name: string])[]) =>
  `(values ${
    names.map(([schema, name]) => `(${literal(schema)}::name, ${literal(name)}::name)`).join(", ")
  }) wanted(schema_name, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema_name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name`;

/** Column for what is there by such a name, and is left alone: `untrusted`, an array of their names. */
export const untrustedColumn = `
  (
    ${WITH_TRUSTED_ROLES}
    select pg_catalog.json_agg(pg_catalog.format('%I.%I', u.nspname, u.relname) order by u.nspname, u.relname)
    from (
      select n.nspname, c.relname
      from ${named([["cron", "job"], [HISTORY.schema, HISTORY.name]])}
      where case when n.nspname = 'cron' then c.relkind <> 'r' or not ${
  isMemberOf("pg_cron", "c.oid")
}
        else not ${isPlainTable} end
      union all
      select n.nspname, c.relname
      from pg_catalog.pg_extension e
      join pg_catalog.pg_namespace n on n.oid = e.extnamespace
      join pg_catalog.pg_class c on c.relnamespace = n.oid
        and c.relname in ('pg_stat_statements', 'pg_stat_statements_info')
      where e.extname = 'pg_stat_statements' and not ${
  isMemberOf("pg_stat_statements", "c.oid")
}) u) as untrusted`;

/** What of our own is somebody else's, as rows `(name)`. Counters are made in a schema that is ours alone. */
const untrustedOwn = `
  select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
  from ${named(TRACKING_TABLES)}
  where not ${isTrustedTable} or exists (
    select from pg_catalog.pg_trigger tg join pg_catalog.pg_proc tp on tp.oid = tg.tgfoid
    where tg.tgrelid = c.oid and not tg.tgisinternal and not ${isTrustedRole("tp.proowner")})
  union all
  select pg_catalog.format('%I', n.nspname)
  from pg_catalog.pg_namespace n
  where n.nspname in (${list(OWN_SCHEMAS)}) and not ${isTrustedRole("n.nspowner")}`;

/** Whether renames are tracked, by tables of ours: an expression of type boolean. */
export const isTracked = `(exists (select from ${named(TRACKING_TABLES.slice(0, 1))})
  and not exists (
  ${WITH_TRUSTED_ROLES}${untrustedOwn}))`;

/** Statement that raises where a table of our own is somebody else's; before any of them is named. */
export const requireOwnTables = `do ${
  dollarQuoted(
    `
declare
  untrusted text;
begin
  ${WITH_TRUSTED_ROLES}
  select pg_catalog.string_agg(u.name, ', ') into untrusted from (${untrustedOwn}) u;
  if untrusted is not null then
    raise exception using errcode = ${literal(UNTRUSTED)}, message = untrusted;
  end if;
end `,
    "trust",
  )
}`;
