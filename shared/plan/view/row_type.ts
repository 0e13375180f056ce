/**
 * The row type: the renamed table keeps its row type, and the compatibility view has another one. Functions and columns
 * that take rows of the table would refuse rows of the old name without an implicit cast from the view's row type to
 * the table's. The cast needs a function, which has the view's grants and is dropped with it.
 *
 * The function's body is parsed when it is made (CREATE FUNCTION ... RETURN): it follows every later rename by OID, and
 * a column that is added to the table is NULL until the view is refreshed; a body kept as text would fail. It is not
 * STRICT and has no settings, so that the server can inline it: a computed field costs the same by both names.
 */
import type { Statement } from "../../contract/responses.ts";
import { type CheckQuery, found } from "../verification/checks.ts";
import type { RelationFacts, RowCastFacts, SessionFacts } from "../../facts/facts.ts";
import { nameDigest } from "../../sql/name_digest.ts";
import { dollarQuoted, ident, literal, qualified } from "../../sql/quoting.ts";

/** Begins the name of the function of a compatibility cast; a digest of the view's name follows. */
export const ROW_CAST_PREFIX = "compatibility_cast_";

/** Whoever has one of these privileges on the view may use the cast. */
const USES_OF_ROWS = new Set(["SELECT", "INSERT", "UPDATE", "DELETE"]);

/** May read every relation without a grant (PostgreSQL manual, 22.5), so no ACL names it. */
const READS_ALL = "pg_read_all_data";

interface RowCastTarget {
  /** Names of view and table when the statements run. */
  view: string;
  table: string;
  /** Name of the function. Default: as of a view with this name. */
  function?: string;
  /** The view's columns. Default: all of the table's. */
  columns?: string[];
  owner: string;
  sessionUser: string;
  /** The present cast, which is updated. Default: none. */
  present?: RowCastFacts;
}

/** Whether the cast is made: something uses the row type, and the session's role may write functions in SQL. */
export function rowCastWanted(table: RelationFacts, session: SessionFacts): boolean {
  return table.row_type.users.length > 0 && session.sql_functions;
}

/** Regular expression for what follows the prefix; functions of earlier versions have the table's OID there. */
export const ROW_CAST_SUFFIXES = "^([0-9]+|[0-9a-f]{16})$";

/** Name of the cast's function. A present one keeps its name. */
export const rowCastFunction = (schema: string, view: string, present?: RowCastFacts): string =>
  present?.function ?? `${ROW_CAST_PREFIX}${nameDigest(schema, view)}`;

/**
 * Statements that make or update the cast from the view's row type to the table's.
 *
 * For a view that leaves columns out the function is in PL/pgSQL, which does not depend on those columns, so that they
 * can be retyped and dropped; it is not inlined.
 */
export function rowTypeStatements(table: RelationFacts, target: RowCastTarget): Statement[] {
  const { owner, sessionUser, present } = target;
  const view = qualified(table.schema, target.view);
  const name = qualified(
    table.schema,
    target.function ?? rowCastFunction(table.schema, target.view, present),
  );
  const signature = `${name}(${view})`;
  const of = qualified(table.schema, target.table);
  const statements: Statement[] = [{
    sql: `create ${present ? "or replace " : ""}function ${
      definition(table, name, view, of, target)
    }`,
    purpose: "Rows of the old name can be made rows of the table",
  }];
  if (owner !== sessionUser && !present) {
    statements.push({
      sql: `alter function ${signature} owner to ${ident(owner)}`,
      purpose: "The cast's function belongs to the view's owner",
    });
  }
  const strip = [
    "public",
    ...[...new Set([...table.default_executors, READS_ALL, ...(present?.executors ?? [])])]
      .filter((role) => role !== owner).map(ident),
  ];
  const grantees = rowCastGrantees(table, owner).map((role) =>
    role === null ? "public" : ident(role)
  );
  statements.push({
    sql: `revoke all on function ${signature} from ${strip.join(", ")}`,
    purpose: "The cast is for whoever may use the view",
  }, {
    sql: `grant execute on function ${signature} to ${grantees.join(", ")}`,
    purpose: "The cast is for whoever may use the view",
  });
  if (present?.cast) return statements;
  statements.push({
    sql: `comment on function ${signature} is ${
      literal(
        "Makes rows of a compatibility view rows of its table, wherever one is expected; goes with the view.",
      )
    }`,
    purpose: "Say what the function is for",
  }, {
    sql: `create cast (${view} as ${of}) with function ${signature} as implicit`,
    purpose:
      "Functions on the table's row type take rows of the old name, computed fields among them",
  });
  return statements;
}

