/** A view's query, told apart from any other: read with the facts, and kept with a migration. */

/** Where in the text a part was; and how a relation was called that the query gives no other name. */
const PLACES = String.raw` :(\w*location|stmt_len) -?\d+`;
const RELATION_NAME = String.raw`( :alias <> :eref \{ALIAS :aliasname) (\\.|[^ \\])+`;

/**
 * Digest of the query of the view `oid`, an SQL expression, as the server has parsed it. It knows relations by their
 * OIDs, so the digest stays the same when one is renamed, and is another one in another database.
 *
 * @param names Whether the names that the relations had when the view was made are part of it, as they were for
 *   earlier versions. Default: they are not, since a view can be made before its table is renamed.
 */
export function viewQueryDigest(oid: string, { names = false }: { names?: boolean } = {}): string {
  const stored = `pg_catalog.regexp_replace(rw.ev_action::text, '${PLACES}', '', 'g')`;
  const digested = names
    ? stored
    : `pg_catalog.regexp_replace(${stored}, '${RELATION_NAME}', '\\1', 'g')`;
  return `(
    select pg_catalog.md5(${digested})
    from pg_catalog.pg_rewrite rw where rw.ev_class = ${oid} and rw.rulename = '_RETURN')`;
}
