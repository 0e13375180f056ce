/**
 * What is built on a compatibility view, as facts: every object that depends on the view, on its row type,
 * or on an object that will have to be made again, with all that is needed to make it depend on the table.
 */
import type { AclEntry } from "./privileges.ts";
import type { RelationKind } from "./relation_kinds.ts";

export interface BuiltOnFacts {
  /** Without our own cast from the view's row type and its function. */
  objects: BuiltObject[];
  /** The view, and what will be made again with a new OID: what must not have anything else on it. */
  sources: CatalogAddress[];
  /** The row type of the table behind the view, as the server prints it. */
  table_type: string | null;
  /** Digest of the view itself and of every dependency on a source: it is another one as soon as anybody adds one. */
  digest: string;
}

interface CatalogAddress {
  catalog: string;
  oid: number;
}

/** An object of any kind that is built on the view, directly or on something that is made again. */
export interface BuiltObject extends CatalogAddress {
  /** Column number, where a relation's column depends on the view; 0 otherwise. */
  number: number;
  /** `view`, `function`, `policy` and so on, and the name, as `pg_identify_object` has them. */
  kind: string;
  identity: string;
  /** `pg_class.relkind` of a relation, `pg_proc.prokind` of a routine; null for others. */
  subkind: string | null;
  schema: string | null;
  name: string | null;
  host: HostRelation | null;
  /** Owner of the object, or of the relation it is on; null where there is none. */
  owner: string | null;
  /** Whether the session's role has the owner's privileges, may become the owner, and creates in the schema. */
  owned: boolean;
  owner_settable: boolean;
  owner_can_create: boolean;
  can_create: boolean;
  temporary: boolean;
  extension: string | null;
  /** Whether it cannot keep its OID: materialized views, and routines with such a row type in the signature. */
  recreated: boolean;
  /** What its definition refers to: relations, by column or as a whole, their row types, and routines. */
  uses: UsedObject[];
  /** Whether it uses whole rows of the view, so that the number and order of the columns matter. */
  whole_rows: boolean;
  closed_schemas: string[];
  /** The object's definition as the server prints it; null for kinds that cannot follow. */
  definition: Definition | null;
  definition_digest: string | null;
  /** Digest of the definition without parentheses, blanks, and casts to the table's row type. */
  skeleton_digest: string | null;
  /** What else must be the same afterwards; null for kinds that cannot follow. */
  kept: KeptState | null;
  kept_digest: string | null;
  acl: AclEntry[];
  column_acls: { name: string; acl: AclEntry[] }[];
  /** Roles that default privileges would give something on a new object of this kind here. */
  default_grantees: string[];
  /** Code of others that would run with the session's rights if the object were made again. */
  lent: { object: string; owner: string }[];
  routine: RoutineTraits | null;
  /** Of a materialized view: itself and the relations that it reads, in pages of 8 kB. */
  sizes: { name: string; pages: number }[];
  /** Security labels, and extensions that it depends on: not carried to an object that is made again. */
  labels: number;
  extension_dependencies: number;
}

interface HostRelation {
  oid: number;
  schema: string;
  name: string;
  kind: RelationKind;
  owner: string;
  /** Whether other tables inherit from it, partitions among them. */
  has_children: boolean;
  /** Size in pages of 8 kB; 0 where it has no storage. */
  pages: number;
}

interface UsedObject {
  /** OID of the relation, or of the one whose row type is used. */
  relation: number | null;
  /** Null: the relation as a whole. */
  column: string | null;
  row_type: boolean;
  routine: number | null;
}

/** With exactly the members that the object's kind has, like `KeptState`. */
export interface Definition {
  query?: string;
  /** A whole statement: of a routine or a rule; of a constraint, its clause. */
  text?: string;
  qual?: string | null;
  check?: string | null;
  expression?: string;
}

export interface KeptState {
  name?: string;
  owner?: string;
  comment?: string | null;
  acl?: string[];
  options?: string[];
  columns?: KeptColumn[];
  /** Of a materialized view. */
  storage?: KeptStorage | null;
  roles?: string[];
  enabled?: string;
  column?: string;
  generated?: string;
  /** Of a check constraint. */
  validated?: boolean;
  local?: boolean;
  inherited?: number;
}

export interface KeptColumn {
  name: string;
  comment: string | null;
  acl: string[] | null;
  statistics: number | null;
  options: string[] | null;
  /** `pg_attribute.attstorage` and `attcompression`; null where they are the type's own. */
  storage: string | null;
  compression: string | null;
}

interface KeptStorage {
  populated: boolean;
  access_method: string;
  tablespace: string | null;
  toast_options: string[] | null;
  /** `pg_class.relreplident`; never an index, since a materialized view's columns can be NULL. */
  replica_identity: string;
  indexes: KeptIndex[];
}

export interface KeptIndex {
  name: string;
  definition: string;
  tablespace: string | null;
  comment: string | null;
  clustered: boolean;
  valid: boolean;
  statistics: [number: number, target: number][] | null;
}

interface RoutineTraits {
  /** Qualified, quoted and with its arguments, as DDL names it. */
  signature: string;
  /** Qualified, quoted and with the types of its parameters, as `regprocedure` reads it. */
  procedure: string;
  /** Whether the session's role may write such a routine: its language, and what only superusers may say. */
  definable: boolean;
  /** A routine that would have the same name and parameters once the view's row type is the table's. */
  same_on_table: string | null;
}
