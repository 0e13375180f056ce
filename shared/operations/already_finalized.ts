/** A finalization that is asked for again: what is done is answered as done. */
import type { FinalizeRequest } from "../contract/requests.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import type { Session } from "../execute/database.ts";
import { makePlan } from "../plan/plan.ts";
import {
  migrationsById,
  migrationsFromRows,
  recordedFromRows,
  selectedMigrations,
} from "../tracking/migrations.ts";
import { leaving } from "./select_migrations.ts";

/** The answer where every selected migration is finalized; null where there is something to do or refuse. */
export async function alreadyFinalized(
  session: Session,
  request: FinalizeRequest,
): Promise<OperationAnswer | null> {
  const statuses = ["active", "finalized"] as const;
  const query = selectedMigrations(request, [...statuses], false);
  const found = recordedFromRows(await session.run(query));
  const finalized = found.filter(({ status }) => status === "finalized");
  if (finalized.length === 0 || found.some(({ status }) => status === "active")) return null;
  // A batch of which the rest was rolled back is as finalized as it can be.
  const selected = request.table === undefined ? finalized : [leaving(request.table, finalized)];
  const ids = selected.map(({ id }) => id);
  const rows = migrationsFromRows(await session.run(migrationsById(ids)));
  const { hash } = await makePlan({
    preparations: [],
    beforeLocks: [],
    locks: [],
    changes: [],
    findings: [],
  });
  return {
    batch_id: request.batch_id ?? null,
    mode: request.mode,
    plan_hash: hash,
    migrations: ids.flatMap((id) => rows.find((row) => row.id === id) ?? []),
    statements: [],
    findings: [],
    lock: null,
    verification: null,
  };
}
