/**
 * How an object that is built on a view is made to depend on what gets the view's name: in place wherever the
 * server can do that, so that the object keeps its OID, owner, privileges and comments.
 */
import type { Statement } from "../contract/responses.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import { grantStatements } from "../plan/grants.ts";
import { nameDigest } from "../sql/name_digest.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import { withOptions, withoutEnd } from "./definitions.ts";
import { recreateMaterializedView } from "./materialized_view.ts";

export interface Recreation {
  /** Moves the object out of the way, while everything still has its name. */
  setAside: Statement[];
  /** Reads its definition again. */
  recreate: Statement[];
  /** Drops what was set aside, once nothing depends on it any more. */
  dropOld: Statement[];
}

/** Statements for one object for which there is no `refusalReason`. */
export function recreation(object: BuiltObject, sessionUser: string): Recreation {
  if (!object.recreated) return { setAside: [], recreate: inPlace(object), dropOld: [] };
  return object.catalog === "pg_proc"
    ? recreateRoutine(object, sessionUser)
    : recreateMaterializedView(object, sessionUser);
}

function inPlace(object: BuiltObject): Statement[] {
  const { catalog, definition, kept, kind, identity } = object;
  const purpose = `Read the definition of the ${kind} ${identity} again`;
  const name = () => ident(object.name!);
  const host = () => qualified(object.host!.schema, object.host!.name);
  switch (catalog) {
    case "pg_class": {
      const columns = kept!.columns!.map((column) => ident(column.name)).join(", ");
      const list = columns === "" ? "" : ` (${columns})`;
      const options = withOptions(kept!.options!);
      const query = withoutEnd(definition!.query!);
      return [{
        sql: `create or replace view ${host()}${list}${options} as\n${query}`,
        purpose,
      }];
    }
    case "pg_proc":
      return [{ sql: withoutEnd(definition!.text!), purpose }];
    case "pg_policy": {
      const using = definition!.qual == null ? "" : ` using (${definition!.qual})`;
      const check = definition!.check == null ? "" : ` with check (${definition!.check})`;
      return [{ sql: `alter policy ${name()} on ${host()}${using}${check}`, purpose }];
    }
    case "pg_rewrite": {
      const rule = withoutEnd(definition!.text!).replace(/^CREATE RULE /, "");
      return [{ sql: `create or replace rule ${rule}`, purpose }];
    }
    case "pg_attrdef": {
      const change = `alter column ${ident(kept!.column!)} set default ${definition!.expression}`;
      return [{ sql: `alter table only ${host()} ${change}`, purpose }];
    }
    case "pg_constraint": {
      // It cannot be altered. NOT VALID is part of its definition.
      const statements = [
        `alter table only ${host()} drop constraint ${name()} restrict`,
        `alter table only ${host()} add constraint ${name()} ${definition!.text}`,
      ];
      if (kept!.comment != null) {
        statements.push(
          `comment on constraint ${name()} on ${host()} is ${literal(kept!.comment)}`,
        );
      }
      return statements.map((sql) => ({ sql, purpose }));
    }
    default:
      throw new TypeError(`${catalog} cannot be repointed`);
  }
}

/**
 * A routine with the view's row type in its signature cannot be replaced, because the signature changes: it is
 * created again with the table's row type, while the old one has another name.
 */
function recreateRoutine(object: BuiltObject, sessionUser: string): Recreation {
  const { schema, kind, identity, owner, kept, acl, default_grantees } = object;
  const oldName = `__compatibility_routine_${nameDigest(identity)}`;
  const { signature } = object.routine!;
  const recreate: Statement[] = [{
    sql: withoutEnd(object.definition!.text!).replace(/^CREATE OR REPLACE /, "create "),
    purpose: `Recreate the ${kind} ${identity}`,
  }];
  if (owner !== sessionUser) {
    recreate.push({
      sql: `alter routine ${signature} owner to ${ident(owner!)}`,
      purpose: "Keep its owner",
    });
  }
  if (kept!.comment != null) {
    recreate.push({
      sql: `comment on routine ${signature} is ${literal(kept!.comment)}`,
      purpose: "Keep its comment",
    });
  }
  const grants = grantStatements(
    { owner: owner!, acl, columns: [], default_grantees },
    signature,
    owner!,
    { kind: "routine", sessionUser },
  );
  recreate.push(...grants.statements.map((sql) => ({ sql, purpose: "Keep its privileges" })));
  return {
    setAside: [{
      sql: `alter routine ${signature} rename to ${ident(oldName)}`,
      purpose: `Move the ${kind} ${identity} out of the way`,
    }],
    recreate,
    // By its name alone, which is unique: the names of its argument types have changed by then.
    dropOld: [{
      sql: `drop routine ${qualified(schema!, oldName)} restrict`,
      purpose: `Drop the ${kind} that was moved out of the way`,
    }],
  };
}
