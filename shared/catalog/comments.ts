/** Comments on objects. The server's own functions for them run a query of their own for each object. */

/** Expression for the comment on an object, or on a column by its number. */
export const commentOn = (catalog: string, oid: string, column = "0") =>
  `(
  select described.description from pg_description described
  where described.objoid = ${oid} and described.objsubid = ${column}
    and described.classoid = '${catalog}'::regclass)`;
