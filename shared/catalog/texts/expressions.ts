/**
 * Expressions that several queries have in common.
 * All queries here run with search_path `pg_catalog, pg_temp` (`sql/transaction_settings.ts`): what they name without
 * a schema is the server's own, and names are printed qualified.
 */
import { literal } from "../../sql/quoting.ts";

export const catalogOid = (catalog: string): string => `${literal(catalog)}::regclass`;

export const THIS_DATABASE =
  "(select db.oid from pg_database db where db.datname = current_database())";

/** Joins the row `alias` of a catalog, if it is what `d`, a row of pg_depend, says depends on something. */
export const joinDependent = (catalog: string, alias: string, d = "d"): string =>
  `left join ${catalog} ${alias} on ${d}.classid = ${
    catalogOid(catalog)
  } and ${alias}.oid = ${d}.objid`;

/** The comment on an object, or on a column. The server's own functions run a query of their own for each object. */
export const commentOn = (catalog: string, oid: string, column = "0"): string =>
  `(
    select described.description from pg_description described
    where described.objoid = ${oid} and described.objsubid = ${column}
      and described.classoid = ${catalogOid(catalog)})`;

/** Whether a foreign key changes rows of its table when a row of the other table is deleted or updated. */
export const cascades = (key: string): string =>
  `(${key}.confdeltype in ('c', 'n', 'd') or ${key}.confupdtype in ('c', 'n', 'd'))`;

export const nameArray = (names: readonly string[]): string =>
  `array[${names.map(literal).join(", ")}]::name[]`;

/** The SQL expression of each of the facts. */
export type Expressions<Facts> = { [Fact in keyof Facts]-?: string };

/** A JSON object of these facts. A function call takes 100 arguments at most, so no more than 50. */
export const jsonObject = (expressions: Record<string, string>): string =>
  `json_build_object(
    ${
    Object.entries(expressions).map(([name, sql]) => `${literal(name)}, ${sql}`).join(",\n    ")
  })`;

/** A JSON array of their values: of many columns, the names are most of the text. */
export const jsonValues = (expressions: Record<string, string>): string =>
  `json_build_array(
    ${Object.values(expressions).join(",\n    ")})`;

/** Makes a function that reads such an array. */
export function valuesReader<Facts>(
  expressions: Expressions<Facts>,
): (values: unknown[]) => Facts {
  const names = Object.keys(expressions);
  return (values) => {
    const facts: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) facts[names[index]] = values[index];
    return facts as Facts;
  };
}
