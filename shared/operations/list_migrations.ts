/** The list of migrations, and where the database no longer agrees with it. */
import type { RecordedRename } from "../facts/migration.ts";
import { driftFactsFromRow, driftFactsQuery } from "../catalog/read_facts.ts";
import type { ListMigrationsQuery } from "../contract/requests.ts";
import type {
  ListMigrationsAnswer,
  Migration,
  NotificationsReport,
} from "../contract/responses.ts";
import { driftOf } from "../drift/drift_report.ts";
import { type FoundDrift, noteDrift } from "../tracking/drift_events.ts";
import { notificationsFromRows, notificationsQuery } from "../tracking/deliveries.ts";
import { encodeCursor } from "../tracking/cursor.ts";
import { migrationsPage, recordedWithPage } from "../tracking/list_migrations.ts";
import {
  migrationsFromRows,
  recordedFromRows,
  selectedMigrations,
  standingMigrations,
  trackedFromRows,
} from "../tracking/read_migrations.ts";
import {
  asProblems,
  inReadOnlyTransaction,
  type OperationContext,
  orLog,
  readAtOnce,
  recordWorstDrift,
} from "./steps/context.ts";
import {
  isElsewhere,
  oidsOf,
  oldNamesOf,
  relocate,
  relocationFindings,
} from "./steps/select_migrations.ts";
import { sampleUsage, type UsageSamples, withUsage } from "./steps/usage.ts";

/**
 * One page of migrations, newest first.
 *
 * @throws {Problem} `invalid_request` for a foreign cursor, `database_unavailable`.
 */
export async function listMigrations(
  context: OperationContext,
  query: ListMigrationsQuery,
): Promise<ListMigrationsAnswer> {
  return await asProblems(async () => {
    const rows = await context.database.query(migrationsPage(query));
    const found = migrationsFromRows(rows);
    const page = found.slice(0, query.limit);
    const last = page.at(-1);
    const more = found.length > query.limit && last !== undefined;
    const looks = query.include.includes("drift") || query.include.includes("usage");
    const recorded = looks
      ? await inThisDatabase(context, recordedWithPage(rows).slice(0, query.limit))
      : [];
    const [drifted, samples, notifications] = await Promise.all([
      query.include.includes("drift") ? withDrift(context, page, recorded) : page,
      query.include.includes("usage") ? usageOfPage(context, page, recorded) : null,
      query.include.includes("notifications") ? notificationsOf(context, page) : null,
      // The first page of a list has done it for all migrations.
      query.cursor === undefined ? recordWorstDrift(context) : null,
    ]);
    const migrations = samples === null
      ? drifted
      : withUsage(drifted, samples, query.quiet_for_days);
    await notifyDrift(context, drifted);
    return {
      migrations: notifications === null ? migrations : migrations.map((migration) => ({
        ...migration,
        notifications: notifications.byMigration[migration.id],
      })),
      next_cursor: more ? encodeCursor(last.requested_at, last.id) : null,
      ...(notifications !== null && { notifications: notifications.report }),
    };
  });
}

/** Reads facts once for the whole page. Only active migrations have drift. */
async function withDrift(
  context: OperationContext,
  page: Migration[],
  recorded: RecordedRename[],
): Promise<Migration[]> {
  const active = recorded.filter(({ status }) => status === "active");
  if (active.length === 0) return page.map((migration) => ({ ...migration, drift: [] }));
  const query = driftFactsQuery({
    names: oldNamesOf(active),
    oids: oidsOf(active),
  });
  const [[row], standing] = await readAtOnce(context, [query, standingMigrations()]);
  const facts = driftFactsFromRow(row as { facts: string });
  const drift = driftOf(active, facts, trackedFromRows(standing));
  return page.map((migration, index) => ({
    ...migration,
    drift: [...relocationFindings([recorded[index]]), ...drift.get(migration.id) ?? []],
  }));
}

/** The same records; those of another database with the OIDs of this one, where these are certain. */
async function inThisDatabase(
  context: OperationContext,
  recorded: RecordedRename[],
): Promise<RecordedRename[]> {
  const ids = recorded.filter(isElsewhere).map(({ id }) => id);
  if (ids.length === 0) return recorded;
  const found = await context.database.whileReachable(() =>
    inReadOnlyTransaction(context, async (session) => {
      const rows = await session.run(selectedMigrations({ ids }, ["active"], false));
      return await relocate(session, recordedFromRows(rows), { asked: false, keep: false });
    })
  );
  const byId = new Map(found.map((migration) => [migration.id, migration]));
  return recorded.map((migration) => byId.get(migration.id) ?? migration);
}

/** Reads the use of the old names once for the whole page; only active migrations have a view. */
async function usageOfPage(
  context: OperationContext,
  page: Migration[],
  recorded: RecordedRename[],
): Promise<UsageSamples | null> {
  const active = page.map((migration, index) => ({
    ...migration,
    view_oid: recorded[index].view_oid,
  })).filter(({ status }) => status === "active");
  return active.length === 0 ? null : await sampleUsage(context, active);
}

/** Notifies receivers of drift that they were not notified of before. */
async function notifyDrift(context: OperationContext, page: Migration[]): Promise<void> {
  const { database, requestId, actor, notify } = context;
  const found = page.flatMap(({ id, drift = [] }): FoundDrift[] =>
    drift.map(({ code, object }) => ({ migration_id: id, code, object }))
  ).filter(({ code }) => code !== ROW_SECURITY_BYPASSED);
  if (found.length === 0 || !notify || notify.receivers.length === 0) return;
  const statement = noteDrift(requestId, actor, found, notify.receivers);
  await orLog(
    context,
    "receivers could not be notified of drift",
    () => database.query(statement),
  );
}

/** Has a notification of its own (`recordWorstDrift`). */
const ROW_SECURITY_BYPASSED = "row_security_bypassed";

async function notificationsOf({ database, notify }: OperationContext, page: Migration[]) {
  const { by_migration, receivers, undelivered } = notificationsFromRows(
    await database.query(notificationsQuery(page.map(({ id }) => id))),
  );
  const report: NotificationsReport = {
    receivers: receivers.map(({ key, ...receiver }) => ({
      ...receiver,
      configured: notify?.receivers.some((receiver) => receiver.key === key) ?? false,
    })),
    undelivered,
    settings_errors: notify?.errors ?? [],
  };
  return { byMigration: by_migration, report };
}
