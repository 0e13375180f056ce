/**
 * What the server can tell about the statements that ran: pg_stat_statements (PostgreSQL manual, F.32 in 17),
 * which need not be there, need not be loaded, or may be of an older release than the server. A query cannot
 * name what is missing, so the message that begins a transaction asks.
 */
import { literal } from "../sql/quoting.ts";
import { isMemberOf } from "../sql/trusted_objects.ts";
import type { StatementStatistics } from "../facts/usage_facts.ts";
import type { Row } from "./database.ts";

const relation = (name: string) =>
  `(
        select c.oid from pg_catalog.pg_class c
        where c.relnamespace = n.oid and c.relname = ${literal(name)}
          and ${isMemberOf("pg_stat_statements", "c.oid")})`;

/**
 * Columns for what can be read of it. Before release 1.9 it neither tells nested statements apart nor when
 * statistics were lost.
 */
export const statementStatisticsColumns = `
  (
    select pg_catalog.json_build_object('schema', s.nspname, 'state', case
      when pg_catalog.current_setting('pg_stat_statements.max', true) is null then 'not loaded'
      when s.lost is null or not exists (
          select from pg_catalog.pg_attribute a where a.attrelid = s.counted and a.attname = 'toplevel')
        then 'outdated'
      when pg_catalog.has_schema_privilege(s.oid, 'USAGE')
        and pg_catalog.has_table_privilege(s.counted, 'SELECT')
        and pg_catalog.has_table_privilege(s.lost, 'SELECT')
        and not exists (
          select from pg_catalog.pg_proc p
          where p.pronamespace = s.oid and p.proname in ('pg_stat_statements', 'pg_stat_statements_info')
            and not pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))
        then 'readable'
      else 'not readable' end)
    from (
      select n.oid, n.nspname, ${relation("pg_stat_statements")} as counted,
        ${relation("pg_stat_statements_info")} as lost
      from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
      where e.extname = 'pg_stat_statements') s) as statement_statistics`;

/** Reads what these columns answer. */
export function statementStatistics(row: Row): StatementStatistics {
  return (row.statement_statistics ?? { state: "missing", schema: null }) as StatementStatistics;
}
