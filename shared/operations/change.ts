/**
 * The way that every change takes: select, lock weakly, read facts, plan, carry out, verify, answer. What
 * differs from one operation to the next is a `Change`; a plan is the same way, stopped before the locks.
 */
import { Problem } from "../contract/problems.ts";
import type { SelectionRequest } from "../contract/requests.ts";
import type {
  Finding,
  OperationAnswer,
  PlannedTable,
  Verification,
} from "../contract/responses.ts";
import { advisoryLocks } from "../postgres/advisory_locks.ts";
import {
  applyPlan,
  beginReading,
  type Connected,
  connected,
  type Prepared,
} from "../postgres/apply_plan.ts";
import type { RelationName } from "../postgres/blockers.ts";
import type { Session } from "../postgres/database.ts";
import { afterCommit, isLockRefused } from "../postgres/database_errors.ts";
import { RetryBudget } from "../postgres/retry_budget.ts";
import { type Plan, planStatements, requireAccepted } from "../plan/plan.ts";
import { qualified } from "../sql/quoting.ts";
import { requireServer } from "../plan/rename.ts";
import { untrustedFindings } from "../findings/database_findings.ts";
import type { NotificationType } from "../contract/notifications.ts";
import { historyDetails } from "../tracking/history.ts";
import { type Event, insertEvent, recordedLock } from "../tracking/events.ts";
import { withNotification } from "../tracking/notifications.ts";
import {
  asProblems,
  type OperationContext,
  readingSession,
  recordingFailure,
  type Stage,
} from "./context.ts";
import {
  historyFailed,
  historyOf,
  historyStatements,
  migrationFile,
  type Replay,
  settleHistory,
} from "./history.ts";
import { answeredOnce, recordAnswer, recordWholeAnswer, requireNew } from "./idempotency.ts";
import { readMigrations } from "./read_migrations.ts";
import { notifyVerification, verified } from "./notify_verification.ts";

/** What every request that changes something says. */
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

/** One operation: what it selects, plans, records and verifies. */
export interface Change<Selected, P extends Plan> {
  operation: Event["operation"];
  batchId: string | null;
  /** What the event of a failed request says of it. */
  details: Record<string, unknown>;
  /**
   * Answers what needs no change of tables, in a transaction that is committed then; null where it does. Default:
   * nothing.
   */
  shortcut?: (session: Session) => Promise<OperationAnswer | null>;
  /** Finds what the request is about; with `lock`, keeps it from other requests until the commit. */
  select: (session: Session, lock: boolean) => Promise<Selected>;
  /** Names that no other request may be at work on, and the tables among them that are there now. */
  names: (selected: Selected) => RelationName[];
  tables: (selected: Selected) => RelationName[];
  /** What is to be said of what was selected. Default: nothing. */
  selectedFindings?: (selected: Selected) => Finding[];
  /** Reads the facts and makes the plan. */
  plan: (session: Session, selected: Selected, connected: Connected) => Promise<P>;
  /**
   * Statement that records the change before the locks are taken; nobody sees it until the commit.
   *
   * @param inHistory Whether the migration history has it, too.
   */
  recordAhead?: (plan: P, inHistory: boolean) => string;
  /** The change as a migration. */
  replay: (plan: P) => Replay;
  /** Whether what the change is about is in the migration history. Default: it is, or begins there. */
  inHistory?: (selected: Selected) => boolean;
  /** Statements that note the state before, as late as can be without anybody waiting for them. */
  recordBefore?: (plan: P, connected: Connected) => string[];
  /** Statements of the critical section that record the change. */
  record: (plan: P) => string[];
  /** The migrations it is about, in the answer's order; of a plan, those that are there already. */
  migrations: (plan: P, mode: ChangeRequest["mode"]) => string[];
  /** Refuses to apply another plan than the one that was agreed on before. Default: there was none. */
  requireSame?: (selected: Selected, plan: P) => void;
  /** Finding codes that were accepted before. Default: none. */
  accepted?: (selected: Selected) => string[];
  /** What the plan is about, table by table. */
  tablesOf: (plan: P) => PlannedTable[];
  /** Looks at the outcome after the commit, without locks. */
  verify: (plan: P, ids: string[]) => Promise<Verification>;
}

