/** Why an object that is built on a view cannot be made to depend on the table. Nothing is ever guessed. */
import { ident } from "../sql/quoting.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import { type LeavingView, sameColumns, sameType } from "./leaving_view.ts";

/** The reason, as the rest of a sentence about the object; null where it can follow. */
export function reasonAgainst(object: BuiltObject, views: LeavingView[]): string | null {
  return unsupportedKind(object) ?? beyondReach(object) ?? lendingRights(object) ??
    otherColumns(object, views) ??
    (object.recreated ? notToBeMadeAgain(object) : null);
}

function unsupportedKind({ catalog, kind, number, subkind, definition, kept, host }: BuiltObject) {
  switch (catalog) {
    case "pg_class":
      if (number > 0) {
        return "the column holds rows of the view's row type, which goes with the view";
      }
      if (definition !== null) return null;
      return subkind === "i" || subkind === "I"
        ? "the index uses a routine that has to be made again, and would have to be built anew"
        : `an object of this kind (${kind}) cannot be repointed`;
    case "pg_proc":
      return definition === null ? "an aggregate cannot be repointed" : null;
    case "pg_attrdef":
      return kept?.generated === ""
        ? null
        : "the generated column uses a routine that has to be made again";
    case "pg_constraint":
      if (definition === null) return "a domain's constraint cannot be repointed";
      return kept!.inherited! > 0 || host!.has_children
        ? "the constraint is shared with tables that inherit"
        : null;
    case "pg_policy":
    case "pg_rewrite":
      return null;
    case "pg_type":
      return "the type is made of the view's row type, which goes with the view";
    case "pg_trigger":
      return "the trigger's condition uses a routine that has to be made again";
    default:
      return `an object of this kind (${kind}) cannot be repointed`;
  }
}

function beyondReach(object: BuiltObject): string | null {
  if (object.extension !== null) return `it belongs to the extension ${ident(object.extension)}`;
  if (object.temporary) return "it is temporary and belongs to a session";
  if (!object.owned) {
    return `it belongs to the role ${ident(object.owner!)}, which this role is no member of`;
  }
  // CREATE OR REPLACE asks for it even where nothing is created.
  const replaced = ["pg_class", "pg_proc"].includes(object.catalog);
  if (replaced && !object.can_create) {
    return `this role may not create in the schema ${ident(object.schema!)}`;
  }
  if (object.closed_schemas.length > 0) {
    return `this role may not use the schema ${
      object.closed_schemas.map(ident).join(", ")
    }, which it refers to`;
  }
  if (object.routine !== null && !object.routine.definable) {
    return "only a superuser may write such a routine, or this role may not use its language";
  }
  return null;
}

/** Code of others that is named in a reason, at most. */
const MAX_NAMED = 3;

function lendingRights({ lent }: BuiltObject): string | null {
  if (lent.length === 0) return null;
  const named = lent.slice(0, MAX_NAMED).map(({ object, owner }) => `${object} of ${ident(owner)}`);
  const more = lent.length > MAX_NAMED ? ` and ${lent.length - MAX_NAMED} more` : "";
  return `to make it again would run code of others with the rights of this role: ${
    named.join(", ")
  }${more}; drop it, and make it again on the table afterwards`;
}

/** A column that is used must be there under its name and of its type; for whole rows, all of them alike. */
function otherColumns(object: BuiltObject, views: LeavingView[]): string | null {
  for (const leaving of views) {
    const { view, columns, table } = leaving;
    const then = table === null ? "the new view" : "the table";
    const used = object.uses.filter(({ relation }) => relation === view.oid);
    for (const { column } of used) {
      if (column === null) continue;
      const before = view.columns.find(({ name }) => name === column);
      const after = columns.find(({ name }) => name === column);
      if (after === undefined) {
        return `it uses the column ${ident(column)}, which ${then} has not`;
      }
      if (before === undefined || !sameType(before, after)) {
        return `it uses the column ${ident(column)}, which is ${after.type} in ${then}`;
      }
    }
    const wholeRows = object.whole_rows || used.some(({ row_type }) => row_type);
    if (wholeRows && !sameColumns(leaving)) {
      return `it uses whole rows of the view, and ${then} has other columns`;
    }
  }
  return null;
}

function notToBeMadeAgain(object: BuiltObject): string | null {
  if (!object.owner_settable || !object.owner_can_create) {
    return `it has to be made again, and given to the role ${ident(object.owner!)}: ` +
      (object.owner_settable
        ? "that one may not create in the schema"
        : "this role cannot become that one");
  }
  const acls = [object.acl, ...object.column_acls.map(({ acl }) => acl)].flat();
  const foreign = acls.find((entry) => entry.grantor !== object.owner && !entry.grantor_settable);
  if (foreign !== undefined) {
    return `it has to be made again with privileges granted by ${
      ident(foreign.grantor)
    }, which this role cannot act for`;
  }
  if (object.labels > 0) return "it has to be made again and has a security label";
  if (object.extension_dependencies > 0) {
    return "it has to be made again and depends on an extension";
  }
  if (object.routine !== null && object.routine.same_on_table !== null) {
    return `the table has one already, ${object.routine.same_on_table}`;
  }
  const invalid = object.kept?.storage?.indexes.find(({ valid }) => !valid);
  if (invalid !== undefined) return `its index ${ident(invalid.name)} is not valid`;
  return null;
}
