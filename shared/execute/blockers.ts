/** Who is in the way: sessions that keep a request waiting for its locks. */
import type { Blocker } from "../contract/responses.ts";
import { jsonbLiteral } from "../plan/quoting.ts";
import type { Database } from "./database.ts";
import { sleep } from "./patience.ts";

export interface RelationName {
  schema: string;
  name: string;
}

/** Characters of a blocker's query that are shown. */
const QUERY_LENGTH = 200;

/** How long a wait must last before it is looked into, and how often it is then, in milliseconds. */
const FIRST_LOOK_MS = 40;
const NEXT_LOOK_MS = 250;

/**
 * Queries of others are visible to members of pg_read_all_stats only; times are when the state or, in a
 * transaction, the transaction began.
 */
const describe = (pids: string) => `
  select a.pid, a.usename as role, a.application_name, a.state,
    pg_catalog.to_json(coalesce(a.xact_start, a.state_change)) as since,
    round(extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.state_change)) * 1000)
      ::float8 as age_ms,
    pg_catalog.left(a.query, ${QUERY_LENGTH}) as query
  from pg_catalog.pg_stat_activity a
  where a.pid in (${pids})
  order by a.xact_start
  limit 20`;

/** Sessions that the backend `pid` is waiting for right now. */
async function blockersOf(
  database: Database,
  pid: number,
  signal: AbortSignal,
): Promise<Blocker[]> {
  const rows = await database.query(
    describe(`select pg_catalog.unnest(pg_catalog.pg_blocking_pids(${pid}))`),
    signal,
  );
  return rows as unknown as Blocker[];
}

/**
 * Sessions other than `ownPid` that hold a lock on one of the relations, oldest transaction first, at most
 * twenty; empty where they cannot be read. For locks that were not waited for, so that nobody was seen.
 */
export async function lockHolders(
  database: Database,
  relations: RelationName[],
  ownPid: number,
): Promise<Blocker[]> {
  try {
    const rows = await database.query(describe(`
      select l.pid
      from pg_catalog.jsonb_to_recordset(${jsonbLiteral(relations)}) r(schema text, name text)
      join pg_catalog.pg_namespace n on n.nspname = r.schema::name
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = r.name::name
      join pg_catalog.pg_locks l on l.locktype = 'relation' and l.relation = c.oid and l.granted
      where l.pid not in (${ownPid}, pg_catalog.pg_backend_pid())`));
    return rows as unknown as Blocker[];
  } catch {
    return [];
  }
}

/**
 * Looks, on another connection, who keeps the backend waiting while `work` runs; nothing is asked when the
 * work is done at once, and nobody waits for a connection to ask once it is done.
 */
export async function watchingBlockers<T>(
  database: Database,
  pid: number,
  seen: (blockers: Blocker[]) => void,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const watching = (async () => {
    for (let pause = FIRST_LOOK_MS;; pause = NEXT_LOOK_MS) {
      await sleep(pause, done.signal);
      if (done.signal.aborted) return;
      const blockers = await blockersOf(database, pid, done.signal).catch(() => []);
      if (blockers.length > 0 && !done.signal.aborted) seen(blockers);
    }
  })();
  try {
    return await work();
  } finally {
    done.abort();
    await watching;
  }
}
