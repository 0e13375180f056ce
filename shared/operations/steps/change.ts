/**
 * A change: what every operation that changes tables has in common. An operation calls in this order `startChange`,
 * `runChange`, `applyChange` (in which it selects, calls `lockTables`, reads the facts and plans) and `answerChange`
 * (in which it verifies). A plan is made by the same steps, in a transaction that only reads.
 */
import type { SelectionRequest } from "../../contract/requests.ts";
import type {
  Finding,
  LockFigures,
  Migration,
  MigrationFile,
  OperationAnswer,
  PlannedTable,
  RewrittenTextAnswer,
  Verification,
} from "../../contract/responses.ts";
import type { RecordedRename } from "../../facts/migration.ts";
import { makePlan, NO_STATEMENTS, type Plan, planStatements } from "../../plan/plan.ts";
import type { Done } from "../../postgres/apply_plan.ts";
import type { Connected } from "../../postgres/begin.ts";
import type { RelationName } from "../../postgres/locks/blockers.ts";
import type { Session } from "../../postgres/connection/database.ts";
import { afterCommit } from "../../postgres/database_errors.ts";
import type { Event } from "../../tracking/events.ts";
import { migrationsById, migrationsFromRows } from "../../tracking/read_migrations.ts";
import {
  allEnded,
  asProblems,
  type OperationContext,
  recordingFailure,
  type Stage,
} from "./context.ts";
import {
  type FileParts,
  type FollowUp,
  followUpFile,
  type HistoryChoice,
  historyChoice,
  historyFailed,
  settleHistory,
} from "./history.ts";
import { answeredOnce } from "./idempotency.ts";
import { readMigrations } from "./reading.ts";
import { notifyVerification, verifiedOrNot } from "./notify_verification.ts";

export type ChangeRequest =
  & Pick<
    SelectionRequest,
    | "mode"
    | "acknowledge"
    | "expected_plan_hash"
    | "lock_timeout_ms"
    | "max_wait_ms"
    | "notes"
    | "record_history"
  >
  & { migration_file?: boolean; rewrite_texts?: boolean };

interface ChangeSubject {
  operation: Event["operation"];
  /** The batch that the request names, if any. */
  batch_id: string | null;
  /** For the event of a failed request. */
  details: Record<string, unknown>;
}

/** A request that changes something, and how far it has come. */
export interface Change extends Readonly<ChangeSubject> {
  readonly context: OperationContext;
  readonly request: ChangeRequest;
  stage: Stage;
  /** The relations that the request is about, as far as known, to name who holds locks on them. */
  relations: RelationName[];
}

/** The transaction in which a change is prepared. It may be repeated. */
export interface Transaction {
  change: Change;
  session: Session;
  connection: Connected;
  /** Whether it changes something, and locks what it selects. False for a plan. */
  writes: boolean;
}

/** What is to be run and recorded. */
export interface PlannedChange<P extends Plan = Plan> {
  plan: P;
  batch_id: string | null;
  /** The migrations, in the answer's order. */
  ids: string[];
  /** Whether the change makes these migrations. Default: false, they are there already. */
  makesMigrations?: boolean;
  /** What the plan is about, table by table. */
  tables: () => PlannedTable[];
  history: HistoryChoice;
  /** The texts that get other names. Default: none. */
  texts?: RewrittenTextAnswer[];
  /** The change as a migration file. */
  file: () => FileParts;
  /** Finding codes that were acknowledged when it was proposed. */
  acknowledged?: string[];
  /** Refuses another plan than the proposed one. */
  requireSame?: () => void;
  /** Statement that records the change before the locks are taken. */
  recordAhead?: () => string;
  /** Statements that record the state right before the locks are taken. */
  recordBefore?: string[];
  /** Statements of the critical section that record the change. */
  record: string[];
}

/** The answer, where there was nothing to plan; or what was planned, and applied unless it is a plan. */
export type Outcome<C extends PlannedChange> = Done<OperationAnswer> | {
  planned: C;
  lock: LockFigures | null;
  file?: MigrationFile;
  refusal?: OperationAnswer["would_be_refused"];
};

export const startChange = (
  context: OperationContext,
  request: ChangeRequest,
  subject: ChangeSubject,
): Change => ({ ...subject, context, request, stage: "requested", relations: [] });

/**
 * Does the work of a change, once for an idempotency key, and with an event if it fails.
 *
 * @throws {Problem} Any code of the contract that is about tables, migrations, plans, locks or the database.
 */
export async function runChange(
  change: Change,
  work: () => Promise<OperationAnswer>,
): Promise<OperationAnswer> {
  const { context, request, operation } = change;
  if (request.mode === "plan") return await asProblems(work);
  return await recordingFailure(
    context,
    change,
    () => answeredOnce(context, operation, work),
    () => change.stage,
  );
}

