/** Roles of a test's own, and what roles can do: tried out, statement by statement. */
import type postgres from "postgres";
import type { TestDatabase } from "./servers/database.ts";

export type TestRoles<Name extends string> = Record<Name, string> & AsyncDisposable;

/**
 * Makes a login role for each name, without any grants; `postgres` is made a member of none. Roles belong to
 * the whole server, so they carry the database's name; when disposed of they are dropped with all they own,
 * and the schema public goes with them: DROP OWNED leaves what they granted on columns.
 */
export async function testRoles<Name extends string>(
  db: TestDatabase,
  ...names: Name[]
): Promise<TestRoles<Name>> {
  const roles = Object.fromEntries(names.map((name) => [name, `${db.name}_${name}`]));
  const all = Object.values(roles).join(", ");
  await db.admin.unsafe(Object.values(roles).map((role) => `create role ${role} login`).join(";"))
    .simple();
  const dispose = async () => {
    await db.admin.unsafe(`
      drop schema if exists public cascade;
      drop owned by ${all} cascade;
      drop role ${all}`).simple();
  };
  return Object.assign(roles as Record<Name, string>, { [Symbol.asyncDispose]: dispose });
}

/** One entry of an ACL: grantor, grantee, privilege and column, and whether it can be granted on. */
export type AclEntry = string;

/** The access privileges of a relation and its columns, in no order, each as a line. */
export async function aclOf(sql: postgres.Sql, relation: string): Promise<AclEntry[]> {
  const rows = await sql`
    select pg_get_userbyid(x.grantor) || ': ' || x.privilege_type
      || case when x.attname is null then '' else ' (' || x.attname || ')' end
      || ' to ' || case when x.grantee = 0 then 'PUBLIC' else pg_get_userbyid(x.grantee) end
      || case when x.is_grantable then ' with grant option' else '' end as entry
    from pg_class c, lateral (
      select null::name as attname, e.*
      from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) e
      union all
      select a.attname, e.* from pg_attribute a, aclexplode(a.attacl) e
      where a.attrelid = c.oid and a.attnum > 0) x
    where c.oid = ${relation}::regclass`;
  return rows.map(({ entry }) => entry as AclEntry).sort();
}

/**
 * Prepares the database for `outcomes`: a function that tries statements, each by itself, as whoever calls
 * it, and takes back what they did.
 */
export async function prepareOutcomes(db: TestDatabase): Promise<void> {
  await db.admin.unsafe(`
    create schema probe;
    grant usage on schema probe to public;
    create function probe.outcomes(statements text[]) returns text[] language plpgsql as $$
    declare
      statement text;
      count bigint;
      value text;
      result text[] := '{}';
    begin
      foreach statement in array statements loop
        begin
          value := null;
          if statement ~* '^(select|with)' or statement ~* ' returning ' then
            execute statement into value;
          else
            execute statement;
          end if;
          get diagnostics count = row_count;
          raise exception using errcode = 'ZZ000', message = pg_catalog.concat_ws(' ', count, value);
        exception when others then
          result := result || case sqlstate when 'ZZ000' then 'ok ' || sqlerrm else sqlstate end;
        end;
      end loop;
      return result;
    end $$`).simple();
}

/**
 * What happens when `role` runs each statement: `ok`, the number of rows and the first value, or the
 * SQLSTATE. Nothing is kept.
 */
export async function outcomes(
  db: TestDatabase,
  role: string,
  statements: string[],
  claims: Record<string, unknown> = {},
): Promise<string[]> {
  const [row] = await db.as(role, (tx) => tx`select probe.outcomes(${statements}) as outcomes`, {
    claims,
  });
  return row.outcomes;
}
