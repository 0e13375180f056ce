/**
 * Findings: all codes, as they occur in a plan's `findings`, in a migration's `drift`, and in a problem's `findings`
 * and `differences`. Codes are stable. A breaking finding stops an apply unless the caller acknowledges its code.
 */

/** What each code means; `README.md` in this folder is made from it. */
export const FINDINGS = {
  // Of a rename, about objects.
  name_needs_quotes: "The new name has to be quoted wherever it is used",
  realtime_publication: "Realtime subscriptions to the old name receive nothing",
  publication_name_change: "Logical replication carries the changes under the new name",
  column_grants: "A role may read only some columns of the table",
  row_type_functions: "Functions, columns or casts depend on the table's row type",
  webhook_payload: "Database webhooks send the table's name, which changes",
  computed_relationships:
    "The Data API finds functions that embed rows by the name of the row type",
  ambiguous_many_to_many:
    "The Data API embeds other tables through it, and through the view as well",
  ambiguous_self_reference:
    "The Data API embeds its rows in each other by a column of a foreign key",
  media_type_handlers: "Aggregates over its rows make media types of the Data API",
  partition_exposed: "The table is a partition, and the Data API lists its view",
  identity_default_missing: "An identity column has no default under the old name",
  foreign_table_users: "Foreign tables of this database refer to the table",
  names_in_rows: "An extension stores the table's name in its rows",
  graphql: "Types and fields of pg_graphql are named after the table",
  subscription_target: "A subscription writes into the table, which it finds by name",
  event_trigger: "An event trigger runs for the commands of the plan",
  schema_tool_seen: "A tool that reads or compares schemas has been used with the database",
  view_owner: "The view cannot have the table's owner",
  grantor_replaced: "The view's owner grants privileges on it in place of their grantor",
  no_columns: "Nothing can be inserted through a view without columns",
  routine_kept_compiled:
    "A PL/pgSQL routine of another owner keeps its compiled plans in open sessions",
  index_name_taken: "An index keeps its name, since the new one is taken",
  index_not_owned: "An index keeps its name, since it belongs to another role",
  // Of a rename, about texts that name the table.
  on_conflict_on_constraint: "ON CONFLICT ON CONSTRAINT, which a view does not have",
  merge: "MERGE INTO, which accepts no view before PostgreSQL 17",
  truncate: "TRUNCATE, which accepts no view",
  copy: "COPY, which accepts no view",
  system_columns: "System columns, which a view does not have",
  group_by_primary_key: "GROUP BY of the primary key alone, which a view does not have",
  tablesample: "TABLESAMPLE, which accepts no view",
  where_current_of: "WHERE CURRENT OF, which accepts no view",
  set_default: "An identity or generated column is set to DEFAULT",
  disable_trigger: "Triggers of the table are enabled or disabled under the old name",
  ddl_on_old_name: "The table's definition is changed or referred to under the old name",
  tg_table_name: "A trigger function reads TG_TABLE_NAME, which changes",
  old_name_gone: "The old name is used, and there will be no compatibility view",
  only: "ONLY, which a view ignores",
  relation_size: "The size of the table is queried under the old name, and is 0",
  serial_sequence_lookup: "pg_get_serial_sequence with the old name, which is NULL",
  catalog_lookup: "Catalogs are queried for the old name, and show the view",
  name_as_argument: "The table's name is passed to a routine that makes SQL from its arguments",
  maintenance_skipped: "VACUUM and ANALYZE skip a view",
  ddl_on_view_only: "DDL under the old name that changes only the view",
  create_table_like: "LIKE the old name, which has no constraints or indexes to copy",
  privileges_on_old_name: "GRANT or REVOKE under the old name, which only affects the view",
  cron_mentions: "A scheduled job names the table",
  unparsed_text: "A text that may name the table could not be parsed",
  statements_not_read: "Not all recorded statements that may be relevant were read",
  // Of rollback, finalize and refresh.
  view_grants_changed: "Privileges that were changed on the view only would be lost with it",
  view_grants_carried: "Privileges that were changed on the view only are changed on the table",
  view_changed: "The view itself was changed, which would be lost with it",
  table_changed_since: "The table was changed since the rename; the change is kept",
  dependants_repointed: "Objects that depend on the view depend on the table afterwards",
  materialized_view_rebuilt: "A materialized view is refreshed while clients wait",
  constraint_checked_again: "A check constraint validates its table again while clients wait",
  reads_as_owner: "A view or rule reads the table with its owner's rights afterwards",
  calls_interrupted: "Calls of some functions fail once, while the locks are held",
  index_renamed_since: "An index was renamed since then, and keeps its name",
  old_name_in_use: "The old name is in use",
  not_quiet_long_enough: "The old name was not unused for as many days as required",
  old_name_use_unknown: "Whether the old name is used is unknown",
  old_name_in_code: "Source code was reported to use the old name",
  old_name_mentioned: "A text may name the old name",
  text_not_rewritten: "A routine or cron job keeps the old name, and a person has to change it",
  new_name_mentioned: "A text uses the new name, which does not exist after a rollback",
  // Of any change, about the migration history.
  history_not_recorded: "The change is made, but not recorded in the migration history",
  untrusted_object:
    "An object has the name of an extension's or the platform's table, but is not that table",
  history_incomplete: "The rename is not in the migration history, and neither is this change",
  // Of drift: database and record disagree, or view and table.
  copied_database: "The record is from another database, and table and view have other OIDs here",
  table_missing: "The table is missing",
  table_renamed: "The table has another name than recorded",
  later_migration: "A later rename of the table comes first",
  view_missing: "The compatibility view is missing",
  view_renamed: "The compatibility view has another name",
  view_replaced: "Another object than the recorded view has the old name",
  old_name_taken: "Another object has the old name",
  row_security_bypassed: "The view shows every row of a table with row-level security",
  view_options_changed: "The view has other options than its table needs",
  view_owner_changed: "View and table have different owners",
  row_cast_missing: "Rows of the old name's type are not accepted as rows of the table",
  plain_view_changes_meaning: "A view on the old name would show other rows if it read the table",
  view_columns_differ: "The table's columns have changed since the view was made",
  view_defaults_differ: "The defaults of view and table differ",
  table_wider_than_view: "A privilege is granted on the table, but not on the view",
  view_wider_than_table: "A privilege is granted on the view, but not on the table",
} as const;

export type FindingCode = keyof typeof FINDINGS;

export const FINDING_CODES = Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]];

/** The remedy of a finding about which nobody has to do anything; people are not shown it. */
export const NOTHING_TO_DO = "Nothing to do.";
