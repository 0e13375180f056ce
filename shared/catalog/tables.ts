/** Which tables there are, for a request that names schemas only. */
import { jsonbLiteral } from "../sql/quoting.ts";

/** A row of the answer; `oid` and `name` are null where the schema has no table. */
export interface TableRow {
  schema: string;
  oid: number | null;
  name: string | null;
}

/**
 * Query for the tables and partitioned tables of schemas, in the order of their names; temporary ones and
 * those of extensions are left out. A schema that is missing has no row.
 *
 * @param limit Most rows.
 */
export function tablesOfSchemas(schemas: string[], limit: number): string {
  return `
select n.nspname as schema, c.oid::int8::float8 as oid, c.relname as name
from pg_namespace n
left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'p')
  and c.relpersistence <> 't' and not exists (
    select from pg_depend d
    where d.classid = 'pg_class'::regclass and d.objid = c.oid
      and d.deptype = 'e')
where n.nspname in (select s from jsonb_array_elements_text(${jsonbLiteral(schemas)}) s)
order by n.nspname collate "C", c.relname collate "C"
limit ${limit}`;
}

/**
 * Query for the names of tables and partitioned tables, whatever their schema, but for the server's own.
 *
 * @param limit Most rows.
 */
export function tableNames(limit: number): string {
  return `
select n.nspname as schema, c.relname as table
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and c.relpersistence <> 't'
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
limit ${limit}`;
}

/** Query for those of the schemas that are there. */
export function schemasAmong(schemas: string[]): string {
  return `
select n.nspname as schema from pg_namespace n
where n.nspname in (select s from jsonb_array_elements_text(${jsonbLiteral(schemas)}) s)`;
}
