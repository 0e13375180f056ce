/** What the tracking tables say of a migration, as far as plans need it. */
import type { RelationFacts } from "./facts.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** An index that was renamed with its table, as it is kept with the migration. */
export interface RenamedIndex {
  oid: number;
  schema: string;
  from: string;
  to: string;
}

/** A text in which the new name has taken the old one's place, as it is kept with the migration. */
export interface RewrittenText {
  kind: "routine" | "cron job";
  /** As in `TextFacts`. */
  identity: string;
  before: string;
  after: string;
}

/** A tracked rename, as far as plans need it. */
export interface TrackedRename {
  id: string;
  schema_name: string;
  old_name: string;
  new_name: string;
  status: string;
  table_oid: number | null;
  view_oid: number | null;
  /** Whether nothing has its table's OID or new name any more. Default: not known. */
  table_gone?: boolean;
}

/** An unfinished migration that holds names, with its owner. */
export interface NameHolder extends TrackedRename {
  batch_id: string;
  requested_by: string;
}

/** A tracked rename with what was kept of the states around it. */
export interface RecordedRename extends TrackedRename {
  compatibility_view_created: boolean;
  fingerprint: RecordedFingerprints;
  indexes: RenamedIndex[];
  /** In the order in which they were changed. Default: none. */
  texts?: RewrittenText[];
  /** Whether the rename is in the migration history. Default: it is not. */
  in_history?: boolean;
  /** The table's name when the record was read, if it was in its schema then. */
  present_name?: string | null;
  /** Whether the recorded view had the old name when the record was read. */
  view_in_place?: boolean;
  /**
   * Where the record is another database's: `found`, table and view were found by their names, and their OIDs are
   * those of this database; `offered`, something has their names, and the caller has to say that it is meant;
   * `gone`, there is nothing that could be meant. Default: it fits, or differs otherwise.
   */
  elsewhere?: "found" | "offered" | "gone";
}

/** The table before the rename; table and view after it, null where they could not be read then. */
interface RecordedFingerprints {
  before: Fingerprint;
  after: Fingerprint | null;
  view: Fingerprint | null;
  /** Columns that the view leaves out on purpose. */
  without_columns: string[];
}

/** A table and its view, with the names that they have when it is their turn in the batch. */
export interface LocatedMigration {
  migration: RecordedRename;
  table: RelationFacts;
  /** Null where there is none: made without, or gone and acknowledged. */
  view: RelationFacts | null;
}
