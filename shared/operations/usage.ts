/** Reading and keeping what is known of the use of old names. */
import { factsFromRow, factsQuery } from "../catalog/read_facts.ts";
import {
  lossesQuery,
  snapshotQuery,
  usageFromRow,
  usageQuery,
  type WantedUsage,
} from "../catalog/usage.ts";
import type { Migration } from "../contract/responses.ts";
import { beginReading, type Connected, connected } from "../postgres/apply_plan.ts";
import type { Session } from "../postgres/database.ts";
import { usageOf } from "../usage/usage.ts";
import type { StatementStatistics, UsedMigration } from "../facts/usage_facts.ts";
import type { UsageSample } from "../usage/usage_sample.ts";
import { countedByName } from "../usage/name_matches.ts";
import {
  keepSamples,
  keepSnapshots,
  recordsFromRows,
  renewLosses,
  renewSnapshots,
  usageRecords,
} from "../tracking/usage.ts";
import { type OperationContext, readingSession } from "./context.ts";

/** A look at several migrations, at one moment of the server's clock. */
export interface UsageSamples {
  at: string;
  /** By migration; those without a compatibility view are left out. */
  byId: Map<string, UsageSample>;
}

/** Looks at the use of the old names, in one message, in a transaction that has begun. */
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
  const [[usage], [texts], records] = await session.runAll([
    usageQuery({
      names: [...oldNames, ...newNames],
      oldNames,
      views: migrations.flatMap(({ view_oid }) => view_oid ?? []),
      schema: readableSchema(statistics),
    }),
    // Recorded statements are read above, with what is counted of them.
    factsQuery({
      names: [],
      oids: [],
      mentioned: oldNames,
      sources: { ...sources, statements: null },
    }),
    usageRecords(migrations.map(({ id }) => id)),
  ].join(";\n"));
  const facts = usageFromRow(usage as { usage: string });
  const byId = usageOf(migrations, {
    facts,
    statistics,
    texts: factsFromRow(texts as { facts: string }).texts,
    records: recordsFromRows(records),
  });
  return { at: facts.at, byId };
}

/** The same in a transaction of its own; what was seen is kept for the next look. */
export async function sampleUsage(
  context: OperationContext,
  migrations: UsedMigration[],
): Promise<UsageSamples> {
  const { database, limits } = context;
  const samples = await database.whileReachable(() =>
    readingSession(
      context,
      async (session) =>
        await readUsage(session, connected(await session.begin(beginReading(limits))), migrations),
    )
  );
  await keepUsage(context, samples);
  return samples;
}

/** The migrations, with what is known of the use of their old names. */
export function withUsage(migrations: Migration[], { byId }: UsageSamples): Migration[] {
  return migrations.map((migration) => {
    const look = byId.get(migration.id);
    return look === undefined ? migration : { ...migration, usage: look.usage };
  });
}

/** Keeps what was seen. A look that cannot be kept, as on a replica, is a look all the same. */
export async function keepUsage(context: OperationContext, { byId }: UsageSamples): Promise<void> {
  const records = [...byId.values()].flatMap(({ record }) => record ?? []);
  if (records.length === 0) return;
  try {
    await context.database.query(keepSamples(records));
  } catch (cause) {
    context.log("what was seen of the use of old names could not be kept", {
      cause,
    });
  }
}

/**
 * Statements that note which recorded statements name the old names before the rename; none where they cannot
 * be read.
 * It reads statistics only, and runs before the locks, so that nobody waits for it.
 */
export function noteSnapshots(
  statistics: StatementStatistics,
  migrations: WantedUsage[],
): string[] {
  const schema = readableSchema(statistics);
  if (schema === null || migrations.length === 0) return [];
  return [keepSnapshots(snapshotQuery(migrations, schema))];
}

/**
 * Puts the snapshots right after the commit: what was evicted until then tells nothing about the view, and on
 * a server that counts by name the calls of the time of waiting for the locks were through the table.
 */
export async function renewUsage(
  context: OperationContext,
  { statistics, serverVersion }: Pick<Connected, "statistics" | "serverVersion">,
  migrations: WantedUsage[],
): Promise<void> {
  const schema = readableSchema(statistics);
  if (schema === null || migrations.length === 0) return;
  try {
    await context.database.query(
      countedByName(serverVersion)
        ? renewSnapshots(snapshotQuery(migrations, schema))
        : renewLosses(migrations.map(({ id }) => id), lossesQuery(schema)),
    );
  } catch (cause) {
    context.log("the snapshot of recorded statements could not be renewed", {
      cause,
    });
  }
}

const readableSchema = ({ state, schema }: StatementStatistics): string | null =>
  state === "readable" ? schema : null;
