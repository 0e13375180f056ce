/** Which migrations a request is about, and which names and relations are theirs in this database. */
import { factsFromRow, factsMessage } from "../../catalog/read_facts.ts";
import { Problem } from "../../contract/problems.ts";
import type { SelectionRequest } from "../../contract/requests.ts";
import type { Finding } from "../../contract/responses.ts";
import type { RecordedRename } from "../../facts/migration.ts";
import { presentNames, relocated, relocation } from "../../plan/relocation.ts";
import type { RelationName } from "../../postgres/locks/blockers.ts";
import type { Session } from "../../postgres/connection/database.ts";
import { qualified } from "../../sql/quoting.ts";
import { moveRecords } from "../../tracking/migrations.ts";
import {
  recordedFromRows,
  selectedMigrations,
  standingMigrations,
  trackedFromRows,
} from "../../tracking/read_migrations.ts";
import { noneNamed, notActive } from "./explain_missing.ts";

export type Selection = Pick<SelectionRequest, "migration_id" | "batch_id" | "table" | "schema"> & {
  /** Whether the relations with the recorded names are meant, whatever their OIDs. Default: false. */
  relocate?: boolean;
};

const DONE = {
  rollback: "rolled back",
  finalize: "finalized",
  refresh: "refreshed",
  verify: "verified",
} as const;

/**
 * The selected active migrations, newest first. By table it is one: of a table that was renamed several times, a
 * rollback means the last rename, a finalization the one that left this old name.
 *
 * @param lock Locks the rows, and updates records of another database (`relocate`).
 * @throws {Problem} `migration_not_found`, `not_active`.
 */
export async function selectActive(
  session: Session,
  selection: Selection,
  operation: keyof typeof DONE,
  lock: boolean,
): Promise<RecordedRename[]> {
  const found = recordedFromRows(
    await session.run(selectedMigrations(selection, ["active"], lock)),
  );
  const { migration_id, batch_id, table, schema = "public" } = selection;
  if (found.length === 0) {
    if (table !== undefined) throw await noneNamed(session, { schema, table });
    throw new Problem(
      "migration_not_found",
      migration_id !== undefined
        ? `There is no migration ${migration_id}.`
        : `There is no batch ${batch_id}.`,
      { hint: "list-migrations shows what there is." },
    );
  }
  const active = found.filter(({ status }) => status === "active");
  if (active.length === 0) {
    const subject = migration_id !== undefined
      ? `The migration ${migration_id} is ${found[0].status}, not active: it`
      : `No migration of the batch ${batch_id} is active any more: the last one`;
    const hint = `Only an active migration can be ${DONE[operation]}.`;
    throw await notActive(session, found.map(({ id }) => id), subject, hint);
  }
  const meant = table === undefined
    ? active
    : operation === "finalize"
    ? [leaving(table, active)]
    : active.slice(0, 1);
  return await relocate(session, meant, { asked: selection.relocate ?? false, keep: lock });
}

/** The migration whose old name it is, or else the one that gave it as the new name. */
export const leaving = (table: string, migrations: RecordedRename[]): RecordedRename =>
  migrations.find(({ old_name }) => old_name === table) ?? migrations[0];

/** Both names of each table. */
export const namesOf = (migrations: RecordedRename[]): RelationName[] =>
  migrations.flatMap(({ schema_name, old_name, new_name }) => [
    { schema: schema_name, name: new_name },
    { schema: schema_name, name: old_name },
  ]);

export const oldNamesOf = (migrations: RecordedRename[]): RelationName[] =>
  migrations.map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name }));

/** The tables by the names they have now; where a table is gone, by the name that its migration gave it. */
export const tablesOf = (migrations: RecordedRename[]): RelationName[] =>
  migrations.map(({ schema_name, new_name, present_name }) => ({
    schema: schema_name,
    name: present_name ?? new_name,
  }));

/** The recorded OIDs of tables and views. */
export const oidsOf = (migrations: Pick<RecordedRename, "table_oid" | "view_oid">[]): number[] => [
  ...new Set(
    migrations.flatMap(({ table_oid, view_oid }) =>
      [table_oid, view_oid].filter((oid) => oid !== null)
    ),
  ),
];

/** Whether the recorded relations are not those that have the recorded names. */
export const isElsewhere = (
  { status, new_name, present_name, compatibility_view_created, view_in_place }: RecordedRename,
): boolean =>
  status === "active" &&
  (present_name !== new_name || (compatibility_view_created && view_in_place === false));

/**
 * The records with the OIDs that their tables and views have in this database, where these are certain: after pg_dump
 * and pg_restore records have the OIDs of another one.
 *
 * @param asked Whether the caller says that the relations with the recorded names are meant.
 * @param keep Whether to update the table of migrations, too.
 */
export async function relocate(
  session: Session,
  migrations: RecordedRename[],
  { asked, keep }: { asked: boolean; keep: boolean },
): Promise<RecordedRename[]> {
  const elsewhere = migrations.filter(isElsewhere);
  if (elsewhere.length === 0) return migrations;
  const standing = trackedFromRows(await session.run(standingMigrations()));
  const message = factsMessage({
    names: elsewhere.flatMap((migration) => {
      const { schema_name: schema, old_name, indexes } = migration;
      return [
        ...[old_name, ...presentNames(migration, standing)].map((name) => ({ schema, name })),
        ...indexes.map(({ schema, to }) => ({ schema, name: to })),
      ];
    }),
    oids: oidsOf(elsewhere),
  });
  const [, [row]] = await session.runAll(message);
  const facts = factsFromRow(row as { facts: string });
  const changed = new Map(elsewhere.flatMap((migration) => {
    const meant = relocation(migration, standing, facts, asked);
    if (meant === null) return [];
    const known = meant.state === "found" ? relocated(migration, facts, meant) : migration;
    return [[migration.id, { ...known, elsewhere: meant.state }]];
  }));
  const found = [...changed.values()].filter(({ elsewhere }) => elsewhere === "found");
  if (keep && found.length > 0) await session.run(moveRecords(found));
  return migrations.map((migration) => changed.get(migration.id) ?? migration);
}

export const relocationFindings = (migrations: RecordedRename[]): Finding[] =>
  migrations.filter(({ elsewhere }) => elsewhere === "found").map(
    ({ schema_name, old_name, new_name }) => ({
      code: "copied_database",
      severity: "info",
      object: qualified(schema_name, new_name),
      message:
        `The record has the OIDs of another database, as after pg_dump and pg_restore. Table and view were found ` +
        `as ${qualified(schema_name, new_name)} and ${qualified(schema_name, old_name)}.`,
      remedy: "Nothing to do: rollback, finalize and refresh update the record.",
    }),
  );
