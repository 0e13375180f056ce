/** Relations that are not renamed, and why. */
import { Problem } from "../contract/problems.ts";
import type { RelationFacts, RelationKind } from "./facts.ts";
import { ident } from "./quoting.ts";
import { RELATION_KINDS } from "./relation_kinds.ts";

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
  if (relation && !relation.owned) {
    throw new Problem(
      "not_table_owner",
      `${object} belongs to the role ${ident(relation.owner)}.`,
      {
        hint: `Only its owner can rename it: grant ${ident(relation.owner)} to this role, ` +
          "or have the owner call.",
        fields: { owner: relation.owner },
      },
    );
  }
}
