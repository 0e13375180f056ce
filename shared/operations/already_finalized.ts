/** A finalization that is asked for again: what is done is answered as done. */
import type { FinalizeRequest } from "../contract/requests.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import type { Session } from "../postgres/database.ts";
import { recordedFromRows, selectedMigrations } from "../tracking/migrations.ts";
import { answerWithoutPlan } from "./answer_without_plan.ts";
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
  return await answerWithoutPlan(session, request, selected.map(({ id }) => id));
}
