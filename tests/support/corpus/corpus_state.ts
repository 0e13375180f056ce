/** All that a database's schemas are, in every form that can be compared. */
import { assertEquals } from "@std/assert";
import {
  describeSchemas,
  type Description,
  descriptionDifferences,
} from "../catalog/comparable_dump.ts";
import { BUILT_SCHEMA, CORPUS_SCHEMAS } from "./corpus.ts";
import type { TestDatabase } from "../servers/database.ts";
import { dumpEntries, dumpSchema } from "../catalog/dump.ts";
import { serverUrl, testServers, withMaintenance } from "../servers/servers.ts";
import { catalogState, type State, stateDifferences } from "../catalog/state.ts";

/** Schemas that the corpus touches: its own, and the platform's that have something of it. */
export const TOUCHED_SCHEMAS = [...Object.values(CORPUS_SCHEMAS), "auth", "storage", BUILT_SCHEMA];

export interface Photograph {
  /** Rows of the catalog, OIDs included. */
  catalog: State;
  /** What there is, by name, without OIDs. */
  description: Description;
  /** By pg_dump; null where the installed one is older than the server. */
  dump: string | null;
}

export async function photograph(db: TestDatabase): Promise<Photograph> {
  const [catalog, description, dump] = await Promise.all([
    catalogState(db.admin),
    describeSchemas(db.admin, TOUCHED_SCHEMAS),
    dumpSchema(db),
  ]);
  return { catalog, description, dump };
}

/** The same to the last OID. */
export function assertSame(before: Photograph, after: Photograph): void {
  assertEquals(stateDifferences(before.catalog, after.catalog), []);
  assertAlike(before, after);
}

/** The same but for OIDs, which objects that had to be made again have new. */
export function assertAlike(expected: Photograph, found: Photograph): void {
  assertEquals(descriptionDifferences(expected.description, found.description), []);
  if (expected.dump === null || found.dump === null) return;
  assertSameDump(expected.dump, found.dump);
}

/** Entry by entry, since the order of a dump follows names and dependencies and is no state. */
export function assertSameDump(expected: string, found: string): void {
  const entries = (dump: string) =>
    dumpEntries(dump).map(({ header, text }) =>
      `${header}\n${text.replace(/\n*--\n-- PostgreSQL database dump complete[^]*/, "")}`
    );
  const [wanted, there] = [entries(expected), entries(found)];
  const [wantedSet, thereSet] = [new Set(wanted), new Set(there)];
  assertEquals(
    {
      missing: wanted.filter((entry) => !thereSet.has(entry)),
      unexpected: there.filter((entry) => !wantedSet.has(entry)),
    },
    { missing: [], unexpected: [] },
  );
}

/** Makes a database of what pg_dump printed, and gives its own dump. */
export async function restore(like: TestDatabase, dump: string): Promise<string> {
  const server = testServers().find(({ version }) => version === like.version)!;
  const name = `${like.name}_restored`;
  await withMaintenance(
    server,
    (sql) => sql`create database ${sql(name)} template template0 owner postgres`,
  );
  const admin = like.connect({ role: "supabase_admin", database: name, max: 1 });
  try {
    // What psql alone understands is left out.
    await admin.unsafe(dump.replace(/^\\.*$/gm, "")).simple();
    return (await dumpSchema({ ...like, adminUrl: serverUrl(server, "supabase_admin", name) }))!;
  } finally {
    await admin.end();
    await withMaintenance(server, (sql) => sql`drop database ${sql(name)} with (force)`);
  }
}
