/**
 * A change: what every operation that changes tables has in common. An operation calls in this order `startChange`,
 * `runChange`, `applyChange` (in which it selects, calls `lockTables`, reads the facts and plans) and `answerChange`
 * (in which it verifies). A plan is made by the same steps, in a transaction that only reads.
 */
import type { SelectionRequest } from "../contract/requests.ts";
import type {
  Finding,
  LockFigures,
  MigrationFile,
  OperationAnswer,
  PlannedTable,
  Verification,
} from "../contract/responses.ts";
import type { RecordedRename } from "../facts/migration.ts";
import { makePlan, NO_STATEMENTS, type Plan, planStatements } from "../plan/plan.ts";
import type { Connected, Done } from "../postgres/apply_plan.ts";
import type { RelationName } from "../postgres/blockers.ts";
import type { Session } from "../postgres/database.ts";
import { afterCommit } from "../postgres/database_errors.ts";
import type { Event } from "../tracking/events.ts";
import { migrationsById, migrationsFromRows } from "../tracking/migrations.ts";
import { asProblems, type OperationContext, recordingFailure, type Stage } from "./context.ts";
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
import { notifyVerification, verifiedOrNot } from "./verify_change.ts";

/** What every request that changes something has. */
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
  & { migration_file?: boolean };

/** What is known of a change from its request alone. */
interface ChangeSubject {
  operation: Event["operation"];
  /** The batch that the request names; null where it names none. */
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
  /** Whether it changes something, and so locks what it selects. That of a plan only reads. */
  writes: boolean;
}

/** A change that is planned: what is to be run and recorded. */
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
  /** The change as a migration file. */
  file: () => FileParts;
  /** Finding codes that were acknowledged before. Default: none. */
  acknowledged?: string[];
  /** Refuses a plan that differs from the one that was agreed on before. Default: there was none. */
  requireSame?: () => void;
  /** Statement that records the change before the locks are taken. Default: none. */
  recordAhead?: () => string;
  /** Statements that record the state before, right before the locks are taken. Default: none. */
  recordBefore?: string[];
  /** Statements of the critical section that record the change. */
  record: string[];
}

/** What `applyChange` has done: all, so that the answer is known; or a change, or its plan, that is to be answered. */
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
 * Does the work of a change: once for an idempotency key, and with an event if it fails. That of a plan leaves no
 * trace.
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

/**
 * What is recorded of a change of renames that were made before.
 *
 * @param mark Statement that marks the migrations.
 */
export function followUp(
  { change: { request, batch_id }, connection }: Transaction,
  operation: FollowUp,
  migrations: RecordedRename[],
  mark: string,
): Pick<PlannedChange, "batch_id" | "ids" | "history" | "file" | "record"> {
  // What was not made in the migration history cannot be undone there.
  const inHistory = migrations.every(({ in_history }) => in_history);
  return {
    batch_id,
    ids: migrations.map(({ id }) => id),
    history: historyChoice(request, connection.history, inHistory),
    file: () => followUpFile(operation, migrations, mark),
    record: [mark],
  };
}

/** The change, with more findings in its plan. */
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

/**
 * The answer of a change, after the commit; or of its plan.
 *
 * @param verify Looks at the outcome, without locks; of a change that was applied only.
 */
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
    ...await answerOf(context, planned.plan, ids),
    batch_id: planned.batch_id,
    mode: request.mode,
    lock: null,
    verification: null,
    tables: planned.tables(),
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
  const history = planned.history.recorded ? await settleHistory(context, ids) : undefined;
  const { plan } = withFindings(planned, history === null ? [historyFailed()] : []);
  return {
    ...await answerOf(context, plan, ids),
    batch_id,
    mode: "apply",
    lock,
    verification,
    ...(history && { history }),
  };
}

async function answerOf(context: OperationContext, plan: Plan, ids: string[]) {
  const { plan_hash, ...rest } = planParts(plan);
  return { plan_hash, migrations: await readMigrations(context, ids), ...rest };
}

/** What an answer has of a plan. */
export const planParts = (plan: Plan) => ({
  plan_hash: plan.hash,
  statements: planStatements(plan),
  findings: plan.findings,
});

/** The answer where only the record was looked at, or changed: the migrations as they are now, and an empty plan. */
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
