/** After the commit of a change: compares the database with the plan or the record. Takes no locks. */
import type { Verification } from "../../contract/responses.ts";
import { fingerprint } from "../../facts/fingerprint.ts";
import type { RenamePlan } from "../../plan/rename.ts";
import { checkRecorded } from "../../plan/verification/drift_verification.ts";
import { checkRenamed } from "../../plan/verification/verification.ts";
import { sleep } from "../../postgres/limits.ts";
import type { Event } from "../../tracking/events.ts";
import { keepFingerprints, type KeptState } from "../../tracking/migrations.ts";
import {
  recordedFromRows,
  selectedMigrations,
  standingMigrations,
  trackedFromRows,
} from "../../tracking/read_migrations.ts";
import { noteFailedVerification } from "../../tracking/notifications.ts";
import { type OperationContext, orLog } from "./context.ts";
import { readFacts, readStates } from "./reading.ts";
import { oidsOf } from "./select_migrations.ts";

/** How long to try a migration that another request has locked, and the pause, in milliseconds. */
const MAX_KEEPING_MS = 1_000;
const PAUSE_MS = 100;

/** Most failed checks in a notification. */
const MAX_CHECKS = 20;

/** Verifies a rename against its plan, and keeps the states after it, for the comparison at a rollback. */
export async function verifyRename(
  context: OperationContext,
  plan: RenamePlan,
  ids: string[],
): Promise<Verification> {
  const { names, byOid } = await readStates(context, {
    names: plan.tables.map(({ rename }) => ({ schema: rename.schema, name: rename.old_name })),
    oids: plan.tables.map((table) => table.facts.oid),
  });
  const states = plan.tables.map((table, index) => {
    const holder = names[index]?.oid;
    return {
      planned: table,
      table: byOid.get(table.facts.oid) ?? null,
      view: holder === undefined ? null : byOid.get(holder) ?? null,
    };
  });
  await keepStates(
    context,
    states.flatMap(({ planned, table, view }, index) =>
      table === null ? [] : [{
        id: ids[index],
        before: fingerprint(planned.facts),
        after: fingerprint(table),
        view: view && fingerprint(view),
      }]
    ),
  );
  return checkRenamed(states);
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

/** A verification that cannot be made has not passed; a committed change is never reported as failed. */
export async function verifiedOrNot(
  context: OperationContext,
  verify: () => Promise<Verification>,
): Promise<Verification> {
  return await orLog(context, "the verification could not be made", verify) ?? {
    passed: false,
    checks: [{
      name: "verification",
      passed: false,
      detail: "The change is done, but the database could not be read afterwards.",
    }],
  };
}

/** @param after The operation that was verified; null where the verification alone was requested. */
export async function notifyVerification(
  context: OperationContext,
  after: Event["operation"] | null,
  about: { batch_id: string | null; migration_ids: string[] },
  { passed, checks }: Pick<Verification, "passed"> & {
    checks: { name: string; passed: boolean }[];
  },
): Promise<void> {
  const { notify, database, requestId, actor } = context;
  if (passed || !notify || notify.receivers.length === 0) return;
  const failed_checks = checks.filter((check) => !check.passed).map(({ name }) => name)
    .slice(0, MAX_CHECKS);
  const failed = { request_id: requestId, actor, after, ...about, failed_checks };
  const statement = noteFailedVerification(failed, notify.receivers);
  await orLog(
    context,
    "receivers could not be notified of a failed verification",
    () => database.query(statement),
  );
}
