/** A proposal is withdrawn: nothing was changed yet, so nothing but the record changes now. */
import type { RollbackRequest } from "../contract/requests.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import type { Session } from "../postgres/database.ts";
import { pendingIds, withdrawPending } from "../tracking/migrations.ts";
import { answerWithoutPlan } from "./answer_without_plan.ts";
import type { OperationContext } from "./context.ts";

/** The answer where the selection is a proposal; null where it is not. */
export async function withdrawProposal(
  { actor, requestId, notify }: OperationContext,
  session: Session,
  request: RollbackRequest,
): Promise<OperationAnswer | null> {
  const statement = request.mode === "plan" ? pendingIds(request) : withdrawPending(
    request,
    { actor, requestId, notes: request.notes },
    notify?.receivers ?? [],
  );
  const ids = (await session.run(statement)).map(({ id }) => String(id));
  return ids.length === 0 ? null : await answerWithoutPlan(session, request, ids);
}
