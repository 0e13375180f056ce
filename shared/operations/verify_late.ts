/** Verifies a change whose first answer was lost: what the database says now, against the record. */
import type { Verification } from "../contract/responses.ts";
import { checkRecorded } from "../plan/verification/drift_verification.ts";
import {
  recordedFromRows,
  selectedMigrations,
  standingMigrations,
  trackedFromRows,
} from "../tracking/migrations.ts";
import type { OperationContext } from "./context.ts";
import { readFacts } from "./read_relations.ts";
import { oidsOf } from "./select_migrations.ts";

/** Takes no locks. */
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
