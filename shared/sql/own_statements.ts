/** How our own statements are distinguished from applications' where the server records statements. */

/**
 * Begins our statements that name tables for other reasons than to use them: those of verify, and those that read the
 * catalog, where a short name can be an alias. The planner drops the unused common table expression; but
 * pg_stat_statements counts the statement separately from an application's, which a comment would not achieve.
 */
export const OWN_STATEMENT = 'with "table-rename" as (select)';

/** Ends each statement of a plan that is sent: repeated renames would look like an application that runs DDL. */
const OWN_MARK = "/* table-rename */";

export const markedAsOwn = (sql: string): string => `${sql} ${OWN_MARK}`;

/** Only our own statements contain these. */
export const MARKS_OF_OWN = [OWN_STATEMENT, OWN_MARK, "sys_table_migration"];

/** A statement of ours as people are shown it: on one line and without `OWN_STATEMENT`. */
export const shownStatement = (sql: string): string =>
  sql.replaceAll(`${OWN_STATEMENT} `, "").replaceAll("\n", " ");
