/**
 * What a rename of each table of the corpus does, by reason: written down from what the schemas and the packages'
 * code say, and held against what happens and against what the findings say. Tables that are not listed have
 * nothing in the database that notices, and no findings.
 */
export interface Expected {
  /** Probes that fail, or lose something, under the old name; and why. */
  breaks?: Record<string, string>;
  /** Probes that work and answer something else; and why. */
  changes?: Record<string, string>;
  /** Codes of the findings; and why each is right. */
  findings?: Record<string, string>;
}

/** By `schema.name`. */
export const EXPECTED: Record<string, Expected> = {
  "public.documents": {
    breaks: {
      "a computed field that reads another table": "comment_count takes a row of documents",
      "a computed relationship": "author takes a row of documents",
      "a trigger that decides by the name documents": "write_summary has a CASE of the name",
    },
    changes: { "the name that an audit trigger writes down": "write_audit keeps TG_TABLE_NAME" },
    findings: {
      realtime_publication: "the table is in supabase_realtime",
      row_type_functions: "comment_count and author",
    },
  },
  "public.comments": {
    breaks: { "a computed relationship of the same name": "author takes a row of comments" },
    changes: {
      "the name that the audit of comments writes down": "write_audit keeps TG_TABLE_NAME",
      "what a webhook sends": "the webhook's payload names the table",
    },
    findings: {
      realtime_publication: "the table is in supabase_realtime",
      row_type_functions: "author",
    },
  },
  "public.profiles": {
    breaks: { "a computed field": "initials takes a row of profiles" },
    findings: { row_type_functions: "initials" },
  },
  "public.projects": {
    breaks: {
      "a trigger that decides by the name projects": "write_summary has a CASE of the name",
    },
  },
  "public.memberships": {
    breaks: { "an upsert that names a constraint": "set_role says ON CONFLICT ON CONSTRAINT" },
  },
  "public.api_keys": {
    breaks: { "columns that are granted one by one": "authenticated may not read secret_hash" },
    findings: {
      column_grants: "authenticated may not read secret_hash, and there is row security",
    },
  },
  "public.feature_flags": { breaks: { "a truncation": "clear_flags truncates the table" } },
  "telemetry.events": {
    breaks: { "a partition made by a function": "make_partition says PARTITION OF in dynamic SQL" },
    findings: { publication_name_change: "the publication warehouse has it" },
  },
  "telemetry.alerts": {
    findings: { publication_name_change: "the publication warehouse has it" },
  },
  "telemetry.devices": {
    breaks: { "a computed field of devices": "summary takes a row of devices" },
    findings: {
      row_type_functions: "summary",
      publication_name_change: "the publication warehouse has it",
    },
  },
  "telemetry.raw_ingest": {
    breaks: { "a truncation by a procedure": "reset_ingest truncates the table" },
  },
  "telemetry.sessions": {
    breaks: { "a sample taken by dynamic SQL": "sample says TABLESAMPLE in dynamic SQL" },
  },
  "Old Ledger.Accounts; --": {
    breaks: {
      "an update by xmin": "book compares xmin",
      "an upsert that names a quoted constraint": "set_balance says ON CONFLICT ON CONSTRAINT",
      "a whole row kept without a function that takes one":
        "a column of closed_accounts has the table's row type, which is no longer the old name's",
    },
  },
  "Old Ledger.Order Details": {
    breaks: {
      "a computed field by functional notation": "line_total takes a row of Order Details",
      "a whole row kept in another table":
        "a column of returned_items has the table's row type, which is no longer the old name's",
    },
    findings: { row_type_functions: "line_total" },
  },
  "Old Ledger.Orders": {
    breaks: { "a grouping by the primary key": "order_report groups by the primary key alone" },
  },
  "Old Ledger.customer": {
    breaks: { "a positioned update": "raise_credit says WHERE CURRENT OF" },
  },
  "Old Ledger.journal": {
    breaks: { "triggers disabled in between": "load_journal says ALTER TABLE" },
  },
  "Old Ledger.party": {
    breaks: {
      "a sequence looked up by its table": "next_party_no calls pg_get_serial_sequence: null",
      "a table without its children": "parties_only says ONLY, which a view ignores",
      "a computed field of a parent": "display_name takes a row of party",
    },
    findings: { row_type_functions: "display_name" },
  },
  "pgboss.job": {
    breaks: { "pg-boss creates a queue": "create_queue attaches a partition in dynamic SQL" },
  },
  "pgboss.queue": {
    breaks: { "pg-boss creates a queue": "create_queue makes a foreign key to it in dynamic SQL" },
  },
  // The partition of the queue "invoices".
  "pgboss.j602ccb0dff699bc4252c49bc0a3242521e0ffaf6054790e77c5fab63": {
    breaks: {
      "pg-boss deletes a queue":
        "delete_queue drops the table whose name a row of queue has; no text says it",
    },
  },
};

/** Probes whose failure no finding can foretell: the name is in a row, not in a text. */
export const UNSEEN = new Set(["pg-boss deletes a queue"]);

/** Breaking findings about what no statement in the database can show; other tests show them. */
export const SHOWN_ELSEWHERE = new Set(["realtime_publication"]);
