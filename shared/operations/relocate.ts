/** Records that are another database's, as after pg_dump and pg_restore: what they mean in this one. */
import type { RecordedRename } from "../facts/migration.ts";
import { factsFromRow, factsMessage } from "../catalog/read_facts.ts";
import type { Session } from "../postgres/database.ts";
import type { Finding } from "../contract/responses.ts";
import { qualified } from "../sql/quoting.ts";
import { presentNames, relocated, relocation } from "../plan/relocation.ts";
import { moveRecords, standingMigrations, trackedFromRows } from "../tracking/migrations.ts";

/** Whether the relations that the record knows are not those that have its names. */
export const isAmiss = (
  { status, new_name, present_name, compatibility_view_created, view_in_place }: RecordedRename,
): boolean =>
  status === "active" &&
  (present_name !== new_name || (compatibility_view_created && view_in_place === false));

/**
 * The records, each with the OIDs that its table and view have in this database where that can be told.
 *
 * @param asked Whether the caller says that what has the names is meant.
 * @param keep Whether the table of migrations is brought up to date, too, in this transaction.
 */
export async function relocate(
  session: Session,
  migrations: RecordedRename[],
  { asked, keep }: { asked: boolean; keep: boolean },
): Promise<RecordedRename[]> {
  const amiss = migrations.filter(isAmiss);
  if (amiss.length === 0) return migrations;
  const standing = trackedFromRows(await session.run(standingMigrations()));
  const message = factsMessage({
    names: amiss.flatMap((migration) => {
      const { schema_name: schema, old_name, indexes } = migration;
      return [
        ...[old_name, ...presentNames(migration, standing)].map((name) => ({ schema, name })),
        ...indexes.map(({ schema, to }) => ({ schema, name: to })),
      ];
    }),
    oids: amiss.flatMap(({ table_oid, view_oid }) =>
      [table_oid, view_oid].filter((oid) => oid !== null)
    ),
  });
  const [, [row]] = await session.runAll(message);
  const facts = factsFromRow(row as { facts: string });
  const changed = new Map(amiss.flatMap((migration) => {
    const meant = relocation(migration, standing, facts, asked);
    if (meant === null) return [];
    const known = meant.state === "found" ? relocated(migration, facts, meant) : migration;
    return [[migration.id, { ...known, elsewhere: meant.state }]];
  }));
  const found = [...changed.values()].filter(({ elsewhere }) => elsewhere === "found");
  if (keep && found.length > 0) await session.run(moveRecords(found));
  return migrations.map((migration) => changed.get(migration.id) ?? migration);
}

/** What is said of a record that was found by its names. */
export const relocationFindings = (migrations: RecordedRename[]): Finding[] =>
  migrations.filter(({ elsewhere }) => elsewhere === "found").map(
    ({ schema_name, old_name, new_name }) => ({
      code: "copied_database",
      severity: "info",
      object: qualified(schema_name, new_name),
      message:
        `The record has the OIDs of another database, as after pg_dump and pg_restore. Table and view were found ` +
        `as ${qualified(schema_name, new_name)} and ${qualified(schema_name, old_name)}.`,
      remedy:
        "None needed: rollback, finalize and refresh bring the record up to date with what they do.",
    }),
  );
