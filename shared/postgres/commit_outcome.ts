/**
 * Whether a transaction was committed whose COMMIT was sent and never answered. The server knows: pg_xact_status
 * (PostgreSQL manual, 9.26, transaction ID functions).
 */
import { Problem } from "../contract/problems.ts";
import { literal } from "../sql/quoting.ts";
import type { Database } from "./connection/database.ts";
import { isConnectionLost, isUnknownTransaction } from "./database_errors.ts";
import { type Limits, remainingMs, sleep } from "./limits.ts";

/** How often the server is asked, and how long at least, whatever the deadline, in milliseconds. */
const POLL_MS = 100;
const MIN_TIME_MS = 5_000;

/** Time after which a backend that waits for a client that is gone is terminated, in milliseconds. */
const ORPHAN_AFTER_MS = 1_000;

/**
 * Waits until the transaction is over, and returns whether it was committed.
 *
 * A backend that has lost its client can still be executing a message, so "in progress" is polled. One that is idle in
 * our transaction is terminated: nobody can commit it any more.
 *
 * @param xid The transaction's `pg_current_xact_id()`.
 * @throws {Problem} `database_unavailable` where the database cannot be reached until the deadline: only then
 *   the outcome is not known.
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
        `select pg_xact_status(${literal(xid)}::xid8) as status`,
      );
      if (row.status === "committed") return true;
      if (row.status === "aborted") return false;
      if (elapsed > ORPHAN_AFTER_MS) await terminateOrphan(database, xid);
    } catch (cause) {
      if (isUnknownTransaction(cause)) return false;
      const left = Math.max(remainingMs(limits), MIN_TIME_MS - elapsed);
      if (!isConnectionLost(cause) || left <= 0) throw outcomeUnknown(cause);
    }
    await sleep(POLL_MS);
  }
}

export const outcomeUnknown = (cause: unknown): Problem =>
  new Problem(
    "database_unavailable",
    "The connection broke during the commit, and the database cannot be reached since then.",
    { hint: "When it is back, list-migrations shows whether the change was made.", cause },
  );

async function terminateOrphan(database: Database, xid: string): Promise<void> {
  await database.query(`
    select pg_terminate_backend(a.pid)
    from pg_stat_activity a
    where a.backend_xid = ${literal(xid)}::xid8::xid and a.state like 'idle in transaction%'`);
}
