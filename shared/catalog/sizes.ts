/**
 * How large tables are, as the catalog last heard of it. The server's own functions, such as pg_total_relation_size,
 * measure files and are exact, but lock each table and index that they look at, and wait behind whoever has locked it.
 */
import { jsonbLiteral } from "../sql/quoting.ts";

export interface Size {
  /** With indexes and TOAST. Null where no VACUUM, ANALYZE or CREATE INDEX has counted yet. */
  estimated_bytes: number | null;
  estimated_rows: number | null;
}

/**
 * Pages of one table, `t`, with its indexes and its TOAST table; without the index of that, which is a hundredth of it,
 * and would take a third of the time.
 */
const pages = (t: string) =>
  `(${t}.relpages
      + coalesce((select o.relpages from pg_class o where o.oid = ${t}.reltoastrelid), 0)
      + coalesce((
        select sum(x.relpages)
        from pg_index i join pg_class x on x.oid = i.indexrelid
        where i.indrelid = ${t}.oid), 0))`;

/** The partitions of the table `t`, at any depth, that were counted, as `p`. */
const fromPartitions = (t: string) => `
      from (
        with recursive parts(oid, kind) as (
          select ${t}.oid, ${t}.relkind
          union all
          select c.oid, c.relkind
          from parts a
          join pg_inherits i on i.inhparent = a.oid
          join pg_class c on c.oid = i.inhrelid
          where a.kind = 'p')
        select oid from parts where kind = 'r') leaves
      join pg_class p on p.oid = leaves.oid and p.reltuples >= 0`;

const ofTable = (t: string, whole: string, ofPartitions: string) =>
  `case
    when ${t}.relkind = 'p' then (select ${ofPartitions}${fromPartitions(t)})
    when ${t}.reltuples >= 0 then ${whole} end`;

/**
 * The columns of a `Size` of the table or partitioned table `t`, a row of pg_class; of a partitioned table the sums of
 * the partitions that were counted.
 */
export const sizeColumns = (t: string): string => `
  (${ofTable(t, pages(t), `sum(${pages("p")})`)}
    * current_setting('block_size')::int)::float8 as estimated_bytes,
  ${ofTable(t, `${t}.reltuples::float8`, "sum(p.reltuples::float8)")} as estimated_rows`;

/** Query for the sizes of tables that are given by OID or by name. */
export const sizesOf = (
  { oids, names }: { oids: number[]; names: { schema: string; name: string }[] },
): string => `
select c.oid::int8::float8 as oid, ${sizeColumns("c")}
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and (
  c.oid in (select i::text::oid from jsonb_array_elements(${jsonbLiteral(oids)}) i)
  or (n.nspname, c.relname) in (
    select w.schema, w.name
    from jsonb_to_recordset(${jsonbLiteral(names)}) as w(schema name, name name)))`;

/** Reads the answer of `sizesOf`. */
export const sizesFromRows = (rows: Record<string, unknown>[]) =>
  new Map((rows as unknown as (Size & { oid: number })[]).map(({ oid, ...size }) => [oid, size]));
