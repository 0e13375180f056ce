/**
 * What a rename of each table of the corpus does, by reason: written down from what the schemas and the packages'
 * code say, and held against what happens and against what the findings say. Tables that are not listed have
 * nothing in the database that notices, and no findings.
 */
export interface Expected {
  /**
   * Probes that fail, or lose something, under the old name; and why. A reason begins with the name of what
   * breaks, which a breaking finding has to name.
   */
  breaks?: Record<string, string>;
  /** Probes that work and answer something else; and why, as above, which a warning has to name. */
  changes?: Record<string, string>;
  /** Codes of the findings; and why each is right. */
  findings?: Record<string, string>;
}

/** The partition of the queue "invoices". */
const PARTITION = "j602ccb0dff699bc4252c49bc0a3242521e0ffaf6054790e77c5fab63";

/** By `schema.name`. */
export const EXPECTED: Record<string, Expected> = {
  "public.documents": {
    breaks: {
      "a trigger that decides by the name documents": "write_summary has a CASE of the name",
    },
    changes: { "the name that an audit trigger writes down": "write_audit keeps TG_TABLE_NAME" },
    findings: {
      realtime_publication: "the table is in supabase_realtime",
      row_type_functions: "comment_count and author take a row, search_documents returns some",
      computed_relationships: "author(documents) is embedded by the Data API",
      tg_table_name: "write_audit and write_summary are called by its triggers",
    },
  },
  "public.comments": {
    changes: {
      "the name that the audit of comments writes down": "write_audit keeps TG_TABLE_NAME",
      "what a webhook sends": "comments_webhook sends a payload that names the table",
    },
    findings: {
      realtime_publication: "the table is in supabase_realtime",
      row_type_functions: "author takes a row",
      computed_relationships: "author(comments) is embedded by the Data API",
      ambiguous_self_reference: "parent_id refers to comments",
      tg_table_name: "write_audit is called by its trigger",
      webhook_payload: "comments_webhook",
    },
  },
  "public.profiles": {
    findings: { row_type_functions: "initials takes a row, author returns some" },
  },
  "public.organizations": { findings: { row_type_functions: "create_organization returns a row" } },
  "public.projects": {
    breaks: {
      "a trigger that decides by the name projects": "write_summary has a CASE of the name",
    },
    findings: { tg_table_name: "write_summary is called by its trigger" },
  },
  "public.memberships": {
    breaks: { "an upsert that names a constraint": "set_role says ON CONFLICT ON CONSTRAINT" },
    findings: { on_conflict_on_constraint: "set_role" },
  },
  "public.api_keys": {
    breaks: { "columns that are granted one by one": "authenticated may not read secret_hash" },
    findings: {
      column_grants: "authenticated may not read secret_hash, and there is row security",
    },
  },
  "public.feature_flags": {
    breaks: { "a truncation": "clear_flags truncates the table" },
    findings: { truncate: "clear_flags" },
  },
  "public.audit_log": { findings: { cron_mentions: "the job forget" } },
  "telemetry.events": {
    breaks: { "a partition made by a function": "make_partition says PARTITION OF in dynamic SQL" },
    findings: {
      publication_name_change: "the publication warehouse has it",
      row_type_functions: "last_event returns a row",
      ddl_on_old_name: "make_partition",
    },
  },
  "telemetry.events_2026_01": {
    findings: { partition_exposed: "the Data API lists the view of a partition" },
  },
  "telemetry.events_2026_02": {
    findings: { partition_exposed: "the Data API lists the view of a partition" },
  },
  "telemetry.events_2026_02_even": {
    findings: { partition_exposed: "the Data API lists the view of a partition" },
  },
  "telemetry.events_2026_02_odd": {
    findings: { partition_exposed: "the Data API lists the view of a partition" },
  },
  "telemetry.events_rest": {
    findings: { partition_exposed: "the Data API lists the view of a partition" },
  },
  "telemetry.alerts": {
    findings: { publication_name_change: "the publication warehouse has it" },
  },
  "telemetry.devices": {
    findings: {
      row_type_functions: "summary takes a row",
      publication_name_change: "the publication warehouse has it",
    },
  },
  "telemetry.raw_ingest": {
    breaks: {
      "a truncation by a procedure": "reset_ingest truncates the table",
      "a scheduled command that truncates": "inbox is emptied by the job with TRUNCATE",
    },
    findings: {
      truncate: "reset_ingest, and the job",
      cron_mentions: "the job that empties the inbox",
    },
  },
  "telemetry.sessions": {
    breaks: { "a sample taken by dynamic SQL": "sample says TABLESAMPLE in dynamic SQL" },
    findings: { tablesample: "sample" },
  },
  "Old Ledger.Accounts; --": {
    breaks: {
      "an update by xmin": "book compares xmin",
      "an upsert that names a quoted constraint": "set_balance says ON CONFLICT ON CONSTRAINT",
    },
    findings: {
      system_columns: "book",
      on_conflict_on_constraint: "set_balance",
      row_type_functions: "a column of closed_accounts has the row type",
    },
  },
  "Old Ledger.Order Details": {
    findings: { row_type_functions: "line_total takes a row, columns of returned_items are rows" },
  },
  "Old Ledger.Orders": {
    breaks: { "a grouping by the primary key": "order_report groups by the primary key alone" },
    findings: {
      group_by_primary_key: "order_report",
      row_type_functions: "first_order returns a row",
    },
  },
  "Old Ledger.customer": {
    breaks: {
      "a positioned update": "raise_credit says WHERE CURRENT OF",
      "a parent's computed field for customers":
        "display_name takes rows of party, of which a view is no child",
    },
    findings: {
      where_current_of: "raise_credit",
      row_type_functions: "display_name takes rows of the parent",
    },
  },
  "Old Ledger.supplier": {
    breaks: {
      "a parent's computed field for suppliers":
        "display_name takes rows of party, of which a view is no child",
    },
    findings: { row_type_functions: "display_name takes rows of the parent" },
  },
  "Old Ledger.journal": {
    breaks: { "triggers disabled in between": "load_journal says ALTER TABLE … DISABLE TRIGGER" },
    findings: { disable_trigger: "load_journal" },
  },
  "Old Ledger.party": {
    changes: {
      "a sequence looked up by its table": "next_party_no calls pg_get_serial_sequence: null",
      "a table without its children": "parties_only says ONLY, which a view ignores",
    },
    findings: {
      row_type_functions: "display_name takes a row",
      serial_sequence_lookup: "next_party_no",
      only: "parties_only",
    },
  },
  "graphile_worker._private_jobs": {
    findings: { row_type_functions: "add_job, remove_job and others return rows" },
  },
  "pgboss.job": {
    breaks: { "pg-boss creates a queue": "create_queue attaches a partition in dynamic SQL" },
    findings: {
      ddl_on_old_name: "create_queue",
      create_table_like: "create_queue makes the partition LIKE it",
    },
  },
  "pgboss.queue": {
    breaks: { "pg-boss creates a queue": "create_queue makes a foreign key to it in dynamic SQL" },
    findings: { ddl_on_old_name: "create_queue" },
  },
  [`pgboss.${PARTITION}`]: {
    breaks: {
      "pg-boss deletes a queue":
        "delete_queue drops the table that a row of queue names; no text does",
    },
  },
};

/** Probes whose failure no finding can foretell: the name is in a row, not in a text. */
export const UNSEEN = new Set(["pg-boss deletes a queue"]);

/**
 * Findings about what no probe shows: what reaches subscribers, what the Data API looks up by names before it
 * sends a statement, what a table that is made LIKE a view lacks. Tests of their own show them.
 */
export const SHOWN_ELSEWHERE = new Set([
  "ambiguous_self_reference",
  "partition_exposed",
  "realtime_publication",
  "computed_relationships",
  "publication_name_change",
  "create_table_like",
]);
