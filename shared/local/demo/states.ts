/** The state of every table, read apart from the endpoints: what they say of themselves is checked with it. */
import { factsFromRow, factsQuery } from "../../catalog/read_facts.ts";
import { type Fingerprint, fingerprint } from "../../facts/fingerprint.ts";
import type postgres from "postgres";

/** The fingerprints of the tables with these OIDs, by OID. */
export async function readStates(
  sql: postgres.Sql,
  oids: number[],
): Promise<Map<number, Fingerprint & { name: string }>> {
  return await sql.begin(async (transaction) => {
    await transaction.unsafe("set local search_path = pg_catalog, pg_temp");
    const [row] = await transaction.unsafe(factsQuery({ names: [], oids })).simple();
    const { relations } = factsFromRow(row as unknown as { facts: string });
    return new Map(
      relations.map((relation) => [
        relation.oid,
        { ...fingerprint(relation), name: `${relation.schema}.${relation.name}` },
      ]),
    );
  });
}
