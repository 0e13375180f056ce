/** Which migrations a request is about, and where their names and relations are. */
import type { RecordedRename } from "../facts/migration.ts";
import { Problem } from "../contract/problems.ts";
import type { SelectionRequest } from "../contract/requests.ts";
import type { RelationName } from "../postgres/blockers.ts";
import type { Session } from "../postgres/database.ts";
import { relocate } from "./relocate.ts";
import { recordedFromRows, selectedMigrations } from "../tracking/migrations.ts";
import { noneNamed, notActive } from "./ended_migrations.ts";

export type Selection = Pick<SelectionRequest, "migration_id" | "batch_id" | "table" | "schema">;

/** What is to be done with an active migration, for the texts of refusals. */
const DONE = {
  rollback: "rolled back",
  finalize: "finalized",
  refresh: "refreshed",
  verify: "verified",
} as const;

/**
 * The active migrations that are meant, newest first. By table it is one: of a table that was renamed
 * several times, a rollback means the last rename, a finalization the one that left this old name.
 *
 * Records of another database are told by names, and with `lock` brought up to date.
 *
 * @param lock Keeps the rows from other requests until the transaction's end.
 * @param asked Whether the caller says that what has the recorded names is meant.
 * @throws {Problem} `migration_not_found`, `not_active`.
 */
export async function selectActive(
  session: Session,
  selection: Selection,
  operation: keyof typeof DONE,
  lock: boolean,
  asked = false,
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
  return await relocate(session, meant, { asked, keep: lock });
}

/** The migration whose old name it is, or else the one that gave it as the new name. */
export const leaving = (table: string, migrations: RecordedRename[]): RecordedRename =>
  migrations.find(({ old_name }) => old_name === table) ?? migrations[0];

/** The names that migrations are about, the tables' present ones first. */
export const namesOf = (migrations: RecordedRename[]): RelationName[] =>
  migrations.flatMap(({ schema_name, old_name, new_name }) => [
    { schema: schema_name, name: new_name },
    { schema: schema_name, name: old_name },
  ]);

/** The tables by the names they have now; where there is none, by those that their migrations gave them. */
export const tablesOf = (migrations: RecordedRename[]): RelationName[] =>
  migrations.map(({ schema_name, new_name, present_name }) => ({
    schema: schema_name,
    name: present_name ?? new_name,
  }));

/** The OIDs of tables and views, as recorded. */
export const oidsOf = (migrations: RecordedRename[]): number[] => [
  ...new Set(
    migrations.flatMap(({ table_oid, view_oid }) =>
      [table_oid, view_oid].filter((oid) => oid !== null)
    ),
  ),
];
