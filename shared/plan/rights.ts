/** Rights: who may do what, whoever granted it and in how many entries. */
import type { AclFacts, RelationFacts } from "./facts.ts";

/** One right: on the relation, or on one of its columns. */
export interface Right {
  /** Null: the relation as a whole. */
  column: string | null;
  privilege: string;
  /** Null: PUBLIC. */
  grantee: string | null;
  grantable: boolean;
}

/** The rights that a relation's ACLs give, each once. */
export function rightsOf({ acl, columns }: Pick<RelationFacts, "acl" | "columns">): Right[] {
  const rights = new Map<string, Right>();
  const add = (column: string | null, { privilege, grantee, grantable }: AclFacts) => {
    const key = JSON.stringify([column, privilege, grantee]);
    const earlier = rights.get(key);
    rights.set(key, { column, privilege, grantee, grantable: grantable || !!earlier?.grantable });
  };
  for (const entry of acl) add(null, entry);
  for (const column of columns) for (const entry of column.acl) add(column.name, entry);
  return [...rights.values()];
}

/** The rights in `some` that are not in `others`, or there without their grant option. */
export function rightsBeyond(some: Right[], others: Right[]): Right[] {
  return some.filter((right) =>
    !others.some((other) =>
      other.column === right.column && other.privilege === right.privilege &&
      other.grantee === right.grantee && (other.grantable || !right.grantable)
    )
  );
}

/** `SELECT (name) to anon with grant option`. */
export const describeRight = ({ column, privilege, grantee, grantable }: Right): string =>
  `${privilege}${column === null ? "" : ` (${column})`} to ${grantee ?? "PUBLIC"}` +
  (grantable ? " with grant option" : "");
