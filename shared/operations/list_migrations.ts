/** The list of migrations, and where the database no longer agrees with it. */
import type { RecordedRename } from "../facts/migration.ts";
import { beginReading } from "../postgres/apply_plan.ts";
import { driftFactsFromRow, driftFactsQuery } from "../catalog/drift_facts.ts";
import type { ListMigrationsQuery } from "../contract/requests.ts";
import type {
  ListMigrationsAnswer,
  Migration,
  MigrationNotifications,
  NotificationsReport,
} from "../contract/responses.ts";
import { driftOf } from "../drift/drift_report.ts";
import { type FoundDrift, noteDrift } from "../tracking/drift_events.ts";
import { notificationsFromRows, notificationsQuery } from "../tracking/list_notifications.ts";
import { encodeCursor, migrationsPage, recordedWithPage } from "../tracking/list_migrations.ts";
import {
  migrationsFromRows,
  recordedFromRows,
  selectedMigrations,
  standingMigrations,
  trackedFromRows,
} from "../tracking/migrations.ts";
import { asProblems, type OperationContext, readingSession } from "./context.ts";
import { noteWorstDrift } from "./note_drift.ts";
import { isAmiss, relocate, relocationFindings } from "./relocate.ts";
import { read } from "./read_relations.ts";
import { oidsOf } from "./select_migrations.ts";
import { sampleUsage, type UsageSamples, withUsage } from "./usage.ts";

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
    const recorded = query.include.length === 0
      ? []
      : await inThisDatabase(context, recordedWithPage(rows).slice(0, query.limit));
    const [drifted, used, told] = await Promise.all([
      query.include.includes("drift") ? withDrift(context, page, recorded) : page,
      query.include.includes("usage") ? usageOfPage(context, page, recorded) : null,
      query.include.includes("notifications") ? notificationsOf(context, page) : null,
      noteWorstDrift(context),
    ]);
    const migrations = used === null ? drifted : withUsage(drifted, used);
    await tellDrift(context, drifted);
    return {
      migrations: told === null ? migrations : withNotifications(migrations, told.byMigration),
      next_cursor: more ? encodeCursor(last) : null,
      ...(told !== null && { notifications: told.report }),
    };
  });
}

/** Facts are read once, for the whole page; what is not active any more has no drift. */
async function withDrift(
  context: OperationContext,
  page: Migration[],
  recorded: RecordedRename[],
): Promise<Migration[]> {
  const active = recorded.filter(({ status }) => status === "active");
  if (active.length === 0) return page.map((migration) => ({ ...migration, drift: [] }));
  const query = driftFactsQuery({
    names: active.map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name })),
    oids: oidsOf(active),
  });
  const [[row], standing] = await read(context, `${query};\n${standingMigrations()}`);
  const facts = driftFactsFromRow(row as { facts: string });
  const drift = driftOf(active, facts, trackedFromRows(standing));
  return page.map((migration, index) => ({
    ...migration,
    drift: [...relocationFindings([recorded[index]]), ...drift.get(migration.id) ?? []],
  }));
}

/** The same records; those of another database with the OIDs that are meant here, where that is certain. */
async function inThisDatabase(
  context: OperationContext,
  recorded: RecordedRename[],
): Promise<RecordedRename[]> {
  const ids = recorded.filter(isAmiss).map(({ id }) => id);
  if (ids.length === 0) return recorded;
  const { database, limits } = context;
  const found = await database.whileReachable(() =>
    readingSession(context, async (session) => {
      await session.begin(beginReading(limits));
      const rows = await session.run(selectedMigrations({ ids }, ["active"], false));
      return await relocate(session, recordedFromRows(rows), { asked: false, keep: false });
    })
  );
  const byId = new Map(found.map((migration) => [migration.id, migration]));
  return recorded.map((migration) => byId.get(migration.id) ?? migration);
}

/** One look for the whole page; only active migrations have an old name that leads somewhere. */
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

/** What was found is told, each kind once, where there is somebody to tell. */
async function tellDrift(context: OperationContext, page: Migration[]): Promise<void> {
  const { database, requestId, actor, notify, log } = context;
  const found = page.flatMap(({ id, drift = [] }): FoundDrift[] =>
    drift.map(({ code, object }) => ({ migration_id: id, code, object }))
  ).filter(({ code }) => code !== ROW_SECURITY_BYPASSED);
  if (found.length === 0 || !notify || notify.receivers.length === 0) return;
  try {
    await database.query(noteDrift(requestId, actor, found, notify.receivers));
  } catch (cause) {
    log("drift could not be told", { cause });
  }
}

/** Told by the event that it leaves in any case. */
const ROW_SECURITY_BYPASSED = "row_security_bypassed";

/** What became of the notifications about a page of migrations, and of all. */
async function notificationsOf({ database, notify }: OperationContext, page: Migration[]) {
  const { by_migration, receivers, undelivered } = notificationsFromRows(
    await database.query(notificationsQuery(page.map(({ id }) => id))),
  );
  const report: NotificationsReport = {
    receivers: receivers.map(({ key, ...receiver }) => ({
      ...receiver,
      configured: notify?.receivers.some((one) => one.key === key) ?? false,
    })),
    undelivered,
    settings_errors: notify?.errors ?? [],
  };
  return { byMigration: by_migration, report };
}

const withNotifications = (
  migrations: Migration[],
  byMigration: Record<string, MigrationNotifications>,
) => migrations.map((migration) => ({ ...migration, notifications: byMigration[migration.id] }));
