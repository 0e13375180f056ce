/** What is read from the server, and what was kept, to tell whether an old name is still used. */

/** Whether pg_stat_statements can be read, and where it is. */
export type StatementStatistics =
  | { state: "missing"; schema: null }
  | { state: "not loaded" | "not readable" | "outdated" | "readable"; schema: string };

/** One look at everything that could name an old name, for any number of migrations. */
export interface UsageFacts {
  at: string;
  server_version: number;
  statements: StatementFacts | null;
  /** Relations of any schema that have one of the old names. */
  same_named_relations: { schema: string; name: string }[];
  /** Sessions that hold or await a lock on a compatibility view at this moment. */
  sessions: { relation: number; role: string | null; sessions: number }[];
  /** Scans of the scan counters of views that count their use, by the view's OID. */
  reads: { relation: number; scans: number }[];
  /** When the database's counts of scans were reset. */
  scans_reset: string | null;
}

export interface StatementFacts extends Losses {
  /** `pg_stat_statements.track`, `.track_utility` and `compute_query_id` as they hold for us. */
  track: string;
  track_utility: string;
  compute_query_id: string;
  /** Roles and databases that have settings of their own for these. */
  overrides: { role: string | null; setting: string }[];
  hidden: number;
  /** Statements whose text the extension has lost. */
  textless: number;
  /** Statements that may name a wanted name and are too long to be read. */
  unread: number;
  entries: StatementEntry[];
}

/** How often statistics were lost: equal values mean that nothing was in between. */
export interface Losses {
  /** When all were reset, or the server began without them. */
  stats_reset: string | null;
  dealloc: number;
}

export interface StatementEntry {
  /** Query id, role and level: what calls are counted by. */
  key: string;
  role: string;
  /** Whether a client sent it, rather than a function that a client called. */
  toplevel: boolean;
  calls: number;
  text: string;
}

/** The statements that may have named the old name when its table was renamed. */
export interface Snapshot extends Losses {
  entries: Record<string, number>;
  /** Some of them were evicted before the rename was done: that they are gone says nothing. */
  incomplete?: boolean;
  /** Taken later than the rename: calls before and after it look the same. */
  late?: boolean;
}

/** What the last look found, so that the next one can tell what is new. */
export interface Sample {
  /** Calls of every statement that uses the old name, or may, by key; null where none could be read. */
  statements: (Losses & { entries: Record<string, number> }) | null;
  /** What the view itself has counted; null where it does not count, or was not there. */
  reads: { scans: number; reset: string | null; total: number } | null;
  /** All calls through the old name since the rename that were ever seen. */
  calls: number;
  /** The same by day (UTC) of the sample that saw them; not there in samples of earlier versions. */
  days?: Record<string, number>;
  roles: Record<string, number>;
  examples: UsageExample[];
  /** When calls that may be through the old name had grown last. */
  last_unclear_at: string | null;
  lost: UsageReason[];
}

export interface UsageExample {
  statement: string;
  role: string;
  calls: number;
}

export interface UsageReason {
  code: string;
  message: string;
}

/** What is kept of a migration's usage; the times are those of the server's clock. */
export interface UsageRecord {
  migration_id: string;
  snapshot_at: string | null;
  snapshot: Snapshot | null;
  observed_since: string | null;
  sampled_at: string | null;
  sample: Sample | null;
  last_used_at: string | null;
}

/** An active migration, as far as its usage is concerned. */
export interface UsedMigration {
  id: string;
  schema_name: string;
  old_name: string;
  new_name: string;
  migrated_at?: string | null;
  view_oid: number | null;
  compatibility_view_created: boolean;
}
