/** The compatibility test of an active rename: five tests through both names, without lasting effects. */
import type { RecordedRename } from "../facts/migration.ts";
import { verifyFactsFromRow, verifyFactsQuery } from "../catalog/verify_facts.ts";
import { factsFromRow, factsQuery } from "../catalog/read_facts.ts";
import { Problem } from "../contract/problems.ts";
import { VERIFY_CHECKS, type VerifyCheckName, type VerifyRequest } from "../contract/requests.ts";
import type { VerifyAnswer, VerifyCheck } from "../contract/responses.ts";
import type { DataApiAccess } from "../verify/run/data_api_client.ts";
import { blockersHint } from "../postgres/locks/blockers.ts";
import { lockHolders } from "../postgres/locks/lock_holders.ts";
import { setLockTimeout } from "../postgres/transaction.ts";
import type { Database, Session } from "../postgres/connection/database.ts";
import { isLockFailure } from "../postgres/database_errors.ts";
import { locateRelations } from "../drift/drift.ts";
import { qualified } from "../sql/quoting.ts";
import { requireView } from "../plan/refusals.ts";
import { commonColumns } from "../verify/definitions.ts";
import { API_ROLES, type VerifyFacts } from "../facts/verify_facts.ts";
import { personasOf } from "../verify/personas.ts";
import { testRow, testTable } from "../verify/test_row.ts";
import { standingMigrations, trackedFromRows } from "../tracking/read_migrations.ts";
import { recordVerification } from "../tracking/verifications.ts";
import { passOverReads } from "../tracking/usage.ts";
import { wholeTransaction } from "../postgres/transaction.ts";
import { testCost } from "../verify/run/cost.ts";
import { testDataApi } from "../verify/run/data_api.ts";
import { testJoins, testReads } from "../verify/run/reads.ts";
import { findVerifier, sessionOf } from "../verify/run/session.ts";
import { VerifyRun, type VerifyTarget } from "../verify/run/verify_run.ts";
import { testWrites } from "../verify/run/writes.ts";
import {
  asProblems,
  inReadOnlyTransaction,
  type OperationContext,
  orLog,
  recordWorstDrift,
  toRead,
} from "./steps/context.ts";
import { namesOf, oidsOf, oldNamesOf, selectActive } from "./steps/select_migrations.ts";
import { sampleUsage } from "./steps/usage.ts";
import { notifyVerification } from "./steps/notify_verification.ts";

interface VerifyContext extends OperationContext {
  /** The project's Data API; null where it is not known. */
  dataApi: DataApiAccess | null;
  /** The database as a login without rights of its own; null where there is none. */
  verifierDatabase: Database | null;
}

export interface Verified {
  answer: VerifyAnswer;
  migration: RecordedRename;
  /** The table as it is called now. */
  table: { name: string };
}

const TESTS: Record<
  VerifyCheckName,
  (verifyRun: VerifyRun, context: VerifyContext) => Promise<VerifyCheck>
> = {
  reads: testReads,
  writes: testWrites,
  joins: testJoins,
  cost: testCost,
  data_api: (verifyRun, { dataApi }) => testDataApi(verifyRun, dataApi),
};

/**
 * Tests whether an old name still does what its table does. Whatever is executed is rolled back; numbers taken from
 * sequences, which a rollback does not give back, are reported. How many checks passed is recorded with the migration,
 * where the login may do so.
 *
 * @throws {Problem} `migration_not_found`, `not_active`, `invalid_request` for a rename without a view,
 *   `drifted`, `lock_not_acquired` with `blockers`, `deadline_exceeded`, `database_unavailable`.
 */
export async function verify(context: VerifyContext, request: VerifyRequest): Promise<Verified> {
  return await recordingDrift(context, async () => {
    const target = await inReadOnlyTransaction(
      context,
      (session, { pid }) => readTarget(context, session, pid, request),
    );
    const { migration, view } = target;
    // In a session of its own, which is given back before the one for the tests is taken.
    if (view.scan_counter !== null) await sampleUsage(context, [migration]);
    const tests = target.session.separate ? context.verifierDatabase! : context.database;
    const answer = await tests.withSession(toRead(context), async (session) => {
      const wanted = VERIFY_CHECKS.filter((name) => request.checks.includes(name));
      const checks: VerifyCheck[] = [];
      await notCountingReads(context, session, target, async () => {
        for (const [index, name] of wanted.entries()) {
          context.progress({ phase: "verifying", check: name, done: index, total: wanted.length });
          const verifyRun = new VerifyRun(context, session, request, target);
          checks.push(await TESTS[name](verifyRun, context));
        }
      });
      const passed = checks.every(({ passed }) => passed);
      return { passed, session: target.session, checks };
    });
    await orLog(
      context,
      "the result of the verification could not be recorded",
      () => context.database.query(recordVerification(migration.id, context.actor, answer)),
    );
    const about = { batch_id: null, migration_ids: [migration.id] };
    await notifyVerification(context, null, about, answer);
    return { answer, migration, table: target.table };
  });
}

