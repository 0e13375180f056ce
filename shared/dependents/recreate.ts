/**
 * How an object that is built on a view is made to depend on what has the view's name by then: in place
 * wherever the server can, so that the object keeps its OID, owner, privileges and comments.
 */
import type { Statement } from "../contract/responses.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import { materializedViewAgain } from "./materialized_view.ts";
import { routineAgain } from "./routine.ts";

export interface Recreating {
  /** What moves the object out of the way, while everything still has its name. */
  aside: Statement[];
  /** What reads its definition again. */
  again: Statement[];
  /** What drops what was moved aside, once nothing depends on it any more. */
  drop: Statement[];
}

/** Statements for one object; `reasonAgainst` has no objection to it. */
export function recreating(object: BuiltObject, sessionUser: string): Recreating {
  if (object.recreated) {
    return object.catalog === "pg_proc"
      ? routineAgain(object, sessionUser)
      : materializedViewAgain(object, sessionUser);
  }
  return { aside: [], again: inPlace(object), drop: [] };
}

/** A definition as the server prints it, without the end of the statement. */
export function withoutEnd(sql: string): string {
  let end = sql.length;
  while (end > 0 && /[;\s]/.test(sql[end - 1])) end--;
  return sql.slice(0, end);
}

/** Storage parameters and the like, as `pg_class.reloptions` has them, as DDL takes them. */
export function optionList(options: string[]): string {
  const settings = options.map((option) => {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(option)!;
    return `${name.split(".").map(ident).join(".")} = ${literal(value)}`;
  });
  return `(${settings.join(", ")})`;
}

export const withOptions = (options: string[]): string =>
  options.length === 0 ? "" : ` with ${optionList(options)}`;

function inPlace(object: BuiltObject): Statement[] {
  const { catalog, definition, kept, kind, identity } = object;
  const purpose = `Read the definition of the ${kind} ${identity} again`;
  const name = () => ident(object.name!);
  const host = () => qualified(object.host!.schema, object.host!.name);
  switch (catalog) {
    case "pg_class": {
      const columns = kept!.columns!.map((column) => ident(column.name)).join(", ");
      const options = withOptions(kept!.options!);
      const query = withoutEnd(definition!.query!);
      return [{
        sql: `create or replace view ${host()}${
          columns === "" ? "" : ` (${columns})`
        }${options} as\n${query}`,
        purpose,
      }];
    }
    case "pg_proc":
      return [{ sql: withoutEnd(definition!.text!), purpose }];
    case "pg_policy": {
      const { qual, check } = definition!;
      return [{
        sql: `alter policy ${name()} on ${host()}${qual == null ? "" : ` using (${qual})`}${
          check == null ? "" : ` with check (${check})`
        }`,
        purpose,
      }];
    }
    case "pg_rewrite": {
      const rule = withoutEnd(definition!.text!).replace(/^CREATE RULE /, "");
      return [{ sql: `create or replace rule ${rule}`, purpose }];
    }
    case "pg_attrdef":
      return [{
        sql: `alter table only ${host()} alter column ${ident(kept!.column!)} set default ${
          definition!.expression
        }`,
        purpose,
      }];
    case "pg_constraint":
      return constraintAgain(object, purpose);
    default:
      throw new TypeError(`${catalog} cannot be repointed`);
  }
}

/** A check constraint cannot be altered; NOT VALID is part of its definition. */
function constraintAgain(
  { name, host, definition, kept }: BuiltObject,
  purpose: string,
): Statement[] {
  const table = qualified(host!.schema, host!.name);
  const statements = [
    { sql: `alter table only ${table} drop constraint ${ident(name!)} restrict`, purpose },
    {
      sql: `alter table only ${table} add constraint ${ident(name!)} ${definition!.text}`,
      purpose,
    },
  ];
  if (kept!.comment != null) {
    statements.push({
      sql: `comment on constraint ${ident(name!)} on ${table} is ${literal(kept!.comment)}`,
      purpose,
    });
  }
  return statements;
}
