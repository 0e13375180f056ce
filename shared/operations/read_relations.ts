/** Relations as they are now, read for a check that needs no lock. */
import { factsFromRow, factsQuery, type FactsWanted } from "../catalog/read_facts.ts";
import { beginReading } from "../postgres/apply_plan.ts";
import type { Row } from "../postgres/database.ts";
import type { Facts } from "../facts/facts.ts";
import { type OperationContext, readingSession } from "./context.ts";

/** Runs one message of queries in one read-only transaction; the answer is the rows of each. */
export async function read(context: OperationContext, queries: string): Promise<Row[][]> {
  const { database, limits } = context;
  return await database.whileReachable(() =>
    readingSession(context, async (session) => {
      await session.begin(beginReading(limits));
      return await session.runAll(queries);
    })
  );
}

/** Reads facts, and with them the rows of one more query, in one read-only transaction. */
export async function readFacts(
  context: OperationContext,
  wanted: FactsWanted,
  beside = "select",
): Promise<{ facts: Facts; rows: Row[] }> {
  const [[facts], rows] = await read(context, `${factsQuery(wanted)};\n${beside}`);
  return { facts: factsFromRow(facts as { facts: string }), rows };
}
