/**
 * Findings: every code that one can have, in a plan's `findings`, in a migration's `drift`, and among a problem's
 * `findings` and `differences`. Codes are stable; a breaking one stops an apply unless the caller acknowledges
 * its code.
 */

/** What each code says; `README.md` in this folder is written from it. */
export const FINDINGS = {
  // Of a rename, about objects.
  name_needs_quotes: "The new name has to be written in quotes wherever it is used",
  realtime_publication: "Realtime subscriptions to the old name receive nothing",
  publication_name_change: "Logical replication carries the changes under the new name",
  column_grants: "A role may read only some columns of the table",
  row_type_functions: "Functions, columns or casts stand on the table's row type",
  webhook_payload: "Database webhooks send the table's name, which changes",
  computed_relationships: "The Data API finds functions that embed rows by the row type's name",
  ambiguous_many_to_many:
    "The Data API embeds other tables through it, and finds the view a second way",
  ambiguous_self_reference: "The Data API embeds its rows in one another by a foreign key's column",
  media_type_handlers: "Aggregates over its rows serve media types of the Data API",
  partition_exposed: "The table is a partition, and its view is listed by the Data API",
  identity_default_missing: "An identity column has no default under the old name",
  foreign_table_users: "Foreign tables of this database lead back to the table",
  names_in_rows: "An extension keeps the table's name in its rows",
  graphql: "Types and fields of pg_graphql are named after the table",
  subscription_target: "A subscription writes into the table, which it finds by its name",
  event_trigger: "An event trigger runs at the commands of the plan",
  schema_tool_seen: "A program that reads or compares schemas has been used with the database",
  view_owner: "The view cannot belong to the table's owner",
  grantor_replaced: "Privileges on the view are granted by its owner in the grantor's place",
  no_columns: "Nothing can be inserted through a view without columns",
  routine_kept_compiled: "A PL/pgSQL routine of another owner stays compiled in open sessions",
  index_name_taken: "An index keeps its name, since its new one is taken",
  index_not_owned: "An index keeps its name, since it belongs to another role",
  // Of a rename, about texts that name the table.
  on_conflict_on_constraint: "ON CONFLICT ON CONSTRAINT, which a view does not have",
  merge: "MERGE INTO, which takes no view before PostgreSQL 17",
  truncate: "TRUNCATE, which takes no view",
  copy: "COPY, which takes no view",
  system_columns: "System columns, which a view does not have",
  group_by_primary_key: "Grouping by the primary key alone, which a view does not have",
  tablesample: "TABLESAMPLE, which takes no view",
  where_current_of: "WHERE CURRENT OF, which takes no view",
  set_default: "An identity or generated column is set to DEFAULT",
  disable_trigger: "Triggers of the table are enabled or disabled by the old name",
  ddl_on_old_name: "The definition of the table is changed or referred to by the old name",
  tg_table_name: "A trigger function reads TG_TABLE_NAME, which changes",
  old_name_gone: "The old name is used, and no compatibility view is made",
  only: "ONLY, which a view ignores",
  relation_size: "The size of the table is asked for by the old name, and is 0",
  serial_sequence_lookup: "pg_get_serial_sequence with the old name, which is NULL",
  catalog_lookup: "Catalogs are asked about the old name, and show the view",
  name_as_argument: "The table's name is passed to a routine that makes SQL of what it is given",
  maintenance_skipped: "VACUUM and ANALYZE skip a view",
  ddl_on_view_only: "DDL by the old name that changes the view alone",
  create_table_like: "LIKE the old name, which has no constraints or indexes to copy",
  privileges_on_old_name: "GRANT or REVOKE by the old name, which is about the view alone",
  cron_mentions: "A scheduled job names the table",
  unparsed_text: "A text that may name the table cannot be read here",
  statements_not_read: "Not every recorded statement that may matter was read",
  // Of rollback, finalize and refresh.
  view_grants_changed: "Privileges changed on the view alone would be lost with it",
  view_grants_carried: "Privileges changed on the view alone are changed on the table",
  view_changed: "The view itself was changed, which would be lost with it",
  table_changed_since: "The table was changed since the rename, which is kept",
  dependants_repointed: "What is built on the view depends on the table afterwards",
  materialized_view_rebuilt: "A materialized view is filled again while clients wait",
  constraint_checked_again: "A check constraint reads its table again while clients wait",
  reads_as_owner: "A view or rule reads the table as its owner afterwards",
  calls_interrupted: "Calls of some functions fail once while the locks are held",
  index_renamed_since: "An index was renamed since, and keeps its name",
  old_name_in_use: "The old name is in use, or was not quiet for as many days as were asked for",
  old_name_mentioned: "A text may name the old name",
  new_name_mentioned: "A text uses the new name, which nothing has after a rollback",
  // Of any change, about the migration history.
  history_not_recorded: "The change is made, and is not in the migration history",
  untrusted_object:
    "Something has the name of an extension's or the platform's table, and is not that table",
  history_incomplete: "The rename is not in the migration history, nor what is done with it",
  // Of drift: database and record disagree, or view and table.
  copied_database: "The record is another database's, and table and view have other OIDs here",
  table_missing: "The table is gone",
  table_renamed: "The table has another name than the record says",
  later_migration: "A later rename of the table stands in the way",
  view_missing: "The compatibility view is gone",
  view_renamed: "The compatibility view has another name",
  view_replaced: "Something else than the view that was made has the old name",
  old_name_taken: "Something else has the old name",
  row_security_bypassed: "The view shows every row of a table with row-level security",
  view_options_changed: "The view has other options than its table asks for",
  view_owner_changed: "View and table belong to different roles",
  row_cast_missing: "Rows of the old name are not taken where rows of the table are",
  plain_view_changes_meaning: "A view on the old name would show other rows on the table",
  view_columns_differ: "The table's columns changed since the view was made",
  view_defaults_differ: "The defaults of view and table differ",
  table_wider_than_view: "Something is granted on the table and not on the view",
  view_wider_than_table: "Something is granted on the view and not on the table",
} as const;

export type FindingCode = keyof typeof FINDINGS;

export const FINDING_CODES = Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]];
