/** After the commit of a change: compares the database with the plan or the record. Takes no locks. */
import type { Verification } from "../../contract/responses.ts";
import { fingerprint } from "../../facts/fingerprint.ts";
import type { PlannedTable, RenamePlan } from "../../plan/rename.ts";
import { checkRecorded } from "../../plan/verification/drift_verification.ts";
import { checkRenamed, type RenamedState } from "../../plan/verification/verification.ts";
import { sleep } from "../../postgres/limits.ts";
import { keepFingerprints, type KeptState } from "../../tracking/migrations.ts";
import {
  recordedFromRows,
  selectedMigrations,
  standingMigrations,
  trackedFromRows,
} from "../../tracking/read_migrations.ts";
import { allEnded, type OperationContext } from "./context.ts";
import { readFacts, readStates } from "./reading.ts";
import { oidsOf } from "./select_migrations.ts";

/** How long to try a migration that another request has locked, and the pause, in milliseconds. */
const MAX_KEEPING_MS = 1_000;
const PAUSE_MS = 100;

/** Tables whose states are read and kept together; and how many such groups at a time, on a connection each. */
const GROUP_SIZE = 250;
const GROUPS_AT_A_TIME = 2;

/** Verifies a rename against its plan, and keeps the states after it, for the comparison at a rollback. */
export async function verifyRename(
  context: OperationContext,
  plan: RenamePlan,
  ids: string[],
): Promise<Verification> {
  const states = await inGroups(
    plan.tables.map((planned, index) => ({ planned, id: ids[index] })),
    (group) => readAndKeepStates(context, group),
  );
  return checkRenamed(states);
}

async function readAndKeepStates(
  context: OperationContext,
  tables: { planned: PlannedTable; id: string }[],
): Promise<RenamedState[]> {
  const { names, byOid } = await readStates(context, {
    names: tables.map(({ planned: { rename } }) => (
      { schema: rename.schema, name: rename.old_name }
    )),
    oids: tables.map(({ planned }) => planned.facts.oid),
  });
  const states = tables.map(({ planned, id }, index) => {
    const holder = names[index]?.oid;
    return {
      id,
      planned,
      table: byOid.get(planned.facts.oid) ?? null,
      view: holder === undefined ? null : byOid.get(holder) ?? null,
    };
  });
  await keepStates(
    context,
    states.flatMap(({ id, planned, table, view }) =>
      table === null ? [] : [{
        id,
        before: fingerprint(planned.facts),
        after: fingerprint(table),
        view: view && fingerprint(view),
      }]
    ),
  );
  return states;
}

/** The results of work on groups of items, in the items' order. Where one fails, no other is begun. */
async function inGroups<T, R>(items: T[], work: (group: T[]) => Promise<R[]>): Promise<R[]> {
  const results: R[][] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const start = next;
      next += GROUP_SIZE;
      try {
        results[start / GROUP_SIZE] = await work(items.slice(start, start + GROUP_SIZE));
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await allEnded(Array.from({ length: GROUPS_AT_A_TIME }, worker));
  return results.flat();
}

/** Verifies a change whose first answer was lost, against its record. */
export async function verifyLate(context: OperationContext, ids: string[]): Promise<Verification> {
  const { database } = context;
  const migrations = recordedFromRows(
    await database.whileReachable(() => database.query(selectedMigrations({ ids }, [], false))),
  );
  const active = migrations.filter(({ status }) => status === "active");
  const { facts, rows } = await readFacts(context, {
    names: active.map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name })),
    oids: oidsOf(migrations),
  }, standingMigrations());
  return checkRecorded(migrations, facts, trackedFromRows(rows));
}

/** Records the states after a change. Rows that another request has locked, such as a rollback, are tried again. */
export async function keepStates(context: OperationContext, states: KeptState[]): Promise<void> {
  const { database, log } = context;
  const started = performance.now();
  let left = states;
  while (left.length > 0) {
    const kept = await database.whileReachable(() => database.query(keepFingerprints(left)));
    const ids = new Set(kept.map(({ id }) => String(id)));
    left = left.filter(({ id }) => !ids.has(id));
    if (left.length === 0) return;
    if (performance.now() - started > MAX_KEEPING_MS) {
      log("the states after the change could not be kept: another request has the migrations", {
        migration_ids: left.slice(0, 20).map(({ id }) => id),
      });
      return;
    }
    await sleep(PAUSE_MS);
  }
}
