/** What is refused whatever the plan would be, and why. */
import { isProtectedSchema, isTrackingTable } from "../contract/names.ts";
import { Problem } from "../contract/problems.ts";
import type { Rename } from "../contract/requests.ts";
import type { Facts, NameFacts, RelationFacts } from "../facts/facts.ts";
import type { NameHolder, RecordedRename } from "../facts/migration.ts";
import { RELATION_KINDS, type RelationKind, typeKind } from "../facts/relation_kinds.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { schemaInName } from "../sql/closest_names.ts";

/** Oldest server with security-invoker views (release notes of PostgreSQL 15). */
const MINIMUM_SERVER_VERSION = 150_000;

/** @throws {Problem} `unsupported_server`. */
export function requireServer(version: number): void {
  if (version >= MINIMUM_SERVER_VERSION) return;
  throw new Problem(
    "unsupported_server",
    `PostgreSQL ${
      Math.floor(version / 10_000)
    } has no security-invoker views, so a compatibility view ` +
      "would show rows that row-level security hides.",
    { hint: "Upgrade to PostgreSQL 15 or later.", fields: { server_version: version } },
  );
}

/**
 * Refuses everything but ordinary and partitioned tables that the session's role owns.
 *
 * @throws {Problem} `unsupported_relation`, `extension_owned` or `not_table_owner`.
 */
export function refuseRelation(
  object: string,
  kind: RelationKind,
  relation: RelationFacts | undefined,
): void {
  const { what, instead } = RELATION_KINDS[kind];
  if (instead !== undefined) {
    throw new Problem("unsupported_relation", `${object} is ${what}, not a table.`, {
      hint: instead,
      fields: { kind: what },
    });
  }
  if (relation?.persistence === "t") {
    throw new Problem("unsupported_relation", `${object} is a temporary table.`, {
      hint: "A temporary table lives in one session only; rename it there.",
      fields: { kind: "a temporary table" },
    });
  }
  if (relation?.extension) {
    throw new Problem(
      "extension_owned",
      `${object} belongs to the extension ${ident(relation.extension)}.`,
      { hint: "Its name is part of the extension; leave it as it is." },
    );
  }
  if (relation && !relation.owned) throw notOwner(relation);
}

/**
 * The problem that the session's role cannot act for the owner. The hint also has a way without a grant: since
 * PostgreSQL 16 that needs the ADMIN option, which `postgres` of a Supabase project does not have on itself.
 */
export function notOwner({ schema, name, kind, owner }: RelationFacts): Problem {
  const object = qualified(schema, name);
  const command = kind === "v" ? "view" : "table";
  return new Problem("not_table_owner", `${object} belongs to the role ${ident(owner)}.`, {
    hint:
      `Only its owner and the owner's members can do this. Grant ${ident(owner)} to this role; ` +
      `or give it to a role that this one is a member of: alter ${command} ${object} owner to …`,
    fields: { owner },
  });
}

export function requireView(
  { compatibility_view_created }: Pick<RecordedRename, "compatibility_view_created">,
  operation: "verify" | "refresh",
): void {
  if (compatibility_view_created) return;
  const message = "the rename was made without a compatibility view";
  throw new Problem("invalid_request", `There is nothing to ${operation}: ${message}.`, {
    hint: operation === "verify"
      ? "Only a rename with a view has an old name that can be tested."
      : "Only a rename with a view can be refreshed.",
    fields: { issues: [{ path: "migration_id", message }] },
  });
}

export interface Refusal {
  index: number;
  field: "schema" | "old_name" | "new_name";
  problem: Problem;
}

export interface FoundTable {
  rename: Rename;
  facts: RelationFacts;
}

/**
 * Finds the table of each rename, and what has its new name already.
 *
 * The problems are `protected_schema`, `table_not_found`, `already_renamed`, `unsupported_relation`,
 * `extension_owned`, `not_table_owner` or `forbidden` of the old name; `protected_schema`,
 * `invalid_identifier` or `name_taken` of the new one.
 *
 * @param schemas The schemas that exist among those that new names seem to begin with.
 */
export function lookUp(
  renames: Rename[],
  facts: Facts,
  tracked: NameHolder[],
  schemas: string[] = [],
): { found: FoundTable[]; refusals: Refusal[] } {
  const names = new Map(facts.names.map((name) => [nameKey(name.schema, name.name), name]));
  const relations = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const found: FoundTable[] = [];
  const refusals: Refusal[] = [];
  renames.forEach((rename, index) => {
    const { schema, old_name, new_name } = rename;
    const refuse = (field: Refusal["field"], problem: Problem | null) => {
      if (problem !== null) refusals.push({ index, field, problem });
      return problem !== null;
    };
    if (
      refuse("schema", schemaOffLimits(schema)) ||
      refuse("old_name", nameOffLimits(schema, old_name)) ||
      refuse("new_name", nameOffLimits(schema, new_name))
    ) return;
    const old = names.get(nameKey(schema, old_name))!;
    const wanted = names.get(nameKey(schema, new_name))!;
    refuse(
      "old_name",
      problemOf(() => {
        found.push({ rename, facts: requireTable(old, relations, tracked) });
      }),
    );
    refuse("new_name", schemaInName(rename, schemas)) ||
      refuse("new_name", problemOf(() => requireFree(wanted, relations, tracked)));
  });
  return { found, refusals };
}

