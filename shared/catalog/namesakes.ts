/**
 * Relations that have one of the names that texts are searched for, wherever they are: a routine beside a
 * relation of the name means that one, not the table of another schema.
 */
import { jsonbLiteral } from "../sql/quoting.ts";

/** Most that are read: where a database has more, texts of some schemas are taken to mean the table, perhaps. */
const MAX_NAMESAKES = 20_000;

/** Expression for a JSON array of `[schema, name]`. */
export function namesakes(names: string[]): string {
  if (names.length === 0) return "'[]'::json";
  return `(
    select coalesce(json_agg(json_build_array(x.nspname, x.relname)), '[]')
    from (
      select n.nspname, c.relname
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname = any (array(
        select w::name from jsonb_array_elements_text(${jsonbLiteral([...new Set(names)])}) w))
      limit ${MAX_NAMESAKES}) x)`;
}
