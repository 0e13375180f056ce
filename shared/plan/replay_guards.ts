/**
 * What must hold where a migration file is applied: what the plan that it was made of has gone by. Whatever
 * was changed since, by another migration or by hand, would be lost or left out without a word.
 */
import type { RelationFacts } from "../facts/facts.ts";
import type { PlanStatement } from "./plan.ts";
import { dollarQuoted, jsonbLiteral, literal, qualified } from "../sql/quoting.ts";
import { catalogOid, definitionOf } from "../dependents/object_state.ts";

interface Name {
  schema: string;
  name: string;
}

/**
 * Digest of all that is built on a view, or is on it: what it is called and how it is defined, as the server
 * prints it. It is the same wherever the same was built, since there are no OIDs in it.
 */
const builtOn = ({ schema, name }: Name) =>
  `(
    with recursive built as (
      select ${catalogOid("pg_class")}::pg_catalog.oid as classid,
        pg_catalog.to_regclass(${literal(qualified(schema, name))})::pg_catalog.oid as objid
      union
      select n.classid, n.objid
      from built b
      cross join lateral (
        select d.classid, d.objid
        from pg_catalog.pg_depend d
        where d.refclassid = b.classid and d.refobjid = b.objid and d.deptype in ('n', 'a')
        union all
        select ${catalogOid("pg_class")}, r.ev_class
        from pg_catalog.pg_rewrite r
        where b.classid = ${catalogOid("pg_rewrite")} and r.oid = b.objid
        union all
        select ${catalogOid("pg_type")}, t.oid
        from pg_catalog.pg_class c
        join pg_catalog.pg_type row on row.oid = c.reltype
        join pg_catalog.pg_type t on t.oid in (row.oid, row.typarray)
        where b.classid = ${catalogOid("pg_class")} and c.oid = b.objid and c.relkind in ('v', 'm')
      ) n
    )
    select pg_catalog.md5(coalesce(pg_catalog.string_agg(
      pg_catalog.concat_ws(' ', o.type, o.identity, ${
    definitionOf("b.classid", "b.objid")
  }::text), '; '
      order by o.type collate "C", o.identity collate "C"), ''))
    from built b cross join lateral pg_catalog.pg_identify_object(b.classid, b.objid, 0) o)`;

/** Query for the digests that `sameBuilt` compares with. */
export const builtDigests = (views: Name[]): string =>
  `select pg_catalog.json_build_array(${views.map(builtOn).join(", ")}) as digests`;

/** Raises unless the same is built on the views as when their digests were read. */
export function sameBuilt(views: Name[], digests: string[]): PlanStatement {
  const rows = views.map((view, index) =>
    `(${literal(qualified(view.schema, view.name))}, ${literal(digests[index])}, ${builtOn(view)})`
  );
  return guard(
    `
  select pg_catalog.string_agg(e.name, ', ') into other
  from (values ${rows.join(",\n    ")}) as e(name, expected, found)
  where e.found is distinct from e.expected;`,
    "has something else built on it",
    "Go on only where what is built on the view is what this file was made for",
  );
}

/** Raises unless the tables have the columns and defaults that their views are made for. */
export function sameColumns(tables: RelationFacts[]): PlanStatement {
  const rows = tables.map((table) =>
    `(${literal(qualified(table.schema, table.name))}, ${
      jsonbLiteral(table.columns.map(({ name, type, default: value }) => [name, type, value]))
    })`
  );
  return guard(
    `
  select pg_catalog.string_agg(e.name, ', ') into other
  from (values ${rows.join(",\n    ")}) as e(name, columns)
  where e.columns is distinct from (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attname,
      pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.pg_get_expr(d.adbin, d.adrelid))
      order by a.attnum), '[]')
    from pg_catalog.pg_attribute a
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = pg_catalog.to_regclass(e.name) and a.attnum > 0 and not a.attisdropped);`,
    "has other columns or defaults",
    "Go on only where the columns are those that this file was made for",
  );
}

/** @param look Statement that puts the names of what is wrong into `other`. */
function guard(look: string, wrong: string, purpose: string): PlanStatement {
  const body = `
declare
  other text;
begin${look}
  if other is not null then
    raise exception using errcode = 'object_not_in_prerequisite_state',
      message = other || ${literal(` ${wrong} than when this file was made`)},
      hint = 'Make the file again.';
  end if;
end `;
  return { sql: `do ${dollarQuoted(body, "guard")}`, purpose };
}
