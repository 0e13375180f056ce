/** The answer of an operation that has no plan to carry out: only the record is looked at, or changed. */
import type { OperationAnswer } from "../contract/responses.ts";
import type { Session } from "../postgres/database.ts";
import { makePlan } from "../plan/plan.ts";
import { migrationsById, migrationsFromRows } from "../tracking/migrations.ts";

/** The migrations as they are now, in this order, and the hash of a plan without statements. */
export async function answerWithoutPlan(
  session: Session,
  request: { batch_id?: string; mode: OperationAnswer["mode"] },
  ids: string[],
): Promise<OperationAnswer> {
  const rows = migrationsFromRows(await session.run(migrationsById(ids)));
  const nothing = { preparations: [], beforeLocks: [], locks: [], changes: [], findings: [] };
  return {
    batch_id: request.batch_id ?? null,
    mode: request.mode,
    plan_hash: (await makePlan(nothing)).hash,
    migrations: ids.flatMap((id) => rows.find((row) => row.id === id) ?? []),
    statements: [],
    findings: [],
    lock: null,
    verification: null,
  };
}
