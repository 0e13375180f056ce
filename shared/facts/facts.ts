/**
 * Facts: what the catalog says about the relations of one request, read once, as plain data. `catalog/` reads them,
 * the plans are made from them alone. `owned` says everywhere whether the session's role has the owner's privileges.
 */
import type { DatabaseAnalysis, RelationAnalysis } from "./analysis_facts.ts";
import type { RelationKind } from "./relation_kinds.ts";
import type { AclEntry, Grant } from "./privileges.ts";
import type { NameColumn, NamesInRows } from "./names_in_rows.ts";
import type { BuiltOnFacts } from "./built_on.ts";

export interface Facts extends DatabaseAnalysis {
  session: SessionFacts;
  names: NameFacts[];
  /** Relations found at names asked about, and by OID; each once. */
  relations: RelationFacts[];
  /** Texts that name one of the tables, as far as a quick look can tell; `findings/` reads them closely. */
  texts: TextFacts[];
  /** How many of the recorded statements that had to be read are among the texts. */
  statements_read: StatementsRead;
  /** Columns of extensions' tables that may hold names of tables; none without texts. */
  name_columns: NameColumn[];
  names_in_rows: NamesInRows;
  /** Relations of any schema with a name that texts are searched for; of very many, some. */
  same_named_relations: [schema: string, name: string][];
  /** Names of the user's routines that run SQL which they build, or take a regclass; none without texts. */
  dynamic_sql_routines: string[];
  /** Indexes of the relations and of their partitions, and those asked for by OID; none unless asked. */
  indexes: IndexFacts[];
  /** Relations in the indexes' schemas whose names the indexes could want. */
  relation_names: { schema: string; name: string }[];
  /** What has a name like those that new views have at first (`plan/view/interim_name.ts`), relations and types. */
  interim_taken: { schema: string; name: string }[];
}

export interface StatementsRead {
  read: number;
  /** Those that name a table and do what a view may not serve. */
  wanted: number;
}

export interface IndexFacts {
  oid: number;
  schema: string;
  name: string;
  kind: RelationKind;
  /** OIDs of the relations that it is on, itself or by a partition of theirs. */
  roots: number[];
  table: number;
  owned: boolean;
  /** Names of all constraints of its table, where it backs one of them, which is renamed with it; else none. */
  constraints: string[];
}

/** A text that the server keeps as text and reads anew each time: nothing in it follows a rename. */
export interface TextFacts {
  kind: "routine" | "cron job" | "statement";
  /** A routine as DDL names it, qualified and with its argument types; a job's name; a statement's query id. */
  identity: string;
  schema: string | null;
  /** `plpgsql`, `sql`, `plv8` and so on; `sql` for jobs and statements. */
  language: string;
  text: string;
  /** Set by the routine; null: the caller's. */
  search_path: string[] | null;
  owned: boolean;
  security_definer: boolean;
  parameters: string[];
  /** Whether a parameter is of the type record, which takes a row of any table. */
  record_parameters: boolean;
  /** OIDs of the relations that have a trigger which calls the routine. */
  trigger_of: number[];
  /** Of a statement: how often it ran, and as whom. */
  calls: number | null;
  role: string | null;
  /** Of a routine: `DependantFacts.identity`. */
  object_identity: string | null;
}

/** A routine as it is now, as far as it takes to replace its body. */
export interface RoutineDefinition {
  /** As `TextFacts.identity` has it. */
  identity: string;
  oid: number;
  body: string;
  /** CREATE OR REPLACE FUNCTION or PROCEDURE, as the server prints it, up to the body's quotes. */
  head: string;
  /** Digest of all that pg_proc says of it but the body. */
  digest: string;
  /** The extension that it belongs to, which brings its own versions; null for none. */
  extension: string | null;
  /** Only superusers can define such a function, even again. */
  leakproof: boolean;
  security_definer: boolean;
}

export interface SessionFacts {
  /** `server_version_num`, like 170010. */
  server_version: number;
  user: string;
  /** Whether the session's role may write functions in SQL. */
  sql_functions: boolean;
}

export interface NameFacts {
  schema: string;
  name: string;
  schema_oid: number | null;
  can_create: boolean;
  relation: { oid: number; kind: RelationKind } | null;
  /** A type of that name that is no relation's row type and does not move out of the way by itself. */
  type: { oid: number; kind: string } | null;
}

