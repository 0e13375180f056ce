/** How our own statements are told from those of applications, where the server keeps texts of statements. */

/**
 * Stands inside of every statement by which verify uses an old name, so that whoever counts how often the
 * name is used can leave it out. Inside, since a comment before or behind a statement is not kept
 * (pg_stat_statements).
 */
export const OWN_STATEMENT = "/* table-rename */";

/** A statement of ours as it is shown to people: on one line, without the mark. */
export const shownStatement = (sql: string): string =>
  sql.replaceAll(` ${OWN_STATEMENT}`, "").replaceAll("\n", " ");
