/** A proposed batch is applied: planned again, and refused unless it is the plan that was proposed. */
import { Problem } from "../contract/problems.ts";
import type { ProposedBatchRequest } from "../contract/requests.ts";
import type { OperationAnswer, Statement } from "../contract/responses.ts";
import { requireProposed } from "../plan/accept_plan.ts";
import type { Session } from "../postgres/connection/database.ts";
import { activateBatch } from "../tracking/migrations.ts";
import { proposedBatch } from "../tracking/read_migrations.ts";
import { applyChange, lockTables } from "./steps/apply_change.ts";
import { answerChange, runChange, startChange, type Transaction } from "./steps/change.ts";
import type { OperationContext } from "./steps/context.ts";
import { notActive } from "./steps/explain_missing.ts";
import {
  namesOf,
  type PlannedRename,
  plannedRename,
  readAndPlanRename,
  tablesOf,
  verifyRenamed,
  type WhatToRename,
} from "./rename.ts";

interface Proposal extends WhatToRename {
  ids: string[];
  acknowledge: string[];
  plan_hash: string;
  statements: Statement[];
}

/**
 * Applies a proposal, or answers what applying it would do now.
 *
 * @throws {Problem} `migration_not_found`, `not_active`, `plan_changed` with `changes`, and whatever a rename
 *   throws.
 */
export async function applyProposal(
  context: OperationContext,
  request: ProposedBatchRequest,
): Promise<OperationAnswer> {
  const { batch_id } = request;
  const change = startChange(context, request, {
    operation: "rename",
    batch_id: null,
    details: { batch_id },
  });
  return await runChange(change, async () => {
    const outcome = await applyChange(change, (transaction) => prepare(transaction, request));
    return await answerChange(change, outcome, (planned) => verifyRenamed(context, planned));
  });
}

async function prepare(
  transaction: Transaction,
  request: ProposedBatchRequest,
): Promise<PlannedRename> {
  const { session, connection, writes } = transaction;
  const proposal = await readProposal(session, request.batch_id, writes);
  const { ids, renames } = proposal;
  const expected = await lockTables(transaction, namesOf(renames), tablesOf(renames));
  const plan = await readAndPlanRename(session, proposal, connection.sources, {
    proposal: request.batch_id,
    expected,
  });
  const acknowledge = [...proposal.acknowledge, ...request.acknowledge];
  const planned = plannedRename(transaction, plan, {
    batchId: request.batch_id,
    ids,
    request: { ...proposal, acknowledge },
  });
  return {
    ...planned,
    acknowledged: proposal.acknowledge,
    requireSame: () =>
      requireProposed(plan, plan.tables.flatMap(({ statements }) => statements), {
        ...proposal,
        batch_id: request.batch_id,
      }),
    recordAhead: () =>
      activateBatch({
        ...planned.head,
        migrations: planned.migrations(planned.history.recorded),
      }),
  };
}

async function readProposal(session: Session, batchId: string, lock: boolean): Promise<Proposal> {
  const rows = await session.run(proposedBatch(batchId, lock));
  if (rows.length === 0) {
    throw new Problem("migration_not_found", `There is no batch ${batchId}.`, {
      hint: "list-migrations with status pending shows what is proposed.",
    });
  }
  const others = rows.filter(({ status }) => status !== "pending");
  if (others.length > 0) {
    throw await notActive(
      session,
      others.map(({ id }) => String(id)),
      `The batch ${batchId} is ${others[0].status}, not pending: it`,
      "Only a pending batch can be applied; propose it again where it was withdrawn.",
    );
  }
  const plans = rows.map(({ plan }) =>
    plan as {
      statements: Statement[];
      request: { rename_indexes: boolean; count_use?: boolean; acknowledge: string[] };
    }
  );
  const [first] = rows;
  return {
    ids: rows.map(({ id }) => String(id)),
    renames: rows.map(({ schema_name, old_name, new_name }) => ({
      schema: String(schema_name),
      old_name: String(old_name),
      new_name: String(new_name),
    })),
    compatibility_view: Boolean(first.compatibility_view_created),
    count_use: false,
    ...plans[0].request,
    plan_hash: String(first.plan_hash),
    statements: plans.flatMap(({ statements }) => statements),
  };
}
