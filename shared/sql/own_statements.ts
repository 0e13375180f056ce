/** How our own statements are told from those of applications, where the server keeps texts of statements. */

/**
 * Begins every statement by which verify uses an old name, and those that read facts, in which a short name can be
 * an alias, so that whoever counts how often the name is used
 * can leave it out. A common table expression that nobody reads: the planner drops it, so the plan is the same;
 * but the server counts the statement apart from one of an application that is otherwise alike, which a comment
 * would not bring about (pg_stat_statements).
 */
export const OWN_STATEMENT = 'with "table-rename" as (select)';

/**
 * Ends every statement of a plan as it is sent. What a rename changes it changes anew each time it is made and
 * taken back; without the mark that would look like an application that runs the same definitions again and again.
 */
const OWN_MARK = "/* table-rename */";

/** A statement of a plan, marked as ours. */
export const markedAsOwn = (sql: string): string => `${sql} ${OWN_MARK}`;

/** What only statements of ours have in their texts. */
export const MARKS_OF_OWN = [OWN_STATEMENT, OWN_MARK, "sys_table_migration"];

/** A statement of ours as it is shown to people: on one line, without what marks it. */
export const shownStatement = (sql: string): string =>
  sql.replaceAll(`${OWN_STATEMENT} `, "").replaceAll("\n", " ");
