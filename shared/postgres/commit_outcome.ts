/**
 * What became of a transaction whose COMMIT was sent and whose answer never came. The server knows:
 * pg_xact_status (PostgreSQL manual, 9.26, transaction ID functions) tells committed from aborted.
 */
import { Problem } from "../contract/problems.ts";
import { literal } from "../sql/quoting.ts";
import type { Database } from "./database.ts";
import { isConnectionLost, isUnknownTransaction } from "./database_errors.ts";
import { type Limits, remainingMs } from "./limits.ts";
import { sleep } from "./retry_budget.ts";

/** How often the server is asked, and how long it is asked at least, deadline or not, in milliseconds. */
const POLL_MS = 100;
const LEAST_TIME_MS = 5_000;

/** Time after which a backend that only waits for a client that is gone is ended, in milliseconds. */
const ORPHAN_AFTER_MS = 1_000;

/**
 * Waits until the transaction is over, and says whether it was committed.
 *
 * A backend that has lost its client may go on with a message it has received, so "in progress" is waited
 * out; one that sits idle in our transaction is ended, since nobody can commit it any more.
 *
 * @param xid The transaction's `pg_current_xact_id()`.
 * @throws {Problem} `database_unavailable` where the database cannot be reached until the deadline: then, and
 *   only then, the outcome is not known.
 */
export async function wasCommitted(
  database: Database,
  xid: string,
  limits: Limits,
): Promise<boolean> {
  const started = performance.now();
  for (;;) {
    const elapsed = performance.now() - started;
    try {
      const [row] = await database.query(
        `select pg_catalog.pg_xact_status(${literal(xid)}::pg_catalog.xid8) as status`,
      );
      if (row.status === "committed") return true;
      if (row.status === "aborted") return false;
      if (elapsed > ORPHAN_AFTER_MS) await endOrphan(database, xid);
    } catch (cause) {
      if (isUnknownTransaction(cause)) return false;
      const wait = Math.max(remainingMs(limits), LEAST_TIME_MS - elapsed);
      if (!isConnectionLost(cause) || wait <= 0) {
        throw outcomeUnknown(cause);
      }
    }
    await sleep(POLL_MS);
  }
}

/** Whether the change was made cannot be said now. */
export const outcomeUnknown = (cause: unknown): Problem =>
  new Problem(
    "database_unavailable",
    "The connection broke while the change was committed, and the database cannot be reached since.",
    { hint: "When it is back, list-migrations says whether the change was made.", cause },
  );

async function endOrphan(database: Database, xid: string): Promise<void> {
  await database.query(`
    select pg_catalog.pg_terminate_backend(a.pid)
    from pg_catalog.pg_stat_activity a
    where a.backend_xid = ${literal(xid)}::pg_catalog.xid8::pg_catalog.xid
      and a.state like 'idle in transaction%'`);
}