/**
 * Makes a change, or its plan.
 *
 * @throws {Problem} Any code of the contract that is about tables, migrations, plans, locks or the database.
 */
export async function change<Selected, P extends Plan>(
  context: OperationContext,
  request: ChangeRequest,
  one: Change<Selected, P>,
): Promise<OperationAnswer> {
  const budget = new RetryBudget(request.max_wait_ms, context.limits);
  if (request.mode === "plan") {
    const short = await asProblems(() => planShortcut(context, one));
    if (short !== null) return short;
    const { plan, file, refusal } = await asProblems(() =>
      readingSession(context, (session) => planOnly(context, session, request, one))
    );
    return {
      ...await answer(context, plan, one.migrations(plan, "plan")),
      batch_id: one.operation === "rename" ? null : one.batchId,
      mode: "plan",
      lock: null,
      verification: null,
      tables: one.tablesOf(plan),
      ...(file !== null && { migration_file: file }),
      ...(refusal !== null && { would_be_refused: refusal }),
    };
  }
  const about = { operation: one.operation, batch_id: null, details: one.details };
  let stage: Stage = "asked";
  const reach = (reached: Stage) => {
    stage = reached;
  };
  return await recordingFailure(
    context,
    one.operation === "rename" ? about : { ...about, batch_id: one.batchId },
    () =>
      answeredOnce(
        context,
        one.operation,
        () => apply(context, request, one, budget, reach),
      ),
    () => stage,
  );
}

/** What would be answered without a plan. */
async function planShortcut<Selected, P extends Plan>(
  context: OperationContext,
  { shortcut }: Change<Selected, P>,
): Promise<OperationAnswer | null> {
  if (shortcut === undefined) return null;
  return await readingSession(context, async (session) => {
    await session.begin(beginReading(context.limits));
    return await shortcut(session);
  });
}

/** What a proposal carries out of its plan. */
const NOTHING = { preparations: [], beforeLocks: [], locks: [], changes: [] };

async function apply<Selected, P extends Plan>(
  context: OperationContext,
  request: ChangeRequest,
  one: Change<Selected, P>,
  budget: RetryBudget,
  reach: (stage: Stage) => void,
): Promise<OperationAnswer> {
  let relations: RelationName[] = [];
  const proposing = request.mode === "propose";
  let proposed: P | null = null;
  let recorded = false;
  const outcome = await applyPlan<P, OperationAnswer>(
    context.database,
    {
      lockTimeoutMs: request.lock_timeout_ms,
      budget,
      limits: context.limits,
      progress: context.progress,
      relations: () => relations,
    },
    async (session, connection) => {
      await requireNew(context, session, one.operation);
      const short = await one.shortcut?.(session) ?? null;
      if (short !== null) {
        await recordWholeAnswer(context, session, one.operation, short);
        await session.run("commit");
        session.ended();
        return { done: short };
      }
      requireServer(connection.serverVersion);
      const selected = await one.select(session, true);
      relations = one.names(selected);
      await takeWeakLocks(context, session, selected, one, proposing);
      const history = historyOf(request, connection.history, one.inHistory?.(selected) ?? true);
      const plan = withFindings(
        await one.plan(session, selected, connection),
        [
          ...untrustedFindings(connection.untrusted),
          ...one.selectedFindings?.(selected) ?? [],
          ...proposing ? [] : history.findings,
        ],
      );
      proposed = plan;
      recorded = history.recorded && !proposing;
      requireApplicable(plan, request, one, selected);
      reach("begun");
      const event = eventOf(context, plan, one, request.mode);
      const replay = recorded ? one.replay(plan) : null;
      const kept = replay && historyStatements(plan, replay, event, request);
      const ahead = [
        ...(one.recordAhead ? [one.recordAhead(plan, recorded)] : []),
        ...(kept === null ? [] : [kept.keep]),
      ];
      if (ahead.length > 0) await session.run(ahead.join(";\n"));
      await recordAnswer(context, session, one.operation, {
        ...planned(plan),
        batch_id: one.batchId,
        mode: request.mode,
      });
      const prepared: Prepared<P> = {
        // A proposal is the record alone.
        plan: proposing ? { ...plan, ...NOTHING } : plan,
        beforeAttempt: kept?.record,
        recordBefore: proposing ? undefined : one.recordBefore?.(plan, connection),
        record: (figures) => [
          ...(proposing ? [] : one.record(plan)),
          told(
            context,
            one.operation,
            request.mode,
            insertEvent(event, figures, replay ? historyDetails(replay.name) : undefined),
          ),
        ],
        recorded: recordedLock(context.requestId),
      };
      return prepared;
    },
  );
  if ("done" in outcome) return outcome.done;
  const { plan: done, lock } = outcome;
  reach("committed");
  context.database.goFirst();
  return await afterCommit(() =>
    proposed !== null && proposing
      ? answerProposed(context, one, proposed)
      : answerApplied(context, one, done, lock, recorded)
  );
}

