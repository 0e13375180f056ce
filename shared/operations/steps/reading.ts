/** What is read from the database for plans, checks and answers. */
import { alterableJobs, routineDefinitions } from "../../catalog/texts/definitions_of_texts.ts";
import { isMissed, type Occurring } from "../../catalog/occurring.ts";
import { namesInRowsQuery } from "../../catalog/names.ts";
import {
  factsFromRow,
  factsMessage,
  factsQuery,
  type FactsWanted,
  type RelationsWanted,
  type States,
  statesFromRow,
  statesQuery,
} from "../../catalog/read_facts.ts";
import type { Migration } from "../../contract/responses.ts";
import type { Facts, RoutineDefinition, TextFacts } from "../../facts/facts.ts";
import type { TrackedRename } from "../../facts/migration.ts";
import {
  type NameChange,
  type NameColumn,
  type NamesInRows,
  NO_NAMES_IN_ROWS,
  valuesOf,
} from "../../facts/names_in_rows.ts";
import type { Definitions } from "../../plan/rewrite_texts.ts";
import type { Row, Session } from "../../postgres/connection/database.ts";
import { isConnectionLost } from "../../postgres/database_errors.ts";
import { millisecondsLiteral } from "../../sql/quoting.ts";
import {
  migrationsById,
  migrationsFromRows,
  standingMigrations,
  trackedFromRows,
} from "../../tracking/read_migrations.ts";
import { type OperationContext, readAtOnce } from "./context.ts";

/** Reads facts, and with them the rows of one more query, in a read-only transaction of its own. */
export async function readFacts(
  context: OperationContext,
  wanted: FactsWanted,
  otherQuery = "select",
): Promise<{ facts: Facts; rows: Row[] }> {
  const [[row], rows] = await readAtOnce(context, [factsQuery(wanted), otherQuery]);
  return { facts: factsFromRow(row as { facts: string }), rows };
}

/** Reads what a change is verified by, and the rows of one more query, in a read-only transaction of its own. */
export async function readStates(
  context: OperationContext,
  wanted: RelationsWanted,
  otherQuery = "select",
): Promise<States & { rows: Row[] }> {
  const [[row], rows] = await readAtOnce(context, [statesQuery(wanted), otherQuery]);
  return { ...statesFromRow(row as { states: string }), rows };
}

/**
 * Reads the facts for a plan, and with them the rows of other queries, in the transaction of a change.
 *
 * Where `expected` is given and something has come since, all is read again.
 */
export async function readFactsToPlan(
  session: Session,
  wanted: FactsWanted,
  otherQueries: string[],
): Promise<{ facts: Facts; rows: Row[][] }> {
  const read = async (wanted: FactsWanted) => {
    const [, [row], ...rows] = await session.runAll(
      [factsMessage(wanted), ...otherQueries].join(";\n"),
    );
    return { row: row as { facts: string; occurring?: Occurring }, rows };
  };
  let { row, rows } = await read(wanted);
  const { expected } = wanted;
  if (expected && isMissed(expected, row.occurring!)) {
    ({ row, rows } = await read({ ...wanted, expected: undefined }));
  }
  return { facts: factsFromRow(row), rows };
}

/** The same with the active and finalized migrations. */
export async function readStandingToPlan(
  session: Session,
  wanted: FactsWanted,
): Promise<{ facts: Facts; standing: TrackedRename[] }> {
  const { facts, rows: [standing] } = await readFactsToPlan(session, wanted, [
    standingMigrations(),
  ]);
  return { facts, standing: trackedFromRows(standing) };
}

export async function readMigrations(
  { database }: OperationContext,
  ids: string[],
): Promise<Migration[]> {
  if (ids.length === 0) return [];
  const rows = migrationsFromRows(
    await database.whileReachable(() => database.query(migrationsById(ids))),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** What it takes to replace these texts. */
export async function readDefinitions(
  session: Session,
  texts: Pick<TextFacts, "kind" | "identity">[],
): Promise<Definitions> {
  const of = (kind: TextFacts["kind"]) =>
    texts.filter((text) => text.kind === kind).map(({ identity }) => identity);
  const [routines, jobs] = [of("routine"), of("cron job")];
  return {
    routines: routines.length === 0
      ? []
      : await session.run(routineDefinitions(routines)) as unknown as RoutineDefinition[],
    jobs: jobs.length === 0
      ? []
      : (await session.run(alterableJobs(jobs))).map(({ identity }) => String(identity)),
  };
}

/** Longest time to search the rows of extensions, in milliseconds: a rename can be made without. */
const NAMES_IN_ROWS_MS = 2_000;

/** Longest wait for a lock of that search: somebody may be altering the extension. */
const NAMES_IN_ROWS_LOCK_MS = 100;

/** Searches rows of extensions for names of tables, in the columns that the facts list. */
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
set local statement_timeout = ${millisecondsLiteral(NAMES_IN_ROWS_MS)};
set local lock_timeout = ${millisecondsLiteral(NAMES_IN_ROWS_LOCK_MS)};
${namesInRowsQuery(columns, wanted)}`)).slice(-1);
    found = rows.map(({ index, value, schema }) => ({
      column: columns[Number(index)],
      value: String(value),
      schema: schema === null ? null : String(schema),
    }));
  } catch (error) {
    if (isConnectionLost(error)) throw error;
  }
  // Also takes back the settings and the locks.
  await session.run("rollback to savepoint names_in_rows; release savepoint names_in_rows");
  return found === null ? { found: [], unread: onePerTable(name_columns) } : { found, unread };
}

export const withNamesInRows = async (
  session: Session,
  facts: Facts,
  changes: NameChange[],
): Promise<Facts> => ({ ...facts, names_in_rows: await readNamesInRows(session, facts, changes) });

const onePerTable = (columns: NameColumn[]): NameColumn[] => [
  ...new Map(columns.map((column) => [`${column.schema}.${column.table}`, column])).values(),
];
