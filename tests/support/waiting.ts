/** Waiting for a state instead of for a time, and looking at what the function's backends do. */
import type postgres from "postgres";
import type { TestDatabase } from "./servers/database.ts";

const POLL_MS = 10;

/** Waits until `look` gives something, which is returned. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A function's backend looks who holds locks: it does not queue behind them. */
const LOOKS = "a.state <> 'idle' and a.query ~ '^\\s*select pg_stat_clear_snapshot'";

export interface FunctionBackend {
  pid: number;
  state: string;
  /** Whether it waits for a lock, in its queue or until nobody is in the way. */
  waiting: boolean;
  query: string;
}

/** The backends that functions have in this database. */
export async function functionBackends(sql: postgres.Sql): Promise<FunctionBackend[]> {
  return await sql<FunctionBackend[]>`
    select a.pid, a.state, a.query,
      coalesce(a.wait_event_type = 'Lock', false) or ${sql.unsafe(LOOKS)} as waiting
    from pg_stat_activity a
    where a.datname = current_database() and a.application_name = 'table-rename' order by a.pid`;
}

/**
 * Waits until a function's backend waits for a lock of this mode, and returns its process id: it is in the lock's
 * queue, or, for what clients feel, looks whether the lock's holder has left.
 */
export function lockWaiter(
  sql: postgres.Sql,
  mode: "ShareUpdateExclusiveLock" | "AccessExclusiveLock",
): Promise<number> {
  const looks = mode === "AccessExclusiveLock" ? `or ${LOOKS}` : "";
  return until(`a function waits for ${mode}`, async () => {
    const [row] = await sql.unsafe(
      `select a.pid from pg_stat_activity a
       where a.datname = current_database() and a.application_name = 'table-rename' and (exists (
           select from pg_locks l where l.pid = a.pid and not l.granted and l.mode = $1) ${looks})`,
      [mode],
    );
    return row?.pid;
  });
}

/** Waits until a function's backend is in the queue of a lock that clients feel, and returns its process id. */
export function queuedWaiter(sql: postgres.Sql): Promise<number> {
  return until("a function is in the queue of a lock", async () => {
    const [row] = await sql`
      select l.pid from pg_locks l join pg_stat_activity a using (pid)
      where not l.granted and l.mode = 'AccessExclusiveLock' and a.datname = current_database()
        and a.application_name = 'table-rename'`;
    return row?.pid;
  });
}

export interface Holder {
  pid: number;
  /** Ends the transaction that has the lock. */
  release(): Promise<void>;
  /** In the transaction that has the lock. */
  sql: postgres.ReservedSql;
}

/** A client that takes a lock in a transaction and keeps it, as a long query or a vacuum does. */
export async function holdLock(
  db: TestDatabase,
  table: string,
  mode = "access share",
  applicationName = "long_reader",
): Promise<Holder> {
  const client = db.connect({ max: 1, connection: { application_name: applicationName } });
  const sql = await client.reserve();
  await sql`begin`;
  const [{ pid }] = await sql`select pg_backend_pid() as pid`;
  await sql.unsafe(`lock table ${table} in ${mode} mode /* ${"x".repeat(300)} */`);
  return {
    pid,
    sql,
    async release() {
      await sql`commit`;
      sql.release();
      await client.end();
    },
  };
}

/** Time between two turns of `holdInTurns`, in milliseconds: transactions of twice this time are short ones. */
const TURN_MS = 10;

/**
 * Two clients with short transactions that take turns, so that a table is never free: a change queues for its lock, and
 * each of its attempts fails. They stop when the table has another name.
 */
export async function holdInTurns(
  db: TestDatabase,
  tables: string | string[],
): Promise<{ release(): Promise<void> }> {
  const client = db.connect({ max: 2, connection: { application_name: "in_turns" } });
  const names = [tables].flat().join(", ");
  const lock = async (sql: postgres.ReservedSql) => {
    await sql`begin`;
    await sql.unsafe(`lock table ${names} in access share mode`);
  };
  let [has, next] = [await client.reserve(), await client.reserve()];
  await lock(has);
  let over = false;
  const turns = (async () => {
    while (!over) {
      await lock(next);
      await has`commit`;
      [has, next] = [next, has];
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
  })().catch((error) => {
    if (error.code !== "42P01") throw error;
  });
  // The error is that of `release`.
  turns.catch(() => {});
  return {
    async release() {
      over = true;
      await turns;
      await Promise.all([has, next].map(async (sql) => {
        await sql`rollback`;
        sql.release();
      }));
      await client.end();
    },
  };
}
