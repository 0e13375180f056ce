/** What became of a migration that is not, or no longer, in the state that a request needs. */
import { Problem } from "../contract/problems.ts";
import type { Migration } from "../contract/responses.ts";
import type { Session } from "../postgres/database.ts";
import { type NamedTable } from "../sql/closest_names.ts";
import { qualified } from "../sql/quoting.ts";
import {
  migrationsById,
  migrationsFromRows,
  namedMigrations,
  unfinishedNames,
} from "../tracking/migrations.ts";
import { suggesting } from "./suggestions.ts";

/**
 * The problem that none of these migrations is in the state that is needed.
 *
 * @param subject What they are called, such as `The migration …`; the message begins with it.
 * @param hint What can be done.
 */
export async function notActive(
  session: Session,
  ids: string[],
  subject: string,
  hint: string,
): Promise<Problem> {
  const rows = migrationsFromRows(await session.run(migrationsById(ids)));
  const last = rows.toSorted((a, b) => endOf(a) < endOf(b) ? 1 : -1)[0];
  const fate = last === undefined ? "is gone" : fateOf(last);
  return new Problem("not_active", `${subject} ${fate}.`, {
    hint,
    fields: last === undefined ? {} : stateOf(last),
  });
}

/** The problem that no migration in the right state has the name: what had it, or which name comes close. */
export async function noneNamed(
  session: Session,
  wanted: NamedTable,
): Promise<Problem> {
  const object = qualified(wanted.schema, wanted.table);
  const rows = await session.run(namedMigrations(wanted.schema, wanted.table));
  const [last] = migrationsFromRows(rows).toSorted((a, b) => endOf(a) < endOf(b) ? 1 : -1);
  if (last !== undefined) {
    const names = `${qualified(last.schema_name, last.old_name)} to ${
      qualified(last.schema_name, last.new_name)
    }`;
    return new Problem(
      "migration_not_found",
      `No active migration renamed ${object}. The last one, from ${names}, ${fateOf(last)}.`,
      { hint: "list-migrations shows what there is.", fields: stateOf(last) },
    );
  }
  const problem = new Problem("migration_not_found", `No active migration renamed ${object}.`, {
    hint: "list-migrations shows what there is; names are case-sensitive.",
    fields: { ...wanted },
  });
  const there = await session.run(unfinishedNames()) as unknown as NamedTable[];
  return suggesting(problem, wanted, there);
}

const endOf = ({ rollback_at, finalized_at, migrated_at, requested_at }: Migration) =>
  rollback_at ?? finalized_at ?? migrated_at ?? requested_at;

function fateOf(migration: Migration): string {
  const { status, migrated_at, rollback_at, rollback_by, finalized_at, finalized_by } = migration;
  const when = (at: string | null, by: string | null) => `at ${at} by ${by}`;
  switch (status) {
    case "rolled_back":
      return `was ${migrated_at === null ? "withdrawn" : "rolled back"} ${
        when(rollback_at, rollback_by)
      }`;
    case "finalized":
      return `was finalized ${when(finalized_at, finalized_by)}`;
    case "pending":
      return `was proposed ${
        when(migration.requested_at, migration.requested_by)
      }, and is not applied`;
    case "active":
      return `is active since ${migrated_at}, applied by ${migration.migrated_by}`;
  }
}

const stateOf = (migration: Migration) => ({
  migration_id: migration.id,
  migration_status: migration.status,
  batch_id: migration.batch_id,
  requested_by: migration.requested_by,
  rollback_at: migration.rollback_at,
  rollback_by: migration.rollback_by,
  finalized_at: migration.finalized_at,
  finalized_by: migration.finalized_by,
});
