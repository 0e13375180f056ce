/** A proposal is withdrawn: nothing was changed yet, so nothing but the record changes now. */
import type { RollbackRequest } from "../contract/requests.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import { makePlan } from "../plan/plan.ts";
import {
  migrationsById,
  migrationsFromRows,
  pendingIds,
  withdrawPending,
} from "../tracking/migrations.ts";
import { asProblems, type OperationContext } from "./context.ts";

/** The answer where the selection is a proposal; null where it is not. */
export async function withdrawProposal(
  context: OperationContext,
  request: RollbackRequest,
): Promise<OperationAnswer | null> {
  return await asProblems(async () => {
    const { database, actor, requestId } = context;
    const statement = request.mode === "plan"
      ? pendingIds(request)
      : withdrawPending(request, { actor, requestId, notes: request.notes });
    const ids = (await database.query(statement)).map(({ id }) => String(id));
    if (ids.length === 0) return null;
    const rows = migrationsFromRows(await database.query(migrationsById(ids)));
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
  });
}
