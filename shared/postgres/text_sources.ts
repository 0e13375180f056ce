/**
 * Where the server keeps texts beside its routines: extensions that may be there or not. A query cannot name
 * a relation that is missing, so the message that begins a transaction asks, and the facts query comes after.
 */
import type { TextSources } from "../facts/facts.ts";
import { isMemberOf } from "../sql/trusted_objects.ts";
import type { Row } from "./database.ts";

/**
 * Columns for what of it the session's role can read. The view of pg_stat_statements fails where its library
 * is not preloaded; the library's settings are there only if it is.
 */
export const textSourceColumns = `
  (
    select case when pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      and pg_catalog.current_setting('pg_stat_statements.max', true) is not null
      and not exists (
        select from pg_catalog.pg_proc p
        where p.pronamespace = n.oid and p.proname = 'pg_stat_statements'
          and not pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))
      and exists (
        select from pg_catalog.pg_class c
        where c.relnamespace = n.oid and c.relname = 'pg_stat_statements'
          and ${isMemberOf("pg_stat_statements", "c.oid")}
          and pg_catalog.has_table_privilege(c.oid, 'SELECT'))
      then n.nspname end
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements') as statements_schema,
  exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'cron' and c.relname = 'job' and ${isMemberOf("pg_cron", "c.oid")}
      and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      and pg_catalog.has_table_privilege(c.oid, 'SELECT')) as cron_jobs`;

/** Reads what these columns answer. */
export function textSources(row: Row): TextSources {
  return {
    statements: row.statements_schema === null ? null : String(row.statements_schema),
    cron: Boolean(row.cron_jobs),
  };
}
