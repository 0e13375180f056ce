/** Looks for names of tables in the rows of extensions, where the facts say that there are such columns. */
import { namesInRowsQuery } from "../catalog/names.ts";
import type { Session } from "../postgres/database.ts";
import { isConnectionLost } from "../postgres/database_errors.ts";
import type { Facts } from "../facts/facts.ts";
import {
  type NameChange,
  type NameColumn,
  type NamesInRows,
  NO_NAMES_IN_ROWS,
  valuesOf,
} from "../facts/names_in_rows.ts";
import { millisecondsLiteral } from "../sql/quoting.ts";

/** Longest time that the look may take, in milliseconds: without it a rename is still a rename. */
const TIMEOUT_MS = 2_000;

/** Longest wait for a lock: somebody may be altering the extension. */
const LOCK_TIMEOUT_MS = 100;

/** What rows of extensions hold of these names. Within a transaction, of which it leaves nothing behind. */
export async function readNamesInRows(
  session: Session,
  { name_columns }: Facts,
  changes: NameChange[],
): Promise<NamesInRows> {
  if (name_columns.length === 0 || changes.length === 0) return NO_NAMES_IN_ROWS;
  const columns = name_columns.filter(({ readable }) => readable);
  const unread = name_columns.filter(({ readable }) => !readable);
  if (columns.length === 0) return { found: [], unread };
  const wanted = { values: valuesOf(changes), oids: changes.map(({ oid }) => oid) };
  let found: NamesInRows["found"] | null = null;
  try {
    const [rows] = (await session.runAll(`savepoint names_in_rows;
set local statement_timeout = ${millisecondsLiteral(TIMEOUT_MS)};
set local lock_timeout = ${millisecondsLiteral(LOCK_TIMEOUT_MS)};
${namesInRowsQuery(columns, wanted)}`)).slice(-1);
    found = rows.map(({ index, value, schema }) => ({
      column: columns[Number(index)],
      value: String(value),
      schema: schema === null ? null : String(schema),
    }));
  } catch (error) {
    if (isConnectionLost(error)) throw error;
  }
  // Settings and locks go with it.
  await session.run("rollback to savepoint names_in_rows; release savepoint names_in_rows");
  return found === null ? { found: [], unread: onePerTable(name_columns) } : { found, unread };
}

/** The same as facts, for plans that have their findings made of them. */
export const withNamesInRows = async (
  session: Session,
  facts: Facts,
  changes: NameChange[],
): Promise<Facts> => ({ ...facts, names_in_rows: await readNamesInRows(session, facts, changes) });

const onePerTable = (columns: NameColumn[]): NameColumn[] => [
  ...new Map(columns.map((one) => [`${one.schema}.${one.table}`, one])).values(),
];
