/** Relations that are not renamed, and why. */
import type { RelationKind } from "../facts/relation_kinds.ts";
import { Problem } from "../contract/problems.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { RELATION_KINDS } from "../facts/relation_kinds.ts";

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
 * The problem that a relation belongs to a role that the session's role cannot act for. The role itself may be
 * one that nobody can grant: since PostgreSQL 16 that takes its ADMIN option, which `postgres` of a Supabase
 * project does not have on itself.
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
