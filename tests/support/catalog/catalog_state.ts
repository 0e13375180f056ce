/** What a database looks like, as text that can be compared: wholly before or wholly after a rename. */
import { assertEquals } from "@std/assert";
import type postgres from "postgres";

/** The relations of the schema `public`, the tracking tables left out, with all that a rename touches. */
export async function catalogState(sql: postgres.Sql): Promise<string> {
  const rows = await sql`
    select c.relname, c.relkind, c.reloptions, pg_get_userbyid(c.relowner) as owner,
      array(select unnest(c.relacl)::text order by 1) as acl,
      obj_description(c.oid, 'pg_class') as comment,
      case when c.relkind = 'v' then pg_get_viewdef(c.oid) end as definition,
      array(
        select concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attacl,
          pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum))
        from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 order by a.attnum) as columns
    from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
      and c.relname not like 'sys\\_table\\_migration%'
    order by c.relname`;
  return JSON.stringify(rows, null, 1);
}

/** The record says what the catalog says: each active migration has its table and its view, by OID. */
export async function assertRecordAgrees(sql: postgres.Sql, active: number): Promise<void> {
  const rows = await sql`
    select m.old_name, m.new_name,
      m.table_oid = to_regclass(format('%I.%I', m.schema_name, m.new_name))::oid as table_there,
      m.view_oid = to_regclass(format('%I.%I', m.schema_name, m.old_name))::oid as view_there
    from sys_table_migrations m where m.status not in ('rolled_back', 'finalized')`;
  assertEquals(rows.length, active, `active migrations: ${JSON.stringify(rows)}`);
  for (const row of rows) {
    assertEquals([row.table_there, row.view_there], [true, true], JSON.stringify(row));
  }
}

/** The events of one request: its outcomes, in order. */
export async function outcomesOf(sql: postgres.Sql, requestId: string): Promise<string[]> {
  const rows = await sql`
    select outcome from table_rename.sys_table_migration_events where request_id = ${requestId} order by id`;
  return rows.map(({ outcome }) => outcome);
}