async function answerProposed<Selected, P extends Plan>(
  context: OperationContext,
  one: Change<Selected, P>,
  plan: P,
): Promise<OperationAnswer> {
  return {
    ...await answer(context, plan, one.migrations(plan, "propose")),
    batch_id: one.batchId,
    mode: "propose",
    lock: null,
    verification: null,
    tables: one.tablesOf(plan),
  };
}

async function answerApplied<Selected, P extends Plan>(
  context: OperationContext,
  one: Change<Selected, P>,
  plan: P,
  lock: OperationAnswer["lock"],
  recorded: boolean,
): Promise<OperationAnswer> {
  const ids = one.migrations(plan, "apply");
  context.progress({ phase: "verifying", total: ids.length });
  const verification = await verified(context, () => one.verify(plan, ids));
  const about = { batch_id: one.batchId, migration_ids: ids };
  await notifyVerification(context, one.operation, about, verification);
  const history = recorded ? await settleHistory(context, ids) : undefined;
  const findings = history === null ? [historyFailed()] : [];
  return {
    ...await answer(context, withFindings(plan, findings), ids),
    batch_id: one.batchId,
    mode: "apply",
    lock,
    verification,
    ...(history && { history }),
  };
}

/**
 * Refuses a plan that the caller did not ask for, or that would break something.
 *
 * @throws {Problem} `plan_changed`, `breaking_findings` or `old_name_in_use`.
 */
function requireApplicable<Selected, P extends Plan>(
  plan: P,
  request: ChangeRequest,
  one: Change<Selected, P>,
  selected: Selected,
): void {
  one.requireSame?.(selected, plan);
  const acknowledge = [...request.acknowledge, ...one.accepted?.(selected) ?? []];
  requireAccepted(plan, { ...request, acknowledge });
}

/** Why an apply of the plan would be refused; null where it would not. */
function refusalOf(accept: () => void): OperationAnswer["would_be_refused"] | null {
  try {
    accept();
    return null;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { code, message, hint } = error;
    return { code, detail: message, ...(hint !== undefined && { hint }) };
  }
}

