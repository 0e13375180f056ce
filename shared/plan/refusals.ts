/** What is refused whatever the plan would be, and why. */
import { isProtectedSchema, isTrackingTable } from "../contract/names.ts";
import { Problem } from "../contract/problems.ts";
import type { Rename } from "../contract/requests.ts";
import type { Facts, NameFacts, RelationFacts } from "../facts/facts.ts";
import type { NameHolder } from "../facts/migration.ts";
import { RELATION_KINDS, type RelationKind, typeKind } from "../facts/relation_kinds.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { schemaInName } from "../sql/schema_in_name.ts";

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
 * The problem that a relation belongs to a role that the session's role cannot act for. The hint has a way without a
 * grant, since the owner may be a role that cannot be granted: since PostgreSQL 16 that needs its ADMIN option, which
 * `postgres` of a Supabase project does not have on itself.
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

/** A refusal, and the field of the request that it is about. */
export interface Refusal {
  index: number;
  field: "schema" | "old_name" | "new_name";
  problem: Problem;
}

/** A table that can be renamed as requested. */
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
    const refuse = (field: Refusal["field"], problem: Problem | null) => {
      if (problem !== null) refusals.push({ index, field, problem });
      return problem !== null;
    };
    if (refuse("schema", schemaOffLimits(rename))) return;
    for (const field of ["old_name", "new_name"] as const) {
      if (refuse(field, nameOffLimits(rename.schema, rename[field]))) return;
    }
    const old = names.get(nameKey(rename.schema, rename.old_name))!;
    const wanted = names.get(nameKey(rename.schema, rename.new_name))!;
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

/** Whether a rename is refused whatever is in the database: its schema or a name is protected. */
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

const nameKey = (schema: string, name: string) => JSON.stringify([schema, name]);

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
      { hint: howToFree(holder), fields: fieldsOf(holder) },
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
        hint: howToFree(earlier),
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
        : "Choose another name, or rename what has it.",
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
      { hint: howToFree(holder), fields: fieldsOf(holder) },
    );
  }
}

/** The problem that only a record holds a name, since the table that was renamed is gone. */
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
const howToFree = ({ status, batch_id }: NameHolder) =>
  status === "pending"
    ? `Apply that proposal (rename with "batch_id": "${batch_id}") or withdraw it (rollback with the same) first.`
    : "Roll back or finalize that migration first.";

const fieldsOf = ({ id, status, batch_id, requested_by }: NameHolder) => ({
  migration_id: id,
  migration_status: status,
  batch_id,
  requested_by,
});