/** One problem for all refusals: that of the first, with all of them in its `issues`. */
export function refuseTogether(refusals: Refusal[]): Problem {
  const [{ problem: first }] = refusals;
  const more = refusals.length - 1;
  return new Problem(first.code, first.message + (more > 0 ? ` (and ${more} more)` : ""), {
    hint: more > 0
      ? "`issues` lists all refusals and what can be done; nothing was changed."
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

/** Whether the schema or a name is protected, so that the rename is refused whatever is in the database. */
export const isOffLimits = ({ schema, old_name, new_name }: Rename): boolean =>
  schemaOffLimits(schema) !== null ||
  [old_name, new_name].some((name) => nameOffLimits(schema, name) !== null);

export function schemaOffLimits(schema: string): Problem | null {
  if (!isProtectedSchema(schema)) return null;
  return new Problem(
    "protected_schema",
    `The schema ${ident(schema)} belongs to PostgreSQL or the platform.`,
    { hint: "Choose tables of your own schemas only." },
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

export function tableNotFound({ schema, name, schema_oid }: NameFacts): Problem {
  return new Problem("table_not_found", `There is no table ${qualified(schema, name)}.`, {
    hint: schema_oid === null
      ? `There is no schema ${ident(schema)}; names are case-sensitive.`
      : "Check the schema and the spelling; names are case-sensitive.",
    fields: { schema, table: name },
  });
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

const nameKey = (schema: string, name: string) => JSON.stringify([schema, name]);

function requireTable(
  name: NameFacts,
  relations: Map<number, RelationFacts>,
  tracked: NameHolder[],
): RelationFacts {
  const { schema, relation: present } = name;
  const object = qualified(schema, name.name);
  const holder = tracked.find(({ schema_name, old_name }) =>
    schema_name === schema && old_name === name.name
  );
  const newName = holder && qualified(holder.schema_name, holder.new_name);
  const refuse = (message: string, hint?: string): never => {
    throw heldName("already_renamed", `${object} ${message}`, holder!, hint);
  };
  if (holder?.status === "pending") {
    refuse(`is proposed to become ${newName}, by ${holder.requested_by}.`);
  }
  if (holder?.table_gone) throw heldByRecord("already_renamed", object, holder);
  if (holder && (present === null || present.oid === holder.view_oid)) {
    refuse(
      `is already renamed to ${newName}.`,
      "Roll that migration back to undo it, or rename the table under its present name.",
    );
  }
  if (name.schema_oid === null || present === null) throw tableNotFound(name);
  const relation = relations.get(present.oid);
  refuseRelation(object, present.kind, relation);
  if (!name.can_create) {
    throw new Problem(
      "forbidden",
      `This role may not create relations in the schema ${ident(schema)}, which a rename needs.`,
      { hint: `As the schema's owner: grant create on schema ${ident(schema)} to it.` },
    );
  }
  if (holder) refuse(`is held by an active migration: the table that had it is now ${newName}.`);
  return relation!;
}

function requireFree(
  { schema, name, relation, type }: NameFacts,
  relations: Map<number, RelationFacts>,
  tracked: NameHolder[],
): void {
  const object = qualified(schema, name);
  const holder = tracked.find((migration) =>
    migration.schema_name === schema &&
    (migration.new_name === name || migration.view_oid === relation?.oid)
  );
  if (relation !== null || type !== null) {
    const view = relation !== null && holder?.view_oid === relation.oid ? holder : undefined;
    const kind = view !== undefined
      ? `the compatibility view of ${qualified(view.schema_name, view.new_name)}`
      : relation !== null
      ? RELATION_KINDS[relation.kind].what
      : typeKind(type!.kind);
    const owner = relation && relations.get(relation.oid)?.owner;
    throw new Problem("name_taken", `${object} is taken by ${kind}.`, {
      hint: view !== undefined
        ? "To give the table this name back, roll its migration back."
        : "Choose another name, or rename what has it.",
      fields: {
        taken_by: { schema, name, kind, ...(owner ? { owner } : {}) },
        ...(view !== undefined && fieldsOf(view)),
      },
    });
  }
  if (holder?.new_name !== name) return;
  if (holder.table_gone) throw heldByRecord("name_taken", object, holder);
  const table = qualified(holder.schema_name, holder.old_name);
  throw heldName(
    "name_taken",
    holder.status === "pending"
      ? `${object} is held by a proposal of ${holder.requested_by} to rename ${table}.`
      : `${object} is held by an active migration of ${table}.`,
    holder,
  );
}

const heldName = (
  code: "already_renamed" | "name_taken",
  message: string,
  holder: NameHolder,
  hint = howToFree(holder),
): Problem => new Problem(code, message, { hint, fields: fieldsOf(holder) });

/** The problem that only a record holds a name, since the table that was renamed is gone. */
function heldByRecord(
  code: "already_renamed" | "name_taken",
  object: string,
  holder: NameHolder,
): Problem {
  const { id, schema_name, old_name, new_name } = holder;
  const table = qualified(schema_name, old_name);
  return heldName(
    code,
    `${object} is held by the record of an active migration of ${table} to ${
      ident(new_name)
    }, a table that is gone.`,
    holder,
    `Close the record: roll back {"migration_id": "${id}", "acknowledge": ["table_missing"]}.`,
  );
}

const howToFree = ({ status, batch_id }: NameHolder) =>
  status === "pending"
    ? `Apply that proposal (rename with "batch_id": "${batch_id}") or withdraw it (rollback with the same) first.`
    : "Roll back or finalize that migration first.";

const fieldsOf = (
  { id, status, batch_id, requested_by, schema_name, old_name, new_name, table_gone }: NameHolder,
) => ({
  migration_id: id,
  renamed: { schema: schema_name, old_name, new_name, table_gone },
  migration_status: status,
  batch_id,
  requested_by,
});
