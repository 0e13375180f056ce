/**
 * What a server or database can have or lack: pg_stat_statements, pg_cron, the Supabase CLI's migration history. A query
 * cannot name a relation that is missing, so the message that begins a transaction asks for them.
 */
import type { TextSources } from "../facts/facts.ts";
import type { StatementStatistics } from "../facts/usage_facts.ts";
import { literal } from "../sql/quoting.ts";
import { HISTORY, isMemberOf, isPlainTable, WITH_TRUSTED_ROLES } from "../sql/trusted_objects.ts";
import type { Row } from "./connection/connection.ts";

/**
 * `missing`: there is none, or its columns are others. `untrusted`: somebody else can have made it. `closed`: this role
 * cannot write it.
 */
export type MigrationHistory = "missing" | "untrusted" | "closed" | "open";

export interface ServerFeatures {
  sources: TextSources;
  statistics: StatementStatistics;
  history: MigrationHistory;
}

/**
 * Where statements are kept beside routines: the schema of pg_stat_statements, and whether cron.job can be read. The
 * view of pg_stat_statements fails where its library is not preloaded; the library's settings exist only if it is.
 */
const textSourceColumns = `
  (
    select case when has_schema_privilege(n.oid, 'USAGE')
        and current_setting('pg_stat_statements.max', true) is not null
        and not exists (
          select from pg_proc p
          where p.pronamespace = n.oid and p.proname = 'pg_stat_statements'
            and not has_function_privilege(p.oid, 'EXECUTE'))
        and exists (
          select from pg_class c
          where c.relnamespace = n.oid and c.relname = 'pg_stat_statements'
            and ${isMemberOf("pg_stat_statements", "c.oid")}
            and has_table_privilege(c.oid, 'SELECT'))
      then n.nspname end
    from pg_extension e
    join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements'
  ) as statements_schema,
  exists (
    select from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'cron' and c.relname = 'job' and ${isMemberOf("pg_cron", "c.oid")}
      and has_schema_privilege(n.oid, 'USAGE')
      and has_table_privilege(c.oid, 'SELECT')
  ) as cron_jobs`;

/** The OID of a relation of pg_stat_statements in the schema `n`. */
const statisticsRelation = (name: string) =>
  `(
        select c.oid from pg_class c
        where c.relnamespace = n.oid and c.relname = ${literal(name)}
          and ${isMemberOf("pg_stat_statements", "c.oid")})`;

/**
 * What can be read of pg_stat_statements (PostgreSQL manual, F.32 in 17). Before release 1.9 it neither distinguishes
 * nested statements nor reports lost statistics.
 */
const statisticsColumn = `
  (
    select json_build_object('schema', s.nspname, 'state', case
      when current_setting('pg_stat_statements.max', true) is null then 'not loaded'
      when s.lost is null or not exists (
          select from pg_attribute a where a.attrelid = s.counted and a.attname = 'toplevel')
        then 'outdated'
      when has_schema_privilege(s.oid, 'USAGE')
          and has_table_privilege(s.counted, 'SELECT')
          and has_table_privilege(s.lost, 'SELECT')
          and not exists (
            select from pg_proc p
            where p.pronamespace = s.oid
              and p.proname in ('pg_stat_statements', 'pg_stat_statements_info')
              and not has_function_privilege(p.oid, 'EXECUTE'))
        then 'readable'
      else 'not readable' end)
    from (
      select n.oid, n.nspname, ${statisticsRelation("pg_stat_statements")} as counted,
        ${statisticsRelation("pg_stat_statements_info")} as lost
      from pg_extension e
      join pg_namespace n on n.oid = e.extnamespace
      where e.extname = 'pg_stat_statements') s
  ) as statement_statistics`;

const historyColumn = `
  (
    ${WITH_TRUSTED_ROLES}
    select case
      when not ${isPlainTable} then 'untrusted'
      when has_schema_privilege(n.oid, 'USAGE')
          and has_table_privilege(c.oid, 'SELECT')
          and has_table_privilege(c.oid, 'INSERT')
          and has_table_privilege(c.oid, 'UPDATE')
        then 'open'
      else 'closed' end
    from pg_namespace n
    join pg_class c on c.relnamespace = n.oid and c.relname = ${literal(HISTORY.name)}
    where n.nspname = ${literal(HISTORY.schema)} and (
      select count(*) from pg_attribute a
      where a.attrelid = c.oid and not a.attisdropped and (a.attname, a.atttypid) in (
        ('version', 'text'::regtype), ('name', 'text'::regtype),
        ('statements', 'text[]'::regtype))) = 3
  ) as migration_history`;

/** Columns for all of it. */
export const featureColumns = [textSourceColumns, statisticsColumn, historyColumn].join(",");

/** Reads these columns. */
export const serverFeatures = (row: Row): ServerFeatures => ({
  sources: {
    statements: row.statements_schema === null ? null : String(row.statements_schema),
    cron: Boolean(row.cron_jobs),
  },
  statistics: (row.statement_statistics ??
    { state: "missing", schema: null }) as StatementStatistics,
  history: (row.migration_history ?? "missing") as MigrationHistory,
});