export interface RelationFacts extends RelationAnalysis {
  oid: number;
  schema: string;
  name: string;
  kind: RelationKind;
  persistence: "p" | "u" | "t";
  owner: string;
  owned: boolean;
  /** Whether the session's role may SET ROLE to the owner. */
  owner_settable: boolean;
  /** Whether the owner may create relations in the schema, as an owner of a view there must. */
  owner_can_create: boolean;
  extension: string | null;
  row_security: boolean;
  force_row_security: boolean;
  options: string[];
  replica_identity: string;
  access_method: string | null;
  tablespace: string | null;
  comment: string | null;
  partition_key: string | null;
  partition_bound: string | null;
  parents: string[];
  children: string[];
  columns: ColumnFacts[];
  acl: AclEntry[];
  /** Roles that default privileges would give something on a new relation of the session's role here. */
  default_grantees: string[];
  /** Roles that default privileges would give EXECUTE on a new function of the session's role here. */
  default_executors: string[];
  constraints: NamedDefinition[];
  indexes: NamedDefinition[];
  triggers: NamedDefinition[];
  policies: NamedDefinition[];
  rules: NamedDefinition[];
  statistics: NamedDefinition[];
  publications: NamedDefinition[];
  owned_sequences: NamedDefinition[];
  security_labels: NamedDefinition[];
  referencing: NamedDefinition[];
  /** Objects elsewhere that depend on the relation or its row type. */
  dependants: DependantFacts[];
  /** The view's query as the server prints it; null for tables. */
  view_definition: string | null;
  /**
   * Digest of the query as it is stored, by OID and column number: the same whatever the relations it reads
   * and their columns are called now. Null for tables.
   */
  view_query: string | null;
  /**
   * The same digest as earlier versions recorded it, to be compared with their records. Null for tables, and unless
   * what is built on views was asked for.
   */
  view_query_with_names: string | null;
  view_reads: number[];
  /** Name of the scan counter by which a view counts its use; it is not among what the view reads. */
  scan_counter: string | null;
  row_type: RowTypeFacts;
  /** What is built on a view, with all that repointing it takes; null where it was not asked for. */
  built_on: BuiltOnFacts | null;
}

/** What is compared of a relation before and after a change. */
export interface RelationState extends
  Pick<
    RelationFacts,
    | "oid"
    | "schema"
    | "name"
    | "kind"
    | "persistence"
    | "owner"
    | "row_security"
    | "force_row_security"
    | "options"
    | "replica_identity"
    | "access_method"
    | "tablespace"
    | "comment"
    | "partition_key"
    | "partition_bound"
    | "parents"
    | "children"
    | "constraints"
    | "indexes"
    | "triggers"
    | "policies"
    | "rules"
    | "statistics"
    | "publications"
    | "owned_sequences"
    | "security_labels"
    | "referencing"
    | "view_query"
  > {
  acl: Grant[];
  columns: ColumnState[];
}

export interface ColumnState extends
  Pick<
    ColumnFacts,
    | "name"
    | "type"
    | "collation"
    | "not_null"
    | "identity"
    | "generated"
    | "default"
    | "settings"
    | "comment"
  > {
  acl: Grant[];
}

export interface RowTypeFacts {
  /** Functions, operators, casts, columns and types that depend on the row type; our own casts left out. */
  users: RowTypeUser[];
  /** Functions that take rows of a table that this one inherits from or is a partition of. */
  inherited_functions: string[];
  casts: RowCastFacts[];
}

export interface RowTypeUser {
  kind: string;
  identity: string;
  /** A cast, or what shares its name with something that takes rows of any type. */
  ambiguous: boolean;
  /** Whether it may treat NULL otherwise than a row of NULLs. */
  tells_null: boolean;
}

export interface RowCastFacts {
  function: string;
  target: number;
  /** Whether the cast itself is there, not just its function. */
  cast: boolean;
  /** Roles that may execute the function by a grant, its owner and PUBLIC left out. */
  executors: string[];
}

export interface ColumnFacts {
  name: string;
  number: number;
  type: string;
  collation: string | null;
  not_null: boolean;
  /** `pg_attribute.attidentity`: always, by default, or empty. */
  identity: "" | "a" | "d";
  /** `pg_attribute.attgenerated`: stored, virtual (18), or empty. */
  generated: "" | "s" | "v";
  default: string | null;
  /** The sequence of a column that is generated by default as identity; null for any other. */
  identity_sequence: IdentitySequence | null;
  /** What else a column carries: storage, compression, statistics target, options. */
  settings: string;
  comment: string | null;
  acl: AclEntry[];
  /** Roles that may read this column but not every column of the relation. */
  partial_readers: string[];
}

interface IdentitySequence {
  quoted: string;
  /** The default by which a column takes its next number, as the server prints it. */
  next: string;
  /** Roles that may insert into the table and may not use the sequence. */
  without_usage: string[];
  /** Roles beside the owner that may do both. */
  with_usage: string[];
}

export interface NamedDefinition {
  name: string;
  definition: string;
}

export interface DependantFacts {
  /** `view`, `function`, `policy` and the like, as `pg_identify_object` names kinds. */
  kind: string;
  identity: string;
  on_row_type: boolean;
  /** Whether it is a function with a parameter of the row type or an array of it. */
  takes_row: boolean;
}

/** Where texts are kept beside routines, as far as the session's role can read it. */
export interface TextSources {
  /** Schema of the view pg_stat_statements; null where there is none to read. */
  statements: string | null;
  cron: boolean;
}
