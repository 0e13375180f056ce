/** What drift is found by: the part of a relation's facts that views and tables are compared by. */
import type { Privilege } from "./privileges.ts";
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
  acl: Privilege[];
}

export interface DriftRelation
  extends LocatedRelation, Pick<RelationFacts, "owner" | "row_security" | "options"> {
  acl: Privilege[];
  columns: DriftColumn[];
  dependants: Pick<DependantFacts, "kind" | "identity">[];
  row_type: Pick<RowTypeFacts, "users" | "casts">;
}

export interface DriftFacts<Relation extends LocatedRelation = DriftRelation> {
  names: NameFacts[];
  relations: Relation[];
}
