/**
 * Digest of all that `pg_proc` says of the routine `p` but its body. Defaults of arguments are stored with their places
 * in the statement that made them, and so are taken as the server prints them.
 */
export const ROUTINE_DIGEST =
  "pg_catalog.md5((pg_catalog.to_jsonb(p) - '{prosrc,proargdefaults}'::pg_catalog.text[])::pg_catalog.text " +
  "|| pg_catalog.pg_get_function_arguments(p.oid))";
