/**
 * Whether the database has a migration history as the Supabase CLI keeps it, and whether this role can write
 * it. A query cannot name what is missing, so the message that begins a transaction asks.
 */
import type { Row } from "./database.ts";

/** `missing`: there is none, or of another kind. `closed`: there is one, and this role cannot write it. */
export type MigrationHistory = "missing" | "closed" | "open";

/** Column for it. */
export const migrationHistoryColumn = `
  (
    select case when pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        and pg_catalog.has_table_privilege(c.oid, 'SELECT')
        and pg_catalog.has_table_privilege(c.oid, 'INSERT')
        and pg_catalog.has_table_privilege(c.oid, 'UPDATE')
        and not pg_catalog.row_security_active(c.oid) then 'open' else 'closed' end
    from pg_catalog.pg_namespace n
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = 'schema_migrations'
    where n.nspname = 'supabase_migrations' and c.relkind in ('r', 'p') and (
      select pg_catalog.count(*) from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and not a.attisdropped and (a.attname, a.atttypid) in (
        ('version', 'text'::pg_catalog.regtype), ('name', 'text'::pg_catalog.regtype),
        ('statements', 'text[]'::pg_catalog.regtype))) = 3) as migration_history`;

/** Reads what this column answers. */
export const migrationHistory = (row: Row): MigrationHistory =>
  (row.migration_history ?? "missing") as MigrationHistory;
