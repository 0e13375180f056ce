/** Why an object that is built on a view cannot be made to depend on the table. Nothing is guessed. */
import type { BuiltObject } from "../facts/built_on.ts";
import { listed } from "../findings/wording.ts";
import { ident } from "../sql/quoting.ts";
import { type DroppedView, sameColumns, sameType } from "./dependents.ts";

/** The reason, as the rest of a sentence about the object; null where it can follow. */
export function refusalReason(object: BuiltObject, views: DroppedView[]): string | null {
  return unsupportedKind(object) ?? missingRights(object) ?? codeOfOthers(object) ??
    otherColumns(object, views) ??
    (object.recreated ? notRecreatable(object) : null);
}

function unsupportedKind({ catalog, kind, number, subkind, definition, kept, host }: BuiltObject) {
  switch (catalog) {
    case "pg_class":
      if (number > 0) {
        return "the column holds rows of the view's row type, which is dropped with the view";
      }
      if (definition !== null) return null;
      return subkind === "i" || subkind === "I"
        ? "the index uses a routine that must be recreated, and would have to be rebuilt"
        : `an object of this kind (${kind}) cannot be repointed`;
    case "pg_proc":
      return definition === null ? "an aggregate cannot be repointed" : null;
    case "pg_attrdef":
      return kept?.generated === ""
        ? null
        : "the generated column uses a routine that must be recreated";
    case "pg_constraint":
      if (definition === null) return "a domain's constraint cannot be repointed";
      return kept!.inherited! > 0 || host!.has_children
        ? "the constraint is shared with tables that inherit"
        : null;
    case "pg_policy":
    case "pg_rewrite":
      return null;
    case "pg_type":
      return "the type is made of the view's row type, which is dropped with the view";
    case "pg_trigger":
      return "the trigger's condition uses a routine that must be recreated";
    default:
      return `an object of this kind (${kind}) cannot be repointed`;
  }
}

function missingRights(object: BuiltObject): string | null {
  if (object.extension !== null) return `it belongs to the extension ${ident(object.extension)}`;
  if (object.temporary) return "it is temporary and belongs to a session";
  if (!object.owned) {
    return `it belongs to the role ${ident(object.owner!)}, of which this role is not a member`;
  }
  // CREATE OR REPLACE requires it even if nothing is created.
  if (["pg_class", "pg_proc"].includes(object.catalog) && !object.can_create) {
    return `this role may not create in the schema ${ident(object.schema!)}`;
  }
  if (object.closed_schemas.length > 0) {
    const schemas = object.closed_schemas.map(ident).join(", ");
    return `this role may not use the schema ${schemas}, which it refers to`;
  }
  if (object.routine !== null && !object.routine.definable) {
    return "only a superuser may create such a routine, or this role may not use its language";
  }
  return null;
}

const MAX_NAMED = 3;

function codeOfOthers({ lent }: BuiltObject): string | null {
  if (lent.length === 0) return null;
  const named = listed(lent.map(({ object, owner }) => `${object} of ${ident(owner)}`), MAX_NAMED);
  return `recreating it would run code of other roles with the rights of this role: ${named}; ` +
    "drop it, and create it again on the table afterwards";
}

/** A used column must exist with its name and type; if whole rows are used, all columns must be the same. */
function otherColumns(object: BuiltObject, views: DroppedView[]): string | null {
  for (const dropped of views) {
    const { view, columns, table } = dropped;
    const target = table === null ? "the new view" : "the table";
    const used = object.uses.filter(({ relation }) => relation === view.oid);
    for (const { column } of used) {
      if (column === null) continue;
      const before = view.columns.find(({ name }) => name === column);
      const after = columns.find(({ name }) => name === column);
      if (after === undefined) {
        return `it uses the column ${ident(column)}, which ${target} does not have`;
      }
      if (before === undefined || !sameType(before, after)) {
        return `it uses the column ${ident(column)}, which is ${after.type} in ${target}`;
      }
    }
    const wholeRows = object.whole_rows || used.some(({ row_type }) => row_type);
    if (wholeRows && !sameColumns(dropped)) {
      return `it uses whole rows of the view, and ${target} has other columns`;
    }
  }
  return null;
}

function notRecreatable(object: BuiltObject): string | null {
  if (!object.owner_settable || !object.owner_can_create) {
    return `it must be recreated, and given to the role ${ident(object.owner!)}, ` +
      (object.owner_settable
        ? "but that role may not create in the schema"
        : "but this role cannot become that one");
  }
  const acls = [object.acl, ...object.column_acls.map(({ acl }) => acl)].flat();
  const foreign = acls.find((entry) => entry.grantor !== object.owner && !entry.grantor_settable);
  if (foreign !== undefined) {
    const grantor = ident(foreign.grantor);
    return `it must be recreated with privileges granted by ${grantor}, for whom this role cannot grant`;
  }
  if (object.labels > 0) return "it must be recreated and has a security label";
  if (object.extension_dependencies > 0) return "it must be recreated and depends on an extension";
  if (object.routine !== null && object.routine.same_on_table !== null) {
    return `one for the table exists already, ${object.routine.same_on_table}`;
  }
  const invalid = object.kept?.storage?.indexes.find(({ valid }) => !valid);
  return invalid === undefined ? null : `its index ${ident(invalid.name)} is not valid`;
}
