/**
 * Whether the database has a migration history as the Supabase CLI keeps it, and whether this role can write
 * it. A query cannot name what is missing, so the message that begins a transaction asks.
 */
import { literal } from "../sql/quoting.ts";
import { HISTORY, isPlainTable, WITH_TRUSTED_ROLES } from "../sql/trusted_objects.ts";
import type { Row } from "./database.ts";

/**
 * `missing`: there is none, or of another kind. `untrusted`: there is one that somebody else can have made. `closed`:
 * there is one, and this role cannot write it.
 */
export type MigrationHistory = "missing" | "untrusted" | "closed" | "open";

/** Column for it. */
export const migrationHistoryColumn = `
  (
    ${WITH_TRUSTED_ROLES}
    select case when not ${isPlainTable} then 'untrusted'
      when pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        and pg_catalog.has_table_privilege(c.oid, 'SELECT')
        and pg_catalog.has_table_privilege(c.oid, 'INSERT')
        and pg_catalog.has_table_privilege(c.oid, 'UPDATE')
        then 'open' else 'closed' end
    from pg_catalog.pg_namespace n
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = ${literal(HISTORY.name)}
    where n.nspname = ${literal(HISTORY.schema)} and (
      select pg_catalog.count(*) from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and not a.attisdropped and (a.attname, a.atttypid) in (
        ('version', 'text'::pg_catalog.regtype), ('name', 'text'::pg_catalog.regtype),
        ('statements', 'text[]'::pg_catalog.regtype))) = 3) as migration_history`;

/** Reads what this column answers. */
export const migrationHistory = (row: Row): MigrationHistory =>
  (row.migration_history ?? "missing") as MigrationHistory;
