/** The names of the renames that are active. */
import { jsonbLiteral } from "../sql/quoting.ts";

/**
 * Query for the active renames of these schemas, or of all, the earliest first: the order in which a table
 * that was renamed several times had its names.
 */
export function activeRenames(schemas: string[] | undefined): string {
  const condition = schemas === undefined
    ? "true"
    : `m.schema_name in (select pg_catalog.jsonb_array_elements_text(${jsonbLiteral(schemas)}))`;
  return `
select m.schema_name, m.old_name, m.new_name, m.compatibility_view_created
from public.sys_table_migrations m
where m.status = 'active' and ${condition}
order by m.migrated_at, m.requested_at, m.id`;
}