/** Also where the test is refused: the reason may be a view that is gone. */
async function recordingDrift<T>(context: OperationContext, work: () => Promise<T>): Promise<T> {
  try {
    return await asProblems(work);
  } finally {
    await recordWorstDrift(context);
  }
}

async function readTarget(
  context: VerifyContext,
  session: Session,
  pid: number,
  request: VerifyRequest,
): Promise<VerifyTarget> {
  const { migration_id, table, schema } = request;
  const selection = { migration_id, table, schema };
  const [migration] = await selectActive(session, selection, "verify", false);
  requireView(migration, "verify");
  await session.run(setLockTimeout(request.max_ms));
  try {
    return await readRelations(context, session, request, migration);
  } catch (error) {
    if (!isLockFailure(error)) throw error;
    const blockers = await lockHolders(context.database, namesOf([migration]), pid);
    throw new Problem("lock_not_acquired", "Somebody else has locked the table or its view.", {
      hint: blockersHint(blockers),
      fields: { blockers },
      cause: error,
    });
  }
}

async function readRelations(
  context: VerifyContext,
  session: Session,
  request: VerifyRequest,
  migration: RecordedRename,
): Promise<VerifyTarget> {
  const query = factsQuery({
    names: oldNamesOf([migration]),
    oids: oidsOf([migration]),
    // For what the Data API embeds.
    analysis: true,
  });
  const [[row], standing] = await session.runAll(`${query};\n${standingMigrations()}`);
  const facts = factsFromRow(row as { facts: string });
  const [step] = locateRelations([migration], facts, trackedFromRows(standing), [], {
    later: true,
  });
  // `locateRelations` refuses where there is none.
  const { table, view } = { ...step, view: step.view! };
  const verifier = await findVerifier(context.verifierDatabase, session, [table.oid, view.oid]);
  const [verifyRow] = await session.run(
    verifyFactsQuery({
      table: table.oid,
      view: view.oid,
      roles: [...API_ROLES, ...request.claims.map(({ role }) => role)],
      verifier: verifier.login,
    }),
  );
  const verifyFacts = asTried(verifyFactsFromRow(verifyRow));
  const tested = testTable(table, verifyFacts);
  const columns = commonColumns(table, view);
  const { key, unique } = testRow(tested, false);
  const names = {
    table: qualified(table.schema, table.name),
    view: qualified(view.schema, view.name),
    bare: { new: table.name, old: view.name },
    columns,
    key: unique && key.every((name) => columns.includes(name)) ? key : [],
  };
  const who = personasOf(verifyFacts, table.owner, request.claims);
  return {
    migration,
    table,
    view,
    facts: verifyFacts,
    testTable: tested,
    names,
    ...who,
    session: sessionOf(verifier, verifyFacts),
  };
}

/**
 * In a session without rights, code that switches the role achieves nothing; in one of ours it counts as code that
 * acts outside of the database.
 */
const asTried = (facts: VerifyFacts): VerifyFacts => ({
  ...facts,
  side_effects: facts.side_effects.flatMap((found) =>
    found.kind !== "leaves" ? [found] : facts.separate ? [] : [{ ...found, kind: "sends" as const }]
  ),
});

/** Does work that reads through a view that may count its use, and ignores what was counted meanwhile. */
async function notCountingReads(
  context: OperationContext,
  session: Session,
  { migration, view }: VerifyTarget,
  work: () => Promise<void>,
): Promise<void> {
  if (view.scan_counter === null) return await work();
  try {
    await work();
  } finally {
    const counter = view.scan_counter;
    await orLog(context, "our own reads through the old name could not be left out", async () => {
      // The session sends its counts to the server at the end of its next transaction.
      await session.runWhole(wholeTransaction("select pg_stat_force_next_flush()"));
      await context.database.query(passOverReads(migration.id, counter));
    });
  }
}
