/** A view's query, told apart from any other: read with the facts, and kept with a migration. */

/**
 * Digest of the query of the view `oid`, an SQL expression, as the server has parsed it: names are OIDs in it,
 * so that it stays the same when something it reads is renamed, and is another one in another database.
 */
export const viewQueryDigest = (oid: string): string =>
  `(
    select pg_catalog.md5(pg_catalog.regexp_replace(rw.ev_action::text, ' :(\\w*location|stmt_len) -?\\d+', '', 'g'))
    from pg_catalog.pg_rewrite rw where rw.ev_class = ${oid} and rw.rulename = '_RETURN')`;
