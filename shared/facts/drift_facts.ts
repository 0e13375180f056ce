/** What drift is told from: of a relation's facts, those that have a part in it. */
import type { AclEntry } from "./privileges.ts";
import type {
  ColumnFacts,
  DependantFacts,
  NameFacts,
  RelationFacts,
  RowTypeFacts,
} from "./facts.ts";

/** Where a relation is, and what it reads if it is a view. */
export type LocatedRelation = Pick<
  RelationFacts,
  "oid" | "schema" | "name" | "kind" | "view_reads"
>;

/** One entry of an ACL, whoever granted it. */
export type GrantedRight = Pick<AclEntry, "privilege" | "grantee" | "grantable">;

export interface DriftColumn extends
  Pick<
    ColumnFacts,
    | "name"
    | "type"
    | "collation"
    | "identity"
    | "generated"
    | "default"
    | "identity_sequence"
    | "partial_readers"
  > {
  acl: GrantedRight[];
}

export interface DriftRelation
  extends LocatedRelation, Pick<RelationFacts, "owner" | "row_security" | "options"> {
  acl: GrantedRight[];
  columns: DriftColumn[];
  dependants: Pick<DependantFacts, "kind" | "identity">[];
  row_type: Pick<RowTypeFacts, "users" | "casts">;
}

export interface DriftFacts<Relation extends LocatedRelation = DriftRelation> {
  names: NameFacts[];
  relations: Relation[];
}