/** The plan, whether an apply would refuse it, and where it is asked for the file that makes it elsewhere. */
async function planOnly<Selected, P extends Plan>(
  context: OperationContext,
  session: Session,
  request: ChangeRequest,
  one: Change<Selected, P>,
) {
  const { plan, selected, connection } = await planWithoutLocks(context, session, one);
  const inHistory = one.inHistory?.(selected) ?? true;
  const { findings } = historyOf(request, connection.history, inHistory);
  const accept = () => requireApplicable(plan, request, one, selected);
  if (!request.migration_file) {
    const all = [...untrustedFindings(connection.untrusted), ...findings];
    return { plan: withFindings(plan, all), file: null, refusal: refusalOf(accept) };
  }
  // Nobody is asked once more when the file is applied.
  accept();
  const event = eventOf(context, plan, one, "apply");
  const { history } = connection;
  return {
    plan,
    refusal: null,
    file: await migrationFile(session, history, plan, one.replay(plan), event, request),
  };
}

const withFindings = <P extends Plan>(plan: P, findings: Finding[]): P =>
  findings.length === 0 ? plan : { ...plan, findings: [...plan.findings, ...findings] };

async function planWithoutLocks<Selected, P extends Plan>(
  context: OperationContext,
  session: Session,
  one: Change<Selected, P>,
): Promise<{ plan: P; selected: Selected; connection: Connected }> {
  const connection = connected(await session.begin(beginReading(context.limits)));
  requireServer(connection.serverVersion);
  const selected = await one.select(session, false);
  const plan = withFindings(
    await one.plan(session, selected, connection),
    one.selectedFindings?.(selected) ?? [],
  );
  return { plan, selected, connection };
}

/**
 * SHARE UPDATE EXCLUSIVE on the tables, by name and in one order: other DDL waits from here on, reads and
 * writes do not. Waiting is safe for clients, since nobody of theirs queues up behind this lock.
 */
async function takeWeakLocks<Selected, P extends Plan>(
  context: OperationContext,
  session: Session,
  selected: Selected,
  one: Change<Selected, P>,
  namesOnly: boolean,
): Promise<void> {
  const tables = new Set(
    one.tables(selected).map(({ schema, name }) => `only ${qualified(schema, name)}`),
  );
  try {
    await session.run([
      advisoryLocks(one.names(selected)),
      ...(namesOnly
        ? []
        : [`lock table ${[...tables].sort().join(", ")} in share update exclusive mode`]),
    ].join(";\n"));
  } catch (error) {
    // Something is wrong with a table; the plan, made without locks, says what.
    if (isLockRefused(error)) {
      await session.rollback();
      await planWithoutLocks(context, session, one);
    }
    throw error;
  }
}

/** The event of a change that is made. */
function eventOf<Selected, P extends Plan>(
  context: OperationContext,
  plan: P,
  one: Change<Selected, P>,
  mode: ChangeRequest["mode"],
): Event {
  return {
    request_id: context.requestId,
    operation: one.operation,
    actor: context.actor,
    outcome: "succeeded",
    problem_code: null,
    batch_id: one.batchId,
    migration_ids: one.migrations(plan, mode),
    details: {
      plan_hash: plan.hash,
      ...(mode === "propose" && { proposed: true }),
      ...(plan.findings.some(({ code }) => code === "copied_database") && { relocated: true }),
    },
  };
}

/** The statement of a change's event, which puts what receivers are told of it into the outbox, too. */
function told(
  { notify }: OperationContext,
  operation: Event["operation"],
  mode: ChangeRequest["mode"],
  event: string,
): string {
  const type = mode === "propose" ? "migration.proposed" : TOLD[operation];
  return type === null ? event : withNotification(event, type, notify?.receivers ?? []);
}

/** What receivers are told of a change that was made. */
const TOLD: Record<Event["operation"], NotificationType | null> = {
  rename: "migration.applied",
  rollback: "migration.rolled_back",
  finalize: "migration.finalized",
  // The rename is what it was.
  refresh: null,
};

async function answer(context: OperationContext, plan: Plan, ids: string[]) {
  const { plan_hash, ...rest } = planned(plan);
  return { plan_hash, migrations: await readMigrations(context, ids), ...rest };
}

const planned = (plan: Plan) => ({
  plan_hash: plan.hash,
  statements: planStatements(plan),
  findings: plan.findings,
});
