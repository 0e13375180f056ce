/**
 * Objects that we use by name, and what each must be. If one is missing, anybody who may create schemas or tables can
 * put something else in its place: a view that calls a function, a table with a trigger. Reading or writing it would
 * run their code with our privileges.
 *
 * | object | must be |
 * | --- | --- |
 * | `cron.job` | a table that is a member of the extension pg_cron |
 * | `pg_stat_statements`, `pg_stat_statements_info` in that extension's schema | members of the extension |
 * | `plpgsql_check_function_tb` | a member of the extension plpgsql_check, in C; both have owners that we trust |
 * | `supabase_migrations.schema_migrations` | an ordinary table without rules, triggers and row-level security; it and its schema have owners that we trust |
 * | the tracking tables, and everything in our own schemas | ordinary tables without rules; their owners, and those of their schemas and trigger functions, are ones that we trust |
 *
 * Other names are only compared: the publication supabase_realtime, the roles anon, authenticated and service_role,
 * the channel pgrst.
 */
import { OWN_SCHEMAS, TRACKING_TABLES } from "../contract/names.ts";
import { dollarQuoted, literal } from "./quoting.ts";

/** Roles of the platform, with more privileges than we have; the last stands for the database's owner. */
const PLATFORM_ROLES = ["postgres", "supabase_admin", "pg_database_owner"];

const list = (texts: readonly string[]) => texts.map(literal).join(", ");

/**
 * Begins a query that uses `isTrustedRole`. We trust ourselves, superusers, the platform and the database's owner.
 * Migration files contain this, too, and set no search path: hence pg_catalog.
 */
export const WITH_TRUSTED_ROLES = `with trusted_role as materialized (
    select r.oid from pg_catalog.pg_roles r
    where r.rolsuper or r.rolname in (current_user, session_user, ${list(PLATFORM_ROLES)})
      or r.oid = (
        select d.datdba from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))`;

export const isTrustedRole = (role: string) => `${role} in (select tr.oid from trusted_role tr)`;

/** Whether a relation, by an expression for its OID, is a member of an extension. */
export const isMemberOf = (extension: string, oid: string): string =>
  `exists (
      select from pg_depend md
      join pg_extension me on me.oid = md.refobjid and me.extname = ${literal(extension)}
      where md.classid = 'pg_class'::regclass and md.objid = ${oid}
        and md.refclassid = 'pg_extension'::regclass and md.deptype = 'e')`;

/** Whether a row `c` of pg_class in the schema `n` is a table that only somebody we trust can have created. */
const isTrustedTable = `(c.relkind in ('r', 'p') and ${isTrustedRole("c.relowner")}
    and ${isTrustedRole("n.nspowner")}
    and not exists (select from pg_catalog.pg_rewrite rw where rw.ev_class = c.oid))`;

/** The same, and nothing runs when its rows are written or read; needs `WITH_TRUSTED_ROLES`. */
export const isPlainTable = `(${isTrustedTable} and not c.relrowsecurity
    and not exists (
      select from pg_catalog.pg_trigger tg where tg.tgrelid = c.oid and not tg.tgisinternal))`;

/** SQLSTATE for objects that are not what they should be; the message lists them. */
export const UNTRUSTED = "RN003";

export const HISTORY = { schema: "supabase_migrations", name: "schema_migrations" };
export const HISTORY_TABLE = `${HISTORY.schema}.${HISTORY.name}`;

/**
 * PL/pgSQL that raises an exception if the history is not what it should be, and locks it until the transaction ends:
 * CREATE TRIGGER has to wait.
 */
export const requireHistory = `
  lock table ${HISTORY_TABLE} in row exclusive mode;
  if not exists (
    ${WITH_TRUSTED_ROLES}
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations' and ${isPlainTable})
  then
    raise exception using errcode = ${literal(UNTRUSTED)}, message = ${literal(HISTORY_TABLE)};
  end if;`;

/** Relations `c` in schemas `n` that have one of these names, by an index lookup for each. */
const named = (names: readonly (readonly [schema: string, name: string])[]) =>
  `(values ${
    names.map(([schema, name]) => `(${literal(schema)}::name, ${literal(name)}::name)`).join(", ")
  }) wanted(schema_name, name)
    join pg_catalog.pg_namespace n on n.nspname = wanted.schema_name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name`;

const cronJob = isMemberOf("pg_cron", "c.oid");
const statistics = isMemberOf("pg_stat_statements", "c.oid");

/** Column `untrusted`: an array of the names of objects that are not what they should be. We do not use them. */
export const untrustedColumn = `
  (
    ${WITH_TRUSTED_ROLES}
    select json_agg(format('%I.%I', u.nspname, u.relname) order by u.nspname, u.relname)
    from (
      select n.nspname, c.relname
      from ${named([["cron", "job"], [HISTORY.schema, HISTORY.name]])}
      where case when n.nspname = 'cron' then c.relkind <> 'r' or not ${cronJob}
        else not ${isPlainTable} end
      union all
      select n.nspname, c.relname
      from pg_extension e
      join pg_namespace n on n.oid = e.extnamespace
      join pg_class c on c.relnamespace = n.oid
        and c.relname in ('pg_stat_statements', 'pg_stat_statements_info')
      where e.extname = 'pg_stat_statements' and not ${statistics}) u) as untrusted`;

/** Our own objects that we do not trust, as rows `(name)`. */
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

/** Whether the tracking tables exist and can be trusted: an expression of type boolean. */
export const isTracked = `(exists (select from ${named(TRACKING_TABLES.slice(0, 1))})
  and not exists (
  ${WITH_TRUSTED_ROLES}${untrustedOwn}))`;

/** Some of the roles that we trust, found without a look at all roles; a name that no role has finds none. */
const SOME_TRUSTED = `array[quote_ident(current_user)::regrole::oid, ${
  PLATFORM_ROLES.map((role) => `to_regrole(${literal(role)})`).join(", ")
}]`;

const FORMER_SCHEMAS = OWN_SCHEMAS.filter((own) =>
  TRACKING_TABLES.every(([schema]) => schema !== own)
);

/** Whether all tracking tables are there, and they and all that `untrustedOwn` looks at belong to `some_trusted`. */
const isPlainlyTrusted = `(
    select count(*)
    from ${named(TRACKING_TABLES)}
    where c.relkind in ('r', 'p') and not c.relhasrules
      and c.relowner = any (some_trusted) and n.nspowner = any (some_trusted)
      and not exists (
        select from pg_trigger tg
        where tg.tgrelid = c.oid and not tg.tgisinternal and not exists (
          select from pg_proc tp where tp.oid = tg.tgfoid and tp.proowner = any (some_trusted)))
  ) = ${TRACKING_TABLES.length}
  ${
  FORMER_SCHEMAS.map((schema) => `and to_regnamespace(${literal(schema)}) is null`).join("\n  ")
}`;

/**
 * Statement that raises an exception if one of our own objects cannot be trusted; runs before any is used. All trusted
 * roles are looked up only where something does not belong to the first of them, since that takes several times as long.
 */
export const requireOwnTables = `do ${
  dollarQuoted(
    `
declare
  some_trusted constant oid[] := ${SOME_TRUSTED};
  untrusted text;
begin
  if ${isPlainlyTrusted} then
    return;
  end if;
  ${WITH_TRUSTED_ROLES}
  select string_agg(u.name, ', ') into untrusted from (${untrustedOwn}) u;
  if untrusted is not null then
    raise exception using errcode = ${literal(UNTRUSTED)}, message = untrusted;
  end if;
end `,
    "trust",
  )
}`;
