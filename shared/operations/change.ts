/**
 * The steps that are the same for every change. An operation calls them in this order: `startChange`, `runChange`,
 * `applyChange` (in which it selects, calls `lockTables`, reads the facts and plans), and `answerChange` (in which it
 * verifies). A plan is made by the same steps, in a transaction that only reads.
 */
import type { NotificationType } from "../contract/notifications.ts";
import { Problem } from "../contract/problems.ts";
import type { SelectionRequest } from "../contract/requests.ts";
import type {
  Finding,
  LockFigures,
  MigrationFile,
  OperationAnswer,
  PlannedTable,
  Verification,
} from "../contract/responses.ts";
import { untrustedFindings } from "../findings/untrusted_findings.ts";
import { requireAccepted } from "../plan/accept_plan.ts";
import { makePlan, NO_STATEMENTS, type Plan, planStatements } from "../plan/plan.ts";
import { requireServer } from "../plan/refusals.ts";
import { advisoryLocks } from "../postgres/advisory_locks.ts";
import {
  applyPlan,
  beginReading,
  type Connected,
  connected,
  type Done,
} from "../postgres/apply_plan.ts";
import type { RelationName } from "../postgres/blockers.ts";
import type { Session } from "../postgres/database.ts";
import { afterCommit, isLockRefused } from "../postgres/database_errors.ts";
import { RetryBudget } from "../postgres/retry_budget.ts";
import { qualified } from "../sql/quoting.ts";
import { type Event, insertEvent, recordedLock } from "../tracking/events.ts";
import { historyDetails } from "../tracking/history.ts";
import { migrationsById, migrationsFromRows } from "../tracking/migrations.ts";
import { withNotification } from "../tracking/notifications.ts";
import {
  asProblems,
  type OperationContext,
  readingSession,
  recordingFailure,
  type Stage,
} from "./context.ts";
import {
  type FileParts,
  type HistoryChoice,
  historyFailed,
  type HistoryStatements,
  historyStatements,
  migrationFile,
  settleHistory,
} from "./history.ts";
import { answeredOnce, recordAnswer, recordWholeAnswer, requireNew } from "./idempotency.ts";
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

/** Prepares the change in a transaction; or says that nothing has to be changed but what it has changed itself. */
type Prepare<C extends PlannedChange> = (
  transaction: Transaction,
) => Promise<C | Done<OperationAnswer>>;

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
 * Prepares a change and applies it, or, for a plan, says whether it would be refused.
 *
 * @param prepare Selects, locks, reads the facts and plans; may run several times.
 */
export async function applyChange<C extends PlannedChange>(
  change: Change,
  prepare: Prepare<C>,
): Promise<Outcome<C>> {
  const { context, request } = change;
  if (request.mode === "plan") return await planChange(change, prepare);
  const outcome = await applyPlan<Plan & { planned: C }, OperationAnswer>(
    context.database,
    {
      lockTimeoutMs: request.lock_timeout_ms,
      budget: new RetryBudget(request.max_wait_ms, context.limits),
      limits: context.limits,
      progress: context.progress,
      relations: () => change.relations,
    },
    async (session, connection) => {
      await requireNew(context, session, change.operation);
      requireServer(connection.serverVersion);
      const transaction = { change, session, connection, writes: true };
      const prepared = await prepareLocked(transaction, prepare);
      if ("done" in prepared) {
        await recordWholeAnswer(context, session, change.operation, prepared.done);
        await session.run("commit");
        session.ended();
        return prepared;
      }
      const planned = withFindings(prepared, [
        ...untrustedFindings(connection.untrusted),
        ...prepared.history.findings,
      ]);
      requireApplicable(planned, request);
      change.stage = "begun";
      return await recordPlanned(transaction, planned);
    },
  );
  if ("done" in outcome) return outcome;
  change.stage = "committed";
  context.database.goFirst();
  return { planned: outcome.plan.planned, lock: outcome.lock };
}

/**
 * Keeps other requests from the names, and other DDL from the tables, until the transaction's end: SHARE UPDATE
 * EXCLUSIVE on the tables, in order of names. Clients' reads and writes go on, and none of them queues behind this.
 */
export async function lockTables(
  { change, session, writes }: Transaction,
  names: RelationName[],
  tables: RelationName[],
): Promise<void> {
  change.relations = names;
  if (!writes) return;
  const quoted = new Set(tables.map(({ schema, name }) => `only ${qualified(schema, name)}`));
  const lock = `lock table ${[...quoted].sort().join(", ")} in share update exclusive mode`;
  // A proposal changes no table.
  const statements = change.request.mode === "propose" ? [] : [lock];
  try {
    await session.run([advisoryLocks(names), ...statements].join(";\n"));
  } catch (error) {
    throw isLockRefused(error) ? new TablesNotLocked(error) : error;
  }
}

/** Something is wrong with a table that was to be locked. */
class TablesNotLocked extends Error {
  constructor(cause: unknown) {
    super("the tables could not be locked", { cause });
  }
}

