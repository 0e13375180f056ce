/** What can be done about an operation that did not succeed, and what became of one that was cancelled. */
import type { Migration } from "../../../contract/responses.ts";
import { isProposal, type Operation } from "./operation.ts";

/**
 * `ask_again`: under the same key, since it may be done. `try_again`: the same anew. `plan`: its plan has to be looked at
 * again. `names`: the Old names view shows why.
 */
export type NextStep = "ask_again" | "try_again" | "plan" | "names";

const STEPS: Record<string, NextStep[]> = {
  unreachable: ["ask_again", "names"],
  request_in_progress: ["ask_again"],
  lock_not_acquired: ["try_again"],
  busy: ["try_again"],
  database_unavailable: ["ask_again"],
  deadline_exceeded: ["ask_again"],
  plan_changed: ["plan"],
  breaking_findings: ["plan"],
  dependants_cannot_follow: ["plan"],
  name_taken: ["plan"],
  already_renamed: ["names"],
  old_name_in_use: ["plan", "names"],
  drifted: ["names"],
  not_active: ["names"],
  migration_not_found: ["names"],
};

export function nextSteps({ state, error, name }: Operation): NextStep[] {
  if (state === "cancelled") return ["try_again"];
  if (state !== "failed" || error === undefined) return [];
  // A test changes nothing and has no plan.
  if (name === "verify") return ["try_again"];
  return STEPS[error.code] ?? ["try_again"];
}

/**
 * Whether a change was made although nobody waited for its answer.
 *
 * @param migrations Of its first table, newest first: a change is made for all of its tables or for none.
 * @returns Null where the migrations do not show it.
 */
export function wasMade(operation: Operation, migrations: Migration[]): boolean | null {
  const [table] = operation.tables;
  if (table === undefined) return null;
  const found = migrations.find((one) =>
    table.migration_id === undefined
      ? one.schema_name === table.schema && one.old_name === table.old_name &&
        one.new_name === table.new_name
      : one.id === table.migration_id
  );
  switch (operation.name) {
    case "rename":
      return found?.status === "active" || (isProposal(operation) && found?.status === "pending");
    case "rollback":
      return found?.status === "rolled_back";
    case "finalize":
      return found?.status === "finalized";
    default:
      return null;
  }
}
