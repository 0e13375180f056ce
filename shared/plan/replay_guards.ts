/**
 * What must hold where a migration file is applied: what the plan that it was made of has gone by. Whatever
 * was changed since, by another migration or by hand, would be lost or left out without a word.
 */
import type { RelationFacts } from "./facts.ts";
import type { PlanStatement } from "./plan.ts";
import { dollarQuoted, jsonbLiteral, literal, qualified } from "./quoting.ts";

/** Raises unless the tables have the columns and defaults that their views are made for. */
export function sameColumns(tables: RelationFacts[]): PlanStatement {
  const rows = tables.map((table) =>
    `(${literal(qualified(table.schema, table.name))}, ${
      jsonbLiteral(table.columns.map(({ name, type, default: value }) => [name, type, value]))
    })`
  );
  const body = `
declare
  other text;
begin
  select pg_catalog.string_agg(e.name, ', ') into other
  from (values ${rows.join(",\n    ")}) as e(name, columns)
  where e.columns is distinct from (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attname,
      pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.pg_get_expr(d.adbin, d.adrelid))
      order by a.attnum), '[]')
    from pg_catalog.pg_attribute a
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = pg_catalog.to_regclass(e.name) and a.attnum > 0 and not a.attisdropped);
  if other is not null then
    raise exception using errcode = 'object_not_in_prerequisite_state',
      message = other || ' has other columns or defaults than when this file was made',
      hint = 'Make the file again.';
  end if;
end `;
  return {
    sql: `do ${dollarQuoted(body, "guard")}`,
    purpose: "Go on only where the columns are those that this file was made for",
  };
}
