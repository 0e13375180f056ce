/** Why a table or migration is not there: what became of it, or which name may have been meant. */
import { tableNames } from "../../catalog/names.ts";
import { Problem } from "../../contract/problems.ts";
import type { Migration } from "../../contract/responses.ts";
import { minuteOf } from "../../findings/wording.ts";
import type { Refusal } from "../../plan/refusals.ts";
import type { Row, Session } from "../../postgres/connection/database.ts";
import {
  closestTables,
  didYouMean,
  type NamedTable,
  schemaGoesElsewhere,
} from "../../sql/closest_names.ts";
import { qualified } from "../../sql/quoting.ts";
import {
  migrationsById,
  migrationsFromRows,
  namedMigrations,
  unfinishedNames,
} from "../../tracking/read_migrations.ts";

/** @param subject Begins the message, such as `The migration … is finalized, not active: it`. */
export async function notActive(
  session: Session,
  ids: string[],
  subject: string,
  hint: string,
): Promise<Problem> {
  const last = lastOf(await session.run(migrationsById(ids)));
  const fate = last === undefined ? "is gone" : fateOf(last);
  return new Problem("not_active", `${subject} ${fate}.`, {
    hint,
    fields: last === undefined ? {} : stateOf(last),
  });
}

/** The problem that no active migration has the name: with the last one that had it, or the closest names. */
export async function noneNamed(session: Session, wanted: NamedTable): Promise<Problem> {
  const object = qualified(wanted.schema, wanted.table);
  const last = lastOf(await session.run(namedMigrations(wanted.schema, wanted.table)));
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

/** The migration that ended, or was made, last. */
const lastOf = (rows: Row[]): Migration | undefined =>
  migrationsFromRows(rows).toSorted((a, b) => endOf(a) < endOf(b) ? 1 : -1)[0];

const endOf = ({ rollback_at, finalized_at, migrated_at, requested_at }: Migration) =>
  rollback_at ?? finalized_at ?? migrated_at ?? requested_at;

function fateOf(migration: Migration): string {
  const { status, migrated_at, rollback_at, rollback_by, finalized_at, finalized_by } = migration;
  const when = (at: string | null, by: string | null) =>
    at === null ? "" : `at ${minuteOf(at)} by ${by}`;
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
      return `is active since ${
        migrated_at === null ? "" : minuteOf(migrated_at)
      }, applied by ${migration.migrated_by}`;
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

const MAX_TABLES = 10_000;
const MAX_NAMES = 20;

/** The problem, with the closest names in `did_you_mean` and in its hint. */
export function suggesting(problem: Problem, wanted: NamedTable, there: NamedTable[]): Problem {
  const close = closestTables(wanted, there);
  if (close.length === 0) return problem;
  return new Problem(problem.code, problem.message, {
    hint: `${schemaGoesElsewhere(wanted.table, close) ?? didYouMean(close)}${problem.hint ?? ""}`,
    fields: { ...problem.fields, did_you_mean: close },
    cause: problem.cause,
  });
}

export async function tablesThere(session: Session): Promise<NamedTable[]> {
  return await session.run(tableNames(MAX_TABLES)) as unknown as NamedTable[];
}

/** The refusals of a batch; those of missing tables with the names that may have been meant. */
export async function withSuggestions(session: Session, refusals: Refusal[]): Promise<Refusal[]> {
  const missing = new Set(
    refusals.filter(({ problem }) => problem.code === "table_not_found").slice(0, MAX_NAMES),
  );
  if (missing.size === 0) return refusals;
  const there = await tablesThere(session);
  return refusals.map((refusal) => {
    if (!missing.has(refusal)) return refusal;
    const wanted = refusal.problem.fields as unknown as NamedTable;
    return { ...refusal, problem: suggesting(refusal.problem, wanted, there) };
  });
}
