/**
 * Lookups by a name that is not in the text: of a recorded statement the server keeps `$1` where a constant or a
 * parameter stood, so that the name of the table is read from the rest of the statement.
 */
import { Use } from "../parser/reading.ts";

/** `pg_get_serial_sequence($1, …)`, the parameter perhaps cast: what resets sequences sends it. */
const SERIAL_SEQUENCE = /\bpg_get_serial_sequence\s*\(\s*(?:cast\s*\(\s*)?\$\d+/i;

/**
 * The uses of tables in a recorded statement, with a lookup of a sequence for each table that is used beside it, like
 * `select setval(pg_get_serial_sequence($1, $2), max(id)) from authors`: it may be that table's.
 */
export function withLookupsByParameter(text: string, uses: Use[]): Use[] {
  const found = SERIAL_SEQUENCE.exec(text);
  if (found === null) return uses;
  const tables = new Map(uses.map(({ table }) => [table.oid, table]));
  for (const { code, table } of uses) {
    if (code === "serial_sequence_lookup") tables.delete(table.oid);
  }
  const lookups = [...tables.values()].map((table) =>
    new Use(table, found.index, "possible", "serial_sequence_lookup", null, text, found.index)
  );
  return [...uses, ...lookups];
}