/** Who is granted EXECUTE, besides the owner; null is PUBLIC. */
export function rowCastGrantees(table: RelationFacts, owner: string): (string | null)[] {
  const entries = [...table.acl, ...table.columns.flatMap(({ acl }) => acl)];
  const users = entries
    .filter(({ privilege, grantee }) => USES_OF_ROWS.has(privilege) && grantee !== owner)
    .map(({ grantee }) => grantee);
  return [...new Set([...users, READS_ALL])];
}

/** Statements that drop the casts of a view that is to be dropped; `names` are those when the statements run. */
export function dropRowType(
  view: RelationFacts,
  names: { view: string; table: string },
): Statement[] {
  const source = qualified(view.schema, names.view);
  const target = qualified(view.schema, names.table);
  return view.row_type.casts.flatMap((cast) => [
    {
      sql: `drop cast if exists (${source} as ${target})`,
      purpose: "Remove the compatibility cast",
    },
    {
      sql: `drop function if exists ${qualified(view.schema, cast.function)}(${source}) restrict`,
      purpose: "Remove the compatibility cast's function",
    },
  ]);
}

function definition(
  table: RelationFacts,
  name: string,
  view: string,
  of: string,
  { columns }: RowCastTarget,
): string {
  const names = table.columns.map((column) => column.name);
  const known = new Set(columns ?? names);
  if (names.some((column) => !known.has(column))) {
    const body = names.filter((column) => known.has(column))
      .map((column) => `\n  r.${ident(column)} := $1.${ident(column)};`).join("");
    return `${name}(${view}, out r ${of})\n` +
      `  language plpgsql immutable strict parallel safe as ${dollarQuoted(` begin${body}\nend `)}`;
  }
  const row = `row(${names.map((column) => `$1.${ident(column)}`).join(", ")})::${of}`;
  return `${name}(${view}) returns ${of}\n  language sql immutable parallel safe\n  return ${
    keepsNull(table) ? `case when $1 is distinct from null then ${row} end` : row
  }`;
}

/**
 * Whether a NULL row, as of an outer join, has to stay NULL: to strict functions, and when it is stored, a row of NULLs
 * is something else. Where nothing distinguishes the two, a plain ROW() is better: the server can inline a computed
 * field, and use the indexes on its columns.
 */
const keepsNull = (table: RelationFacts): boolean =>
  table.row_type.users.some((user) => user.tells_null);

interface ExpectedRowCast {
  schema: string;
  view: string;
  table: string;
  function: string;
}

/** Raises unless each view has the cast to its table, with its function granted to whoever may use the view. */
export function checkRowCasts(expected: ExpectedRowCast[], purpose: string): CheckQuery {
  const rows = expected.map(({ schema, view, table, function: cast }) =>
    `(${
      [literal(schema), literal(view), found(schema, view), found(schema, table), literal(cast)]
        .join(", ")
    })`
  );
  const privileges = [...USES_OF_ROWS].map(literal).join(", ");
  return {
    name: "row_casts",
    purpose,
    query: `
  select pg_catalog.string_agg(
    pg_catalog.format('%I.%I has not the planned cast to its table', e.schema, e.name), '; ')
  from (values ${rows.join(",\n    ")})
    as e(schema, name, view_found, table_found, function)
  left join pg_catalog.pg_class v on v.oid = e.view_found
  left join pg_catalog.pg_class t on t.oid = e.table_found
  left join pg_catalog.pg_cast c on c.castsource = v.reltype and c.casttarget = t.reltype
  left join pg_catalog.pg_proc p on p.oid = c.castfunc
  where (c.castcontext = 'i' and p.proname = e.function and p.pronamespace = v.relnamespace
    and p.proowner = v.relowner and not p.prosecdef
    and array(
      select distinct i.grantee from pg_catalog.aclexplode(p.proacl) i
      where i.grantee <> p.proowner order by 1)
    = array(
      select i.grantee
      from pg_catalog.aclexplode(coalesce(v.relacl, pg_catalog.acldefault('r', v.relowner))) i
      where i.grantee <> v.relowner and i.privilege_type in (${privileges})
      union
      select i.grantee
      from pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) i
      where a.attrelid = v.oid and a.attnum > 0 and i.grantee <> v.relowner
        and i.privilege_type in (${privileges})
      union
      select ${literal(READS_ALL)}::pg_catalog.regrole::pg_catalog.oid
      order by 1)) is not true`,
  };
}
