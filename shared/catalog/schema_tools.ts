/**
 * Traces of programs that read or compare schemas: tables and event triggers by their names. Only whether they
 * are there is looked at; nothing is read from them.
 */
import { literal } from "../sql/quoting.ts";
import { EVENT_TRIGGER_MARKS, LOGIN_TABLE, TABLE_MARKS } from "../findings/schema_tools.ts";

const names = (list: string[]) => `any(array[${list.map(literal).join(", ")}]::name[])`;

/** Expression for a JSON array of the traces. */
export const schemaToolMarks = `(
    select coalesce(json_agg(json_build_object(
      'mark', m.mark, 'schema', m.schema, 'object', m.object) order by m.object), '[]')
    from (
      select c.relname::text as mark, n.nspname::text as schema,
        format('%I.%I', n.nspname, c.relname) as object
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relname = ${names(TABLE_MARKS)} and c.relkind in ('r', 'p')
      union all
      select c.relname::text, n.nspname::text, format('%I.%I', n.nspname, c.relname)
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relname = ${literal(LOGIN_TABLE.name)} and c.relkind = 'r'
        and (
          select count(*) from pg_attribute a
          where a.attrelid = c.oid and a.attname = ${names(LOGIN_TABLE.columns)}
        ) = ${LOGIN_TABLE.columns.length}
      union all
      select e.evtname::text, null, format('event trigger %I', e.evtname)
      from pg_event_trigger e
      where e.evtname = ${names(EVENT_TRIGGER_MARKS)} and e.evtenabled <> 'D') m)`;
