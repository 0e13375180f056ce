/** A proposed batch is applied: planned again, and refused unless it is the plan that was proposed. */
import type { ProposedBatchRequest, RenameRequest } from "../contract/requests.ts";
import type { OperationAnswer, Statement } from "../contract/responses.ts";
import { Problem } from "../contract/problems.ts";
import type { Connected } from "../postgres/apply_plan.ts";
import type { Session } from "../postgres/database.ts";
import { linesChanged } from "../plan/changed_lines.ts";
import { renamedTables } from "../findings/analysis.ts";
import type { RenamePlan } from "../plan/rename.ts";
import { activateBatch, noteViews, proposedBatch } from "../tracking/migrations.ts";
import { change } from "./change.ts";
import type { OperationContext } from "./context.ts";
import { notActive } from "./ended_migrations.ts";
import {
  namesOf,
  newMigrations,
  readAndPlanRename,
  replayRename,
  tablesOf,
  type WhatToRename,
} from "./rename.ts";
import { noteSnapshots, renewUsage } from "./usage.ts";
import { verifyRename } from "./verify_rename.ts";

interface Proposal extends WhatToRename {
  ids: string[];
  acknowledge: string[];
  plan_hash: string;
  statements: Statement[];
}

/**
 * Applies a proposal, or says what applying it would do now.
 *
 * @throws {Problem} `migration_not_found`, `not_active`, `plan_changed` with `changes`, and whatever a rename
 *   throws.
 */
export async function applyProposal(
  context: OperationContext,
  request: ProposedBatchRequest,
): Promise<OperationAnswer> {
  const { batch_id } = request;
  let ids: string[] = [];
  let view = true;
  let accepted: RenameRequest["acknowledge"] = [];
  let options = { rename_indexes: false, count_use: false };
  let connection: Connected | undefined;
  const head = (plan: RenamePlan) => ({
    batch_id,
    plan_hash: plan.hash,
    actor: context.actor,
    notes: request.notes,
  });
  const rows = (plan: RenamePlan, inHistory: boolean) =>
    newMigrations(plan, ids, { ...options, acknowledge: accepted }, inHistory);
  return await change<Proposal, RenamePlan>(context, request, {
    operation: "rename",
    batchId: batch_id,
    details: { batch_id },
    select: async (session, lock) => {
      const proposal = await readProposal(session, batch_id, lock);
      ids = proposal.ids;
      view = proposal.compatibility_view;
      options = proposal;
      accepted = [...proposal.acknowledge, ...request.acknowledge];
      return proposal;
    },
    accepted: ({ acknowledge }) => acknowledge,
    names: ({ renames }) => namesOf(renames),
    tables: ({ renames }) => tablesOf(renames),
    plan: (session, proposal, { sources }) =>
      readAndPlanRename(session, proposal, sources, batch_id),
    requireSame,
    recordAhead: (plan, inHistory) =>
      activateBatch({ ...head(plan), migrations: rows(plan, inHistory) }),
    replay: (plan) =>
      replayRename(plan, { ...head(plan), compatibility_view: view }, () => rows(plan, true)),
    recordBefore: (plan, connected) => {
      connection = connected;
      return noteSnapshots(connected.statistics, view ? oldNamesOf(plan, ids) : []);
    },
    record: () => (view ? [noteViews(batch_id)] : []),
    migrations: () => ids,
    tablesOf: renamedTables,
    verify: async (plan) => {
      await renewUsage(context, connection!, view ? oldNamesOf(plan, ids) : []);
      return await verifyRename(context, plan, ids);
    },
  });
}

async function readProposal(session: Session, batchId: string, lock: boolean): Promise<Proposal> {
  const rows = await session.run(proposedBatch(batchId, lock));
  if (rows.length === 0) {
    throw new Problem("migration_not_found", `There is no batch ${batchId}.`, {
      hint: "list-migrations with status pending shows what is proposed.",
    });
  }
  const other = rows.find(({ status }) => status !== "pending");
  if (other !== undefined) {
    throw await notActive(
      session,
      rows.filter(({ status }) => status !== "pending").map(({ id }) => String(id)),
      `The batch ${batchId} is ${other.status}, not pending: it`,
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

function requireSame(proposal: Proposal, plan: RenamePlan): void {
  if (proposal.plan_hash === plan.hash) return;
  const changes = linesChanged(
    linesOf(proposal.statements),
    linesOf(plan.tables.flatMap(({ statements }) => statements)),
  );
  throw new Problem(
    "plan_changed",
    "The tables, their columns, grants or defaults are not what they were when this was proposed.",
    {
      hint:
        "Withdraw the proposal (rollback with its batch_id), and propose it again as it is now.",
      fields: { plan_hash: plan.hash, expected_plan_hash: proposal.plan_hash, changes },
    },
  );
}

const linesOf = (statements: Statement[]) => statements.flatMap(({ sql }) => sql.split("\n"));

const oldNamesOf = (plan: RenamePlan, ids: string[]) =>
  plan.tables.map(({ rename: { old_name } }, index) => ({ id: ids[index], old_name }));
