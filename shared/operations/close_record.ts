/**
 * A record whose table was dropped: nothing is left to be rolled back, so the record alone is closed, where the
 * caller acknowledges that the table is gone.
 */
import type { RollbackRequest } from "../contract/requests.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import type { Session } from "../postgres/database.ts";
import { compareLocations } from "../drift/drift.ts";
import { factsFromRow, factsMessage } from "../catalog/read_facts.ts";
import { insertEvent } from "../tracking/events.ts";
import {
  markRolledBack,
  recordedFromRows,
  selectedMigrations,
  standingMigrations,
  trackedFromRows,
} from "../tracking/migrations.ts";
import { withNotification } from "../tracking/notifications.ts";
import { answerWithoutPlan } from "./answer_without_plan.ts";
import type { OperationContext } from "./context.ts";
import { oidsOf, selectActive } from "./select_migrations.ts";

/**
 * The answer where the tables of all selected migrations are gone and that is acknowledged; null otherwise.
 *
 * @param session In a transaction that can write, unless it is a plan that is asked for.
 */
export async function closeRecord(
  { actor, requestId, notify }: OperationContext,
  session: Session,
  request: RollbackRequest,
): Promise<OperationAnswer | null> {
  if (!request.acknowledge.includes("table_missing")) return null;
  const selected = recordedFromRows(
    await session.run(selectedMigrations(request, ["active"], false)),
  );
  // What cannot be selected is refused with the usual words.
  if (!selected.some(({ status }) => status === "active")) return null;
  const migrations = await selectActive(
    session,
    request,
    "rollback",
    request.mode === "apply",
    request.relocate,
  );
  const message = factsMessage({
    names: migrations.map(({ schema_name, old_name }) => ({ schema: schema_name, name: old_name })),
    oids: oidsOf(migrations),
  });
  const [, [row], standing] = await session.runAll(`${message};\n${standingMigrations()}`);
  const { differences } = compareLocations(
    migrations,
    factsFromRow(row as { facts: string }),
    trackedFromRows(standing),
  );
  const gone = differences.filter(({ code }) => code === "table_missing")
    .map(({ migration_id }) => migration_id);
  if (gone.length < migrations.length) return null;
  if (request.mode === "apply") {
    const event = insertEvent({
      request_id: requestId,
      operation: "rollback",
      actor,
      outcome: "succeeded",
      problem_code: null,
      batch_id: request.batch_id ?? null,
      migration_ids: gone,
      details: { table_missing: true },
    });
    await session.run([
      markRolledBack(gone, actor, request.notes),
      withNotification(event, "migration.rolled_back", notify?.receivers ?? []),
    ].join(";\n"));
  }
  return await answerWithoutPlan(session, request, gone);
}
