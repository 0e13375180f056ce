/** Names of indexes, on tables and on their partitions to any depth, and the names that are taken beside them. */
import { literal } from "../sql/quoting.ts";

export interface IndexesWanted {
  /** Indexes by OID, besides those of the described relations. */
  oids: number[];
  /** New names of tables: relations whose names could be those of renamed indexes are told. */
  newNames: string[];
}

/** A name that was cut to 63 bytes has at least so many, since a character has at most four. */
const FEWEST_BYTES_WHEN_CUT = 60;

/** JSON member about the indexes of the relations of the CTE `target`. */
export function indexMember({ oids, newNames }: IndexesWanted): string {
  return `
  'index_names', (
    with holder as (
      select x.oid as root, x.oid as relid from target x
      union
      select x.oid, p.relid
      from target x
      join pg_class t on t.oid = x.oid and t.relkind = 'p'
      cross join lateral pg_partition_tree(x.oid) p
    ),
    wanted as (
      select i.indexrelid, h.root from holder h join pg_index i on i.indrelid = h.relid
      union
      select i.indexrelid, null from pg_index i
      where i.indexrelid = any(${literal(`{${oids.join(",")}}`)}::oid[])
    ),
    found as (
      select w.indexrelid as oid,
        coalesce(json_agg(w.root::int8 order by w.root) filter (where w.root is not null), '[]')
          as roots
      from wanted w group by w.indexrelid
    ),
    listed as (
      select json_build_object(
          'oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
          'roots', f.roots, 'table', i.indrelid::int8,
          'owned', pg_has_role(c.relowner, 'USAGE'),
          'constraints', case when own.oid is null then '[]' else (
            select json_agg(other.conname)
            from pg_constraint other where other.conrelid = i.indrelid) end) as index,
        c.relname, c.relnamespace
      from found f
      join pg_class c on c.oid = f.oid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_index i on i.indexrelid = c.oid
      left join pg_constraint own on own.conrelid = i.indrelid and own.conindid = c.oid
        and own.contype in ('p', 'u', 'x')
    )
    select json_build_object(
      'indexes', (select coalesce(json_agg(l.index
        order by l.relnamespace::regnamespace::text collate "C", l.relname collate "C"), '[]') from listed l),
      'relation_names', (
        select coalesce(json_agg(json_build_object(
            'schema', n.nspname, 'name', c.relname)), '[]')
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where c.relnamespace in (select l.relnamespace from listed l) and ${
    couldBeRenamed("c.relname::text", newNames)
  })))`;
}

/** Whether a name could be that of a renamed index: it begins as a new name does, or was cut. */
function couldBeRenamed(name: string, newNames: string[]): string {
  if (newNames.length === 0) return "false";
  const characters = newNames.map((one) => [...one]);
  const shortest = Math.min(...characters.map(({ length }) => length));
  const beginnings = [...new Set(characters.map((one) => one.slice(0, shortest).join("")))];
  return `(octet_length(${name}) >= ${FEWEST_BYTES_WHEN_CUT}
          or left(${name}, ${shortest}) in (${beginnings.map(literal).join(", ")}))`;
}
