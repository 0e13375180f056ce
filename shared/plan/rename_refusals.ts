/** Why renames cannot be made: each refusal of a batch, not only the first, so that all can be fixed at once. */
import type { NameHolder } from "../facts/migration.ts";
import { isProtectedSchema, isTrackingTable } from "../contract/names.ts";
import { Problem } from "../contract/problems.ts";
import type { Rename } from "../contract/requests.ts";
import type { Facts, NameFacts, RelationFacts } from "../facts/facts.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { refuseRelation } from "./refusals.ts";
import { RELATION_KINDS, typeKind } from "../facts/relation_kinds.ts";
import { schemaInName } from "../sql/closest_names.ts";

/** One refusal, and the field of the request that it is about. */
export interface Refusal {
  index: number;
  field: "schema" | "old_name" | "new_name";
  problem: Problem;
}

/** A table that can be renamed as it is asked for. */
export interface FoundTable {
  rename: Rename;
  facts: RelationFacts;
}

/**
 * Finds the table of each rename, and whatever is in the way of its new name.
 *
 * The problems are `protected_schema`, `table_not_found`, `already_renamed`, `unsupported_relation`,
 * `extension_owned`, `not_table_owner` or `forbidden` of the old name; `protected_schema`,
 * `invalid_identifier` or `name_taken` of the new one.
 *
 * @param schemas Those of the schemas that new names seem to begin with that are there.
 */
export function lookUp(
  renames: Rename[],
  facts: Facts,
  tracked: NameHolder[],
  schemas: string[] = [],
): { found: FoundTable[]; refusals: Refusal[] } {
  const names = new Map(facts.names.map((name) => [key(name.schema, name.name), name]));
  const relations = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const found: FoundTable[] = [];
  const refusals: Refusal[] = [];
  renames.forEach((rename, index) => {
    const refuse = (field: Refusal["field"], problem: Problem | null) => {
      if (problem !== null) refusals.push({ index, field, problem });
      return problem !== null;
    };
    if (refuse("schema", schemaOffLimits(rename))) return;
    for (const field of ["old_name", "new_name"] as const) {
      if (refuse(field, nameOffLimits(rename.schema, rename[field]))) return;
    }
    const old = names.get(key(rename.schema, rename.old_name))!;
    const wanted = names.get(key(rename.schema, rename.new_name))!;
    refuse(
      "old_name",
      problemOf(() => {
        found.push({ rename, facts: requireTable(rename, old, relations, tracked) });
      }),
    );
    refuse("new_name", schemaInName(rename, schemas)) ||
      refuse("new_name", problemOf(() => requireFree(rename, wanted, relations, tracked)));
  });
  return { found, refusals };
}

/** One problem for all refusals: the first one's, with every one in its `issues`. */
export function refuseTogether(refusals: Refusal[]): Problem {
  const [{ problem: first }] = refusals;
  const more = refusals.length - 1;
  return new Problem(first.code, first.message + (more > 0 ? ` (and ${more} more)` : ""), {
    hint: more > 0
      ? "`issues` has all that is refused, with what can be done; nothing was changed."
      : first.hint,
    fields: {
      ...first.fields,
      issues: refusals.map(({ index, field, problem: { code, message, hint, fields } }) => ({
        ...fields,
        path: `renames.${index}.${field}`,
        code,
        message,
        ...(hint !== undefined && { hint }),
      })),
      issues_total: refusals.length,
    },
  });
}

/** Whether a rename is refused without a look at the database: its schema or a name is off limits. */
export const isOffLimits = (rename: Rename): boolean =>
  schemaOffLimits(rename) !== null ||
  [rename.old_name, rename.new_name].some((name) => nameOffLimits(rename.schema, name) !== null);

function schemaOffLimits({ schema }: Rename): Problem | null {
  if (!isProtectedSchema(schema)) return null;
  return new Problem(
    "protected_schema",
    `The schema ${ident(schema)} belongs to PostgreSQL or the platform.`,
    { hint: "Rename tables of your own schemas only." },
  );
}

function nameOffLimits(schema: string, name: string): Problem | null {
  if (!isTrackingTable(schema, name)) return null;
  return new Problem(
    "protected_schema",
    `${qualified(schema, name)} is a name of this tool's tracking tables.`,
    { hint: "Choose another name." },
  );
}

