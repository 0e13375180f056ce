/**
 * How an object that is built on a view is made to depend on what gets the view's name: in place wherever the
 * server can do that, so that the object keeps its OID, owner, privileges and comments.
 */
import type { Statement } from "../contract/responses.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import { grantStatements } from "../plan/view/grants.ts";
import { nameDigest } from "../sql/name_digest.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import { withOptions, withoutEnd, withPurpose } from "./definitions.ts";
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
  if (!object.recreated) {
    const purpose = `Read the definition of the ${object.kind} ${object.identity} again`;
    return { setAside: [], recreate: withPurpose(purpose, inPlace(object)), dropOld: [] };
  }
  return object.catalog === "pg_proc"
    ? recreateRoutine(object, sessionUser)
    : recreateMaterializedView(object, sessionUser);
}

function inPlace({ catalog, definition, kept, name: unquoted, host: relation }: BuiltObject) {
  const name = () => ident(unquoted!);
  const host = () => qualified(relation!.schema, relation!.name);
  switch (catalog) {
    case "pg_class": {
      const columns = kept!.columns!.map((column) => ident(column.name)).join(", ");
      const list = columns === "" ? "" : ` (${columns})`;
      const options = withOptions(kept!.options!);
      const query = withoutEnd(definition!.query!);
      return [`create or replace view ${host()}${list}${options} as\n${query}`];
    }
    case "pg_proc":
      return [withoutEnd(definition!.text!)];
    case "pg_policy": {
      const using = definition!.qual == null ? "" : ` using (${definition!.qual})`;
      const check = definition!.check == null ? "" : ` with check (${definition!.check})`;
      return [`alter policy ${name()} on ${host()}${using}${check}`];
    }
    case "pg_rewrite": {
      const rule = withoutEnd(definition!.text!).replace(/^CREATE RULE /, "");
      return [`create or replace rule ${rule}`];
    }
    case "pg_attrdef": {
      const change = `alter column ${ident(kept!.column!)} set default ${definition!.expression}`;
      return [`alter table only ${host()} ${change}`];
    }
    case "pg_constraint":
      // It cannot be altered. NOT VALID is part of its definition.
      return [
        `alter table only ${host()} drop constraint ${name()} restrict`,
        `alter table only ${host()} add constraint ${name()} ${definition!.text}`,
        ...(kept!.comment == null
          ? []
          : [`comment on constraint ${name()} on ${host()} is ${literal(kept!.comment)}`]),
      ];
    default:
      throw new TypeError(`${catalog} cannot be repointed`);
  }
}

/**
 * A routine with the view's row type in its signature cannot be replaced, because the signature changes: it is
 * created again with the table's row type, while the old one has another name.
 */
function recreateRoutine(object: BuiltObject, sessionUser: string): Recreation {
  const { schema, kind, identity, kept, acl, default_grantees, definition, routine } = object;
  const owner = object.owner!;
  const { signature } = routine!;
  const oldName = `__compatibility_routine_${nameDigest(identity)}`;
  const create = withoutEnd(definition!.text!).replace(/^CREATE OR REPLACE /, "create ");
  const grants = grantStatements(
    { owner, acl, columns: [], default_grantees },
    signature,
    owner,
    { kind: "routine", sessionUser },
  );
  return {
    setAside: withPurpose(`Move the ${kind} ${identity} out of the way`, [
      `alter routine ${signature} rename to ${ident(oldName)}`,
    ]),
    recreate: [
      ...withPurpose(`Recreate the ${kind} ${identity}`, [create]),
      ...withPurpose("Keep its owner", [
        ...(owner === sessionUser ? [] : [`alter routine ${signature} owner to ${ident(owner)}`]),
      ]),
      ...withPurpose("Keep its comment", [
        ...(kept!.comment == null
          ? []
          : [`comment on routine ${signature} is ${literal(kept!.comment)}`]),
      ]),
      ...withPurpose("Keep its privileges", grants.statements),
    ],
    // By its name alone, which is unique: the names of its argument types have changed by then.
    dropOld: withPurpose(`Drop the ${kind} that was moved out of the way`, [
      `drop routine ${qualified(schema!, oldName)} restrict`,
    ]),
  };
}
