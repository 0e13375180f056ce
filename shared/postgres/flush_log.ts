/**
 * Writing the log before the locks. COMMIT waits until the disk has all that its transaction has logged (PostgreSQL
 * manual, 28.3, write-ahead logging), the views of a batch included, while clients wait for its locks. The server writes
 * its log in order: another session's COMMIT that comes before writes all of that, and leaves little for ours.
 */
import type { Database } from "./connection/database.ts";
import { setLockTimeout } from "./transaction.ts";

/** Longest wait for a connection, and for a lock, in milliseconds. What it saves clients are a few. */
const LONGEST_WAIT_MS = 50;

/** Only a transaction that has changed something writes the log; a row's lock does, and leaves nothing behind. */
const CHANGE_NOTHING = `${setLockTimeout(LONGEST_WAIT_MS)};
select from public.sys_table_migrations limit 1 for key share skip locked`;

/**
 * Has the server write to disk what all sessions have logged so far. If it does not, such as where the tracking table has
 * no row yet, COMMIT takes longer; so it never fails.
 */
export async function flushLog(database: Database): Promise<void> {
  const wait = new AbortController();
  const timer = setTimeout(() => wait.abort(), LONGEST_WAIT_MS);
  try {
    await database.query(CHANGE_NOTHING, wait.signal);
  } catch {
    // The change goes on, and its own COMMIT says what is wrong.
  } finally {
    clearTimeout(timer);
  }
}