/** Prepares a change. Where tables cannot be locked, the plan, made without locks, says what is wrong with them. */
async function prepareLocked<C extends PlannedChange>(
  transaction: Transaction,
  prepare: Prepare<C>,
): Promise<C | Done<OperationAnswer>> {
  try {
    return await prepare(transaction);
  } catch (error) {
    if (!(error instanceof TablesNotLocked)) throw error;
    const { change, session } = transaction;
    await session.rollback();
    await prepare(await beginToPlan(change, session));
    throw error.cause;
  }
}

/** Records what is known before the locks, and answers what is left to be run with them. */
async function recordPlanned<C extends PlannedChange>(
  { change, session }: Transaction,
  planned: C,
) {
  const { context, request, operation } = change;
  const { plan, batch_id, history, recordAhead, recordBefore, record } = planned;
  const proposing = request.mode === "propose";
  const event = eventOf(change, planned);
  const file = history.recorded ? planned.file() : null;
  const kept: HistoryStatements | null = file && historyStatements(plan, file, event, request);
  const ahead = [
    ...(recordAhead === undefined ? [] : [recordAhead()]),
    ...(kept === null ? [] : [kept.keep]),
  ];
  if (ahead.length > 0) await session.run(ahead.join(";\n"));
  await recordAnswer(context, session, operation, {
    ...planParts(plan),
    batch_id,
    mode: request.mode,
  });
  return {
    // A proposal is the record alone.
    plan: { ...plan, ...(proposing && NO_STATEMENTS), planned },
    beforeAttempt: kept?.record,
    recordBefore: proposing ? undefined : recordBefore,
    record: (figures: Parameters<typeof insertEvent>[1]) => [
      ...(proposing ? [] : record),
      withNotificationOf(
        change,
        insertEvent(event, figures, file ? historyDetails(file.name) : undefined),
      ),
    ],
    recorded: recordedLock(context.requestId),
  };
}

/** The plan, whether it would be refused, and where it is asked for the file that makes the change elsewhere. */
async function planChange<C extends PlannedChange>(
  change: Change,
  prepare: Prepare<C>,
): Promise<Outcome<C>> {
  const { context, request } = change;
  return await readingSession(context, async (session) => {
    const transaction = await beginToPlan(change, session);
    const planned = await prepare(transaction);
    if ("done" in planned) return planned;
    const { untrusted, history } = transaction.connection;
    if (request.migration_file) {
      // Nobody is asked again when the file is applied.
      requireApplicable(planned, request);
      const { plan, file } = planned;
      const event = eventOf(change, planned);
      return {
        planned,
        lock: null,
        file: await migrationFile(session, history, plan, file(), event, request),
      };
    }
    return {
      planned: withFindings(planned, [
        ...untrustedFindings(untrusted),
        ...planned.history.findings,
      ]),
      lock: null,
      refusal: refusalOf(planned, request),
    };
  });
}

async function beginToPlan(change: Change, session: Session): Promise<Transaction> {
  const connection = connected(await session.begin(beginReading(change.context.limits)));
  requireServer(connection.serverVersion);
  return { change, session, connection, writes: false };
}

/**
 * Refuses a plan that the caller did not ask for, or that would break something.
 *
 * @throws {Problem} `plan_changed`, `breaking_findings` or `old_name_in_use`.
 */
function requireApplicable(
  { plan, requireSame, acknowledged = [] }: PlannedChange,
  request: ChangeRequest,
): void {
  requireSame?.();
  requireAccepted(plan, { ...request, acknowledge: [...request.acknowledge, ...acknowledged] });
}

/** Why an apply of the plan would be refused; undefined where it would not. */
function refusalOf(
  planned: PlannedChange,
  request: ChangeRequest,
): OperationAnswer["would_be_refused"] {
  try {
    requireApplicable(planned, request);
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { code, message, hint } = error;
    return { code, detail: message, ...(hint !== undefined && { hint }) };
  }
}

const withFindings = <C extends PlannedChange>(planned: C, findings: Finding[]): C => ({
  ...planned,
  plan: { ...planned.plan, findings: [...planned.plan.findings, ...findings] },
});

/** The event of a change that succeeds. */
function eventOf(
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

/** The notification of a change that was made. */
const NOTIFICATIONS: Record<Event["operation"], NotificationType | null> = {
  rename: "migration.applied",
  rollback: "migration.rolled_back",
  finalize: "migration.finalized",
  // The rename is what it was.
  refresh: null,
};

/** The statement of a change's event, which writes its notification to the outbox, too. */
function withNotificationOf({ context, request, operation }: Change, event: string): string {
  const type = request.mode === "propose" ? "migration.proposed" : NOTIFICATIONS[operation];
  return type === null ? event : withNotification(event, type, context.notify?.receivers ?? []);
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
const planParts = (plan: Plan) => ({
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
