/**
 * Objects that another role plants where a login looks names up: everything that our statements use, by the same names
 * and with the argument types that would be preferred, each of which leaves a trace when it runs.
 */
import type { TestDatabase } from "./servers/database.ts";

export interface Planter {
  role: string;
  /** How often something planted ran, whatever was rolled back. */
  ran(): Promise<number>;
  /** What ran last, to be read in a failure. */
  last(): Promise<string>;
  /** Plants, in each of these schemas, what these statements could use. */
  plant(schemas: string[], statements: string[]): Promise<number>;
}

/**
 * A role with the right to create in these schemas and no other. It stays until the server goes: its objects, too many
 * to be dropped in one transaction, go with the database.
 */
export async function startPlanter(db: TestDatabase, schemas: string[]): Promise<Planter> {
  const role = `${db.name}_mallory`;
  await db.admin.unsafe(`
    create role ${role};
    create schema planted;
    create sequence planted.witness;
    create table planted.object (id int primary key generated always as identity, what text);
    create sequence planted.last;
    create function planted.ran(which int) returns boolean language plpgsql security definer
      set search_path = pg_catalog, pg_temp as $$
      begin
        perform pg_catalog.nextval('planted.witness'::pg_catalog.regclass),
          pg_catalog.setval('planted.last'::pg_catalog.regclass, which);
        return true;
      end $$;
    grant usage on schema planted to public;
    grant select, insert, delete on planted.object to ${role};
    grant usage on sequence planted.object_id_seq to ${role};
    ${schemas.map((schema) => `grant usage, create on schema ${schema} to ${role};`).join("\n")}
  `).simple();
  return {
    role,
    async ran() {
      const [row] = await db.admin`
        select case when is_called then last_value else 0 end::int as n from planted.witness`;
      return row.n;
    },
    async last() {
      const [row] = await db.admin`
        select o.what from planted.object o where o.id = (select last_value from planted.last)`;
      return row?.what ?? "nothing";
    },
    async plant(schemas, statements) {
      const text = statements.join("\n");
      const words = [...new Set(text.match(/[a-z_][a-z0-9_]+/g))];
      const symbols = [...new Set(text.match(/[-+*/<>=~!@#%^&|`?]+/g))];
      const sql = `
        set search_path = pg_catalog, pg_temp;
        set check_function_bodies = off;
        -- Without the event triggers, which would run for each of thousands.
        set session_replication_role = replica;
        ${PLANT};
        select pg_temp.plant(${[schemas, words, symbols].map(arrayLiteral).join(", ")},
          '${role}')`;
      await db.admin.unsafe(sql).simple();
      await db.admin`reset all`;
      const [{ count }] = await db.admin`select count(*)::int from planted.object`;
      return count;
    },
  };
}

const arrayLiteral = (texts: string[]) =>
  `array[${texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(", ")}]::text[]`;

/** Types between which operators are planted, of whose names domains with a check are. */
const TYPES = [
  ...["text", "name", "varchar", "int2", "int4", "int8", "numeric", "float8", "bool", "oid"],
  ...["regclass", "jsonb", "json", "timestamptz", "interval", "char", "xid", "uuid", "_text"],
];

/**
 * A function that plants as `planter`. Functions come with every signature that the server's own have; operators
 * with every pair of types, so that each inexact use has an exact match here; views and domains with the names of
 * catalogs and types.
 */
const PLANT = `
create function pg_temp.plant(schemas text[], words text[], symbols text[], planter text)
returns void language plpgsql as $plant$
declare
  one record;
  place text;
  id int;
  types text[] := array['${TYPES.join("', '")}'];
begin
  execute format('set local role %I', planter);
  foreach place in array schemas loop
    -- Functions.
    for one in
      select p.proname, array_to_string(array(
          select format_type(a, null) from unnest(p.proargtypes) a), ', ') as types,
        format_type(p.prorettype, null) as result
      from pg_proc p
      where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any (words)
        and p.provariadic = 0 and not p.proretset and p.prokind in ('f', 'a')
        and p.prorettype not in (
          select t.oid from pg_type t where t.typtype = 'p' and t.typname !~ '^any')
        and not exists (
          select from unnest(p.proargtypes) a join pg_type t on t.oid = a
          where t.typtype = 'p' and t.typname !~ '^any(element|array|nonarray)$')
        and (p.prorettype not in (select t.oid from pg_type t where t.typname ~ '^any')
          or p.prorettype = any (p.proargtypes))
      order by p.oid
    loop
      insert into planted.object (what) values (format('%s.%s(%s)', place, one.proname, one.types))
        returning object.id into id;
      begin
        execute format('create function %I.%I(%s) returns %s language plpgsql as %L', place, one.proname,
          one.types, one.result, format('begin perform planted.ran(%s); return null; end', id));
      -- What the parser takes for itself, such as coalesce.
      exception when others then null;
      end;
    end loop;

    -- Operators between any two of the types; public has all of them, other schemas those that the server has.
    for one in
      select format_type(l.oid, null) as l, format_type(r.oid, null) as r,
        coalesce(c.result, 'boolean') as result, array_agg(s.symbol) as symbols
      from unnest(symbols) s(symbol)
      cross join pg_type l
      cross join pg_type r
      left join lateral (
        select format_type(o.oprresult, null) as result, o.oprleft = l.oid and o.oprright = r.oid as exact
        from pg_operator o join pg_type t on t.oid = o.oprresult and t.typtype <> 'p'
        where o.oprnamespace = 'pg_catalog'::regnamespace and o.oprname = s.symbol
        order by o.oprleft = l.oid and o.oprright = r.oid desc, o.oprleft = l.oid desc limit 1) c on true
      where l.typnamespace = 'pg_catalog'::regnamespace and r.typnamespace = 'pg_catalog'::regnamespace
        and l.typname = any (types) and r.typname = any (types) and c.result is not null
        and (place = 'public' or c.exact)
      group by 1, 2, 3
    loop
      insert into planted.object (what)
      values (format('%s: an operator (%s, %s)', place, one.l, one.r)) returning object.id into id;
      execute format('create function %I.operator_%s(%s, %s) returns %s language plpgsql as %L', place, id,
        one.l, one.r, one.result, format('begin perform planted.ran(%s); return null; end', id));
      for i in 1..cardinality(one.symbols) loop
        begin
          execute format('create operator %I.%s (leftarg = %s, rightarg = %s, function = %I.operator_%s)', place,
            one.symbols[i], one.l, one.r, place, id);
        exception when others then null;
        end;
      end loop;
    end loop;

    -- Views of the catalogs.
    for one in
      select c.relname from pg_class c
      where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v') and c.relname = any (words)
    loop
      insert into planted.object (what) values (format('view %s.%s', place, one.relname))
        returning object.id into id;
      begin
        execute format('create view %I.%I as select c.*, c.tableoid from pg_catalog.%I c where planted.ran(%s)',
          place, one.relname, one.relname, id);
        execute format('grant select on %I.%I to public', place, one.relname);
      -- A few may not be read.
      exception when others then null;
      end;
    end loop;

    -- Domains of the types' names, made last, since their names would be taken for the types.
    for one in
      select t.typname, format_type(t.oid, null) as base from pg_type t
      where t.typnamespace = 'pg_catalog'::regnamespace and t.typname = any (types) and t.typname <> '_text'
    loop
      insert into planted.object (what) values (format('domain %s.%s', place, one.typname))
        returning object.id into id;
      execute format('create domain %I.%I as %s check (planted.ran(%s))', place, one.typname, one.base, id);
    end loop;
  end loop;
  reset role;
end $plant$`;
