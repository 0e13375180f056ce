/**
 * What only an analysis reads: who reaches a relation from elsewhere, what runs when it changes, and what the Data API
 * makes of it. Empty where no analysis is made.
 */

/** Of a relation. */
export interface RelationAnalysis {
  views: ReaderFacts[];
  trigger_functions: TriggerFunctionFacts[];
  computed_relationships: ComputedRelationshipFacts[];
  /** Foreign tables of this database that lead back to the relation by its name. */
  foreign_tables: ForeignTableFacts[];
  subscriptions: string[];
  self_references: string[];
  partition_access: PartitionAccessFacts[];
  media_handlers: { aggregate: string; media_type: string }[];
  /** Foreign keys to itself that the Data API embeds by their column. */
  self_embeddings: { constraint: string; column: string; references: string }[];
  /** Tables that the Data API embeds in one another through it. */
  join_table_pairs: JoinTablePair[];
}

/** Of the database. */
export interface DatabaseAnalysis {
  /** Those that are enabled. */
  event_triggers: EventTriggerFacts[];
  graphql: boolean;
  schema_tools: SchemaToolMark[];
}

interface ReaderFacts {
  kind: "view" | "materialized view";
  /** Qualified and quoted. */
  identity: string;
  oid: number;
  /** 1: it reads the relation itself; 2: it reads one that does; and so on. */
  depth: number;
}

interface TriggerFunctionFacts {
  trigger: string;
  /** Qualified and quoted. */
  function: string;
  schema: string;
  name: string;
  enabled: boolean;
  /** Whether one of the trigger's arguments is the relation's name. */
  names_table: boolean;
}

/** A function of one row of the relation that gives rows of a relation. */
export interface ComputedRelationshipFacts {
  function: string;
  schema: string;
  name: string;
  /** The relation whose rows it gives, qualified and quoted. */
  returns: string;
  set: boolean;
  /** How many rows it is said to give; 1 makes the embedded rows an object. */
  rows: number;
}

interface ForeignTableFacts {
  /** Qualified and quoted. */
  identity: string;
  server: string;
  roles: string[];
  updatable: boolean;
}

/** What a role of the Data API could do with a partition, if that were listed. */
interface PartitionAccessFacts {
  role: string;
  privileges: string[];
  row_security: boolean;
  /** Whether it can do more than through the partitioned table. */
  beyond: boolean;
}

/** Two tables of one schema, and all that leads from one to the other by the Data API's rules. */
export interface JoinTablePair {
  one: { oid: number; schema: string; table: string };
  other: { oid: number; schema: string; table: string };
  /** Whether a function takes the place of whatever leads from one to the other, and back. */
  overridden: [forth: boolean, back: boolean];
  direct_keys: number;
  /** Tables whose primary key holds foreign keys to both. */
  junctions: JunctionFacts[];
}

interface JunctionFacts {
  oid: number;
  /** Column numbers. */
  primary_key: number[];
  ways: number;
  /** Whether the Data API lists it, as it does not list partitions. */
  listed: boolean;
  /** Views that read it, at any depth, with their queries as they are stored. */
  readers: { oid: number; served: boolean; query: string }[];
}

export interface EventTriggerFacts {
  name: string;
  /** `ddl_command_start`, `ddl_command_end`, `sql_drop`, `table_rewrite` and so on. */
  event: string;
  /** Qualified and quoted. */
  function: string;
  schema: string;
  /** Commands at which it runs; null: all. */
  tags: string[] | null;
}

/** A trace that a program leaves in a database. */
interface SchemaToolMark {
  /** Its name in `findings/schema_tools.ts`. */
  mark: string;
  /** Where it is; null for what is in no schema. */
  schema: string | null;
  object: string;
}