/** What rollback, finalize and refresh record; `mark` is the statement that marks the migrations. */
export function followUp(
  { change: { request, batch_id }, connection }: Transaction,
  operation: FollowUp,
  migrations: RecordedRename[],
  mark: string,
): Pick<PlannedChange, "batch_id" | "ids" | "history" | "file" | "recordBefore" | "record"> {
  // What was not made in the migration history cannot be undone there.
  const inHistory = migrations.every(({ in_history }) => in_history);
  return {
    batch_id,
    ids: migrations.map(({ id }) => id),
    history: historyChoice(request, connection.history, inHistory),
    file: () => followUpFile(operation, migrations, mark),
    // A refresh records the view that has the name in the end; nobody need wait for the others.
    ...(operation === "refresh" ? { record: [mark] } : { recordBefore: [mark], record: [] }),
  };
}

export const withFindings = <C extends PlannedChange>(planned: C, findings: Finding[]): C => ({
  ...planned,
  plan: { ...planned.plan, findings: [...planned.plan.findings, ...findings] },
});

/** The event of a change that succeeds. */
export function eventOf(
  { context, request, operation }: Change,
  { plan, batch_id, ids }: PlannedChange,
): Event {
  return {
    request_id: context.requestId,
    operation,
    actor: context.actor,
    outcome: "succeeded",
    problem_code: null,
    batch_id,
    migration_ids: ids,
    details: {
      plan_hash: plan.hash,
      ...(request.mode === "propose" && { proposed: true }),
      ...(plan.findings.some(({ code }) => code === "copied_database") && { relocated: true }),
    },
  };
}

/** @param verify Compares the database with the plan after the commit, without locks. */
export async function answerChange<C extends PlannedChange>(
  change: Change,
  outcome: Outcome<C>,
  verify: (planned: C) => Promise<Verification>,
): Promise<OperationAnswer> {
  if ("done" in outcome) return outcome.done;
  const { planned, lock, file, refusal } = outcome;
  switch (change.request.mode) {
    case "plan":
      return {
        ...await answerNotApplied(change, planned, planned.makesMigrations ? [] : planned.ids),
        batch_id: change.batch_id,
        ...(file !== undefined && { migration_file: file }),
        ...(refusal !== undefined && { would_be_refused: refusal }),
      };
    case "propose":
      return await afterCommit(() => answerNotApplied(change, planned, planned.ids));
    case "apply":
      return await afterCommit(() => answerApplied(change, planned, lock, verify));
  }
}

async function answerNotApplied(
  { context, request }: Change,
  planned: PlannedChange,
  ids: string[],
): Promise<OperationAnswer> {
  return {
    ...answerOf(planned.plan, await readMigrations(context, ids)),
    batch_id: planned.batch_id,
    mode: request.mode,
    lock: null,
    verification: null,
    tables: planned.tables(),
    ...textsOf(planned),
  };
}

async function answerApplied<C extends PlannedChange>(
  { context, operation }: Change,
  planned: C,
  lock: LockFigures | null,
  verify: (planned: C) => Promise<Verification>,
): Promise<OperationAnswer> {
  const { batch_id, ids } = planned;
  context.progress({ phase: "verifying", total: ids.length });
  const verification = await verifiedOrNot(context, () => verify(planned));
  await notifyVerification(context, operation, { batch_id, migration_ids: ids }, verification);
  const [history, migrations] = await allEnded([
    planned.history.recorded ? settleHistory(context, ids) : Promise.resolve(undefined),
    readMigrations(context, ids),
  ]);
  const { plan } = withFindings(planned, history === null ? [historyFailed()] : []);
  return {
    ...answerOf(plan, migrations),
    batch_id,
    mode: "apply",
    lock,
    verification,
    ...textsOf(planned),
    ...(history && { history }),
  };
}

export const textsOf = ({ texts = [] }: Pick<PlannedChange, "texts">) =>
  texts.length === 0 ? {} : { rewritten_texts: texts };

function answerOf(plan: Plan, migrations: Migration[]) {
  const { plan_hash, ...rest } = planParts(plan);
  return { plan_hash, migrations, ...rest };
}

export const planParts = (plan: Plan) => ({
  plan_hash: plan.hash,
  statements: planStatements(plan),
  findings: plan.findings,
});

/** The answer where only the record was read or changed. */
export async function answerWithoutPlan(
  { change: { batch_id, request }, session }: Transaction,
  ids: string[],
): Promise<OperationAnswer> {
  const rows = migrationsFromRows(await session.run(migrationsById(ids)));
  return {
    batch_id,
    mode: request.mode,
    plan_hash: (await makePlan({ ...NO_STATEMENTS, findings: [] })).hash,
    migrations: ids.flatMap((id) => rows.find((row) => row.id === id) ?? []),
    statements: [],
    findings: [],
    lock: null,
    verification: null,
  };
}
