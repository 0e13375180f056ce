/**
 * Tables of extensions that keep names of tables in their rows: which columns may, and which rows do. What
 * belongs to an extension is what the catalog says does (pg_depend), never what is called so.
 */
import type { NameColumn } from "../facts/names_in_rows.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";

/** Columns that are called like names of tables. */
const NAME =
  "(^|_)(table|tablename|relation|relname|rel|relid|parent|partition|child)(_?name|_table|_relation|_id)?$";

/** Columns that are called like the schemas of such names. */
const SCHEMA = "(^|_)(schema|schemaname|schema_name|nspname|namespace)$";

/** Most columns that are looked into; an extension has a handful. */
const MAX_COLUMNS = 100;

/** Largest table that is looked through, in pages; as last counted, since to measure it would wait for its locks. */
const MAX_PAGES = 4_096;

/** Most values that are told of a column. */
const MAX_VALUES = 100;

const type = (name: string) => `'${name}'::regtype`;

/** Expression for a JSON array of the columns. */
export const nameColumns = `(
    select coalesce(json_agg(x.found), '[]')
    from (
      select json_build_object(
        'extension', e.extname,
        'schema', n.nspname,
        'table', c.relname,
        'column', a.attname,
        'by_oid', a.atttypid = ${type("regclass")},
        'schema_column', s.attname,
        'readable', not c.relrowsecurity and c.relpages <= ${MAX_PAGES}
          and has_schema_privilege(n.oid, 'USAGE')
          and has_column_privilege(c.oid, a.attnum, 'SELECT')
          and (s.attnum is null or has_column_privilege(c.oid, s.attnum, 'SELECT'))) as found
      from pg_depend d
      join pg_extension e on e.oid = d.refobjid
      join pg_class c on c.oid = d.objid and c.relkind in ('r', 'p')
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and a.atttypid in (${["regclass", "name", "text", "varchar"].map(type).join(", ")})
        and a.attname ~ ${literal(NAME)}
      left join lateral (
        select b.attname, b.attnum
        from pg_attribute b
        where b.attrelid = c.oid and b.attnum > 0 and not b.attisdropped
          and b.atttypid in (${["name", "text", "varchar"].map(type).join(", ")})
          and b.attname ~ ${literal(SCHEMA)}
        order by b.attnum
        limit 1) s on true
      where d.classid = 'pg_class'::regclass
        and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e'
      order by e.extname, n.nspname, c.relname, a.attnum
      limit ${MAX_COLUMNS}) x)`;

/** What a column's values are compared with. */
export interface Wanted {
  values: string[];
  oids: number[];
}

/**
 * Query for what these columns hold of the wanted names, as rows `(index, value, schema)`. It reads tables that
 * are small, and finds no more than a few rows in each.
 */
export function namesInRowsQuery(columns: NameColumn[], { values, oids }: Wanted): string {
  const texts = `array[${values.map(literal).join(", ")}]::text[]`;
  const numbers = `array[${oids.join(", ")}]::int8[]`;
  return columns.map(({ schema, table, column, by_oid, schema_column }, index) => {
    const value = `t.${ident(column)}`;
    const compared = by_oid ? `${value}::oid::int8` : `${value}::text`;
    const beside = schema_column === null ? "null::text" : `t.${ident(schema_column)}::text`;
    return `(select distinct ${index} as index, ${compared}::text as value, ${beside} as schema
  from ${qualified(schema, table)} t
  where ${compared} = any (${by_oid ? numbers : texts})
  limit ${MAX_VALUES})`;
  }).join("\nunion all\n");
}