function problemOf(look: () => void): Problem | null {
  try {
    look();
    return null;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

const key = (schema: string, name: string) => JSON.stringify([schema, name]);

function requireTable(
  rename: Rename,
  name: NameFacts,
  relations: Map<number, RelationFacts>,
  tracked: NameHolder[],
): RelationFacts {
  const object = qualified(rename.schema, rename.old_name);
  const holder = tracked.find((migration) =>
    migration.schema_name === rename.schema && migration.old_name === rename.old_name
  );
  if (holder?.status === "pending") {
    const { schema_name, new_name, requested_by } = holder;
    throw new Problem(
      "already_renamed",
      `${object} is proposed to become ${qualified(schema_name, new_name)}, by ${requested_by}.`,
      { hint: endOf(holder), fields: fieldsOf(holder) },
    );
  }
  const earlier = holder;
  const view = name.relation?.oid;
  if (earlier?.table_gone) throw heldByRecord("already_renamed", object, earlier);
  if (earlier && (view === undefined || view === earlier.view_oid)) {
    throw new Problem(
      "already_renamed",
      `${object} is already renamed to ${qualified(earlier.schema_name, earlier.new_name)}.`,
      {
        hint: "Roll that migration back to undo it, or rename the table under its present name.",
        fields: fieldsOf(earlier),
      },
    );
  }
  if (name.schema_oid === null || name.relation === null) {
    throw new Problem("table_not_found", `There is no table ${object}.`, {
      hint: name.schema_oid === null
        ? `There is no schema ${ident(rename.schema)}; names are case-sensitive.`
        : "Check the schema and the spelling; names are case-sensitive.",
      fields: { schema: rename.schema, table: rename.old_name },
    });
  }
  const relation = relations.get(name.relation.oid);
  refuseRelation(object, name.relation.kind, relation);
  if (!name.can_create) {
    throw new Problem(
      "forbidden",
      `This role may not create relations in the schema ${
        ident(rename.schema)
      }, which a rename needs.`,
      { hint: `As the schema's owner: grant create on schema ${ident(rename.schema)} to it.` },
    );
  }
  if (earlier) {
    throw new Problem(
      "already_renamed",
      `An active migration holds the name ${object}: the table that had it is now ${
        qualified(earlier.schema_name, earlier.new_name)
      }.`,
      {
        hint: endOf(earlier),
        fields: fieldsOf(earlier),
      },
    );
  }
  return relation!;
}

function requireFree(
  rename: Rename,
  name: NameFacts,
  relations: Map<number, RelationFacts>,
  tracked: NameHolder[],
): void {
  const object = qualified(rename.schema, rename.new_name);
  const holder = tracked.find((migration) =>
    migration.schema_name === rename.schema &&
    (migration.new_name === rename.new_name || migration.view_oid === name.relation?.oid)
  );
  if (name.relation !== null || name.type !== null) {
    const isOurView = holder !== undefined && name.relation !== null &&
      holder.view_oid === name.relation.oid;
    const what = isOurView
      ? `the compatibility view of ${qualified(holder.schema_name, holder.new_name)}`
      : name.relation !== null
      ? RELATION_KINDS[name.relation.kind].what
      : typeKind(name.type!.kind);
    const owner = name.relation && relations.get(name.relation.oid)?.owner;
    throw new Problem("name_taken", `${object} is taken by ${what}.`, {
      hint: isOurView
        ? "To give the table this name back, roll its migration back."
        : "Choose another name, or move what has it out of the way.",
      fields: {
        taken_by: {
          schema: rename.schema,
          name: rename.new_name,
          kind: what,
          ...(owner ? { owner } : {}),
        },
        ...(isOurView ? fieldsOf(holder) : {}),
      },
    });
  }
  if (holder?.new_name === rename.new_name && holder.table_gone) {
    throw heldByRecord("name_taken", object, holder);
  }
  if (holder?.new_name === rename.new_name) {
    const table = qualified(holder.schema_name, holder.old_name);
    throw new Problem(
      "name_taken",
      holder.status === "pending"
        ? `${object} is held by a proposal of ${holder.requested_by} to rename ${table}.`
        : `${object} is held by an active migration of ${table}.`,
      { hint: endOf(holder), fields: fieldsOf(holder) },
    );
  }
}

/** What holds a name is a record alone, since the table that was renamed is gone. */
function heldByRecord(
  code: "already_renamed" | "name_taken",
  object: string,
  holder: NameHolder,
): Problem {
  const { id, schema_name, old_name, new_name } = holder;
  return new Problem(
    code,
    `${object} is held by the record of an active migration of ${
      qualified(schema_name, old_name)
    } to ${ident(new_name)}, a table that is gone.`,
    {
      hint:
        `Close the record: roll back {"migration_id": "${id}", "acknowledge": ["table_missing"]}.`,
      fields: fieldsOf(holder),
    },
  );
}

/** How a name that a migration holds becomes free. */
const endOf = ({ status, batch_id }: NameHolder) =>
  status === "pending"
    ? `Apply that proposal (rename with "batch_id": "${batch_id}") or withdraw it (rollback with the same) first.`
    : "Roll back or finalize that migration first.";

const fieldsOf = ({ id, status, batch_id, requested_by }: NameHolder) => ({
  migration_id: id,
  migration_status: status,
  batch_id,
  requested_by,
});
