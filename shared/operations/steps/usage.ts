/** Reads and records the use of old names. */
import { factsFromRow, factsQuery } from "../../catalog/read_facts.ts";
import {
  lossesQuery,
  snapshotQuery,
  usageFromRow,
  usageQuery,
  type WantedUsage,
} from "../../catalog/usage.ts";
import type { Migration, UsesInCode } from "../../contract/responses.ts";
import type { Connected } from "../../postgres/begin.ts";
import type { Session } from "../../postgres/connection/database.ts";
import { readiness } from "../../usage/readiness.ts";
import { usageOf } from "../../usage/usage.ts";
import type { StatementStatistics, UsedMigration } from "../../facts/usage_facts.ts";
import type { UsageSample } from "../../usage/usage_sample.ts";
import { countedByName } from "../../usage/name_matches.ts";
import {
  keepSamples,
  keepSnapshots,
  recordsFromRows,
  renewLosses,
  renewSnapshots,
  usageRecords,
} from "../../tracking/usage.ts";
import { usesFromRows, usesInCode } from "../../tracking/uses_in_code.ts";
import { inReadOnlyTransaction, type OperationContext, orLog } from "./context.ts";

/** What is known of the use of several migrations, at one moment of the server's clock. */
export interface UsageSamples {
  at: string;
  /** By migration; those without a compatibility view are left out. */
  byId: Map<string, UsageSample>;
  /** Uses in source code by migration, where they were reported. */
  inCode: Map<string, UsesInCode>;
}

/** Reads the use of the old names, in one message, in a transaction that has begun. */
export async function readUsage(
  session: Session,
  { sources, statistics, serverVersion }: Pick<
    Connected,
    "sources" | "statistics" | "serverVersion"
  >,
  migrations: UsedMigration[],
): Promise<UsageSamples> {
  const oldNames = migrations.map(({ old_name }) => old_name);
  const newNames = countedByName(serverVersion) ? migrations.map(({ new_name }) => new_name) : [];
  const [[usage], [texts], records, reported] = await session.runAll([
    usageQuery({
      names: [...oldNames, ...newNames],
      oldNames,
      views: migrations.flatMap(({ view_oid }) => view_oid ?? []),
      schema: readableSchema(statistics),
    }),
    // Recorded statements are read by the query before, with their counts.
    factsQuery({
      names: [],
      oids: [],
      mentioned: oldNames,
      sources: { ...sources, statements: null },
    }),
    usageRecords(migrations.map(({ id }) => id)),
    usesInCode(migrations.map(({ id }) => id)),
  ].join(";\n"));
  const facts = usageFromRow(usage as { usage: string });
  const byId = usageOf(migrations, {
    facts,
    statistics,
    texts: factsFromRow(texts as { facts: string }).texts,
    records: recordsFromRows(records),
  });
  return { at: facts.at, byId, inCode: usesFromRows(reported) };
}

/** The same in a transaction of its own; the samples are kept. */
export async function sampleUsage(
  context: OperationContext,
  migrations: UsedMigration[],
): Promise<UsageSamples> {
  const samples = await context.database.whileReachable(() =>
    inReadOnlyTransaction(
      context,
      (session, connection) => readUsage(session, connection, migrations),
    )
  );
  await keepUsage(context, samples);
  return samples;
}

/**
 * The migrations with the use of their old names, and the verdicts on the active ones.
 *
 * @param days How many days without use the verdicts ask for.
 */
export function withUsage(
  migrations: Migration[],
  { at, byId }: UsageSamples,
  days: number,
): Migration[] {
  return migrations.map((migration) => {
    if (migration.status !== "active") return migration;
    const sample = byId.get(migration.id);
    return {
      ...migration,
      ...(sample !== undefined && { usage: sample.usage }),
      ready_to_finalize: readiness(migration, sample, { at, days, drift: migration.drift }),
    };
  });
}

/** Keeps the samples for the next time, where that is possible: not on a replica. */
export async function keepUsage(context: OperationContext, { byId }: UsageSamples): Promise<void> {
  const records = [...byId.values()].flatMap(({ record }) => record ?? []);
  if (records.length === 0) return;
  await orLog(
    context,
    "what was seen of the use of old names could not be kept",
    () => context.database.query(keepSamples(records)),
  );
}

/** Statements that record which statements of pg_stat_statements name the old names before the rename. */
export function noteSnapshots(
  statistics: StatementStatistics,
  migrations: WantedUsage[],
): string[] {
  const schema = readableSchema(statistics);
  if (schema === null || migrations.length === 0) return [];
  return [keepSnapshots(snapshotQuery(migrations, schema))];
}

/**
 * Corrects the snapshots after the commit: what was evicted until then says nothing about the view, and on a server that
 * counts by name, calls while the locks were waited for went to the table.
 */
export async function renewUsage(
  context: OperationContext,
  { statistics, serverVersion }: Pick<Connected, "statistics" | "serverVersion">,
  migrations: WantedUsage[],
): Promise<void> {
  const schema = readableSchema(statistics);
  if (schema === null || migrations.length === 0) return;
  const statement = countedByName(serverVersion)
    ? renewSnapshots(snapshotQuery(migrations, schema))
    : renewLosses(migrations.map(({ id }) => id), lossesQuery(schema));
  await orLog(
    context,
    "the snapshot of recorded statements could not be renewed",
    () => context.database.query(statement),
  );
}

const readableSchema = ({ state, schema }: StatementStatistics): string | null =>
  state === "readable" ? schema : null;
