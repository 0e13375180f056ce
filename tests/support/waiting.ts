/** Waiting for a state instead of for a time, and looking at what the function's backends do. */
import type postgres from "postgres";
import type { TestDatabase } from "./database.ts";

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

export interface FunctionBackend {
  pid: number;
  state: string;
  /** Whether it waits for a lock. */
  waiting: boolean;
  query: string;
}

/** The backends that functions have in this database. */
export async function functionBackends(sql: postgres.Sql): Promise<FunctionBackend[]> {
  return await sql<FunctionBackend[]>`
    select pid, state, coalesce(wait_event_type = 'Lock', false) as waiting, query
    from pg_stat_activity
    where datname = current_database() and application_name = 'table-rename' order by pid`;
}

/** Waits until a function's backend waits for a lock of this mode, and returns its process id. */
export function lockWaiter(
  sql: postgres.Sql,
  mode: "ShareUpdateExclusiveLock" | "AccessExclusiveLock",
): Promise<number> {
  return until(`a function waits for ${mode}`, async () => {
    const [row] = await sql`
      select l.pid from pg_locks l join pg_stat_activity a using (pid)
      where not l.granted and l.mode = ${mode} and a.datname = current_database()
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
