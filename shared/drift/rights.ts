/** Rights: who may do what, whoever granted it and in how many entries. */
import type { DriftRelation, GrantedRight } from "../facts/drift_facts.ts";

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
export function rightsOf(
  { acl, columns }: {
    acl: GrantedRight[];
    columns: Pick<DriftRelation["columns"][number], "name" | "acl">[];
  },
): Right[] {
  const rights = new Map<string, Right>();
  const add = (column: string | null, { privilege, grantee, grantable }: GrantedRight) => {
    const key = keyOf({ column, privilege, grantee });
    const earlier = rights.get(key);
    rights.set(key, { column, privilege, grantee, grantable: grantable || !!earlier?.grantable });
  };
  for (const entry of acl) add(null, entry);
  for (const column of columns) for (const entry of column.acl) add(column.name, entry);
  return [...rights.values()];
}

/** The rights in `some` that are not in `others`, or there without their grant option. */
export function rightsBeyond(some: Right[], others: Right[]): Right[] {
  const byKey = new Map(others.map((other) => [keyOf(other), other]));
  return some.filter((right) => {
    const other = byKey.get(keyOf(right));
    return other === undefined || (right.grantable && !other.grantable);
  });
}

const keyOf = ({ column, privilege, grantee }: Omit<Right, "grantable">): string =>
  JSON.stringify([column, privilege, grantee]);

/** `SELECT (name) to anon with grant option`. */
export const describeRight = ({ column, privilege, grantee, grantable }: Right): string =>
  `${privilege}${column === null ? "" : ` (${column})`} to ${grantee ?? "PUBLIC"}` +
  (grantable ? " with grant option" : "");
