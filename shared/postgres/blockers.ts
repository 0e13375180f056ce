/** Blockers: sessions and prepared transactions that keep a request waiting for its locks. */
import type { Blocker } from "../contract/responses.ts";
import { jsonbLiteral, literal } from "../sql/quoting.ts";
import type { Database } from "./database.ts";
import { sleep } from "./limits.ts";

export interface RelationName {
  schema: string;
  name: string;
}

/** Characters of a blocker's query that are shown. */
const QUERY_LENGTH = 200;

/** How long a wait must last before its blockers are queried, and how often then, in milliseconds. */
const FIRST_LOOK_MS = 40;
const NEXT_LOOK_MS = 250;

/**
 * Query that describes the holders of locks, the oldest transaction first. Only members of pg_read_all_stats see the
 * queries of other roles. A transaction that is prepared for two-phase commit has no session; its locks share its
 * virtual transaction, and one of them is on its own id.
 *
 * @param locks Query for the locks, as `pid` and `virtualtransaction`.
 */
const describe = (locks: string) => `
with held as materialized (${locks})
select x.pid, x.role, x.application_name, x.state, to_json(x.began) as since,
  round(extract(epoch from clock_timestamp() - x.began) * 1000)::float8 as age_ms,
  left(x.query, ${QUERY_LENGTH}) as query, x.gid
from (
  select a.pid, a.usename as role, a.application_name, a.state,
    coalesce(a.xact_start, a.state_change) as began, a.query, null::text as gid
  from pg_stat_activity a
  where a.pid in (select h.pid from held h)
  union all
  select 0, p.owner, null, 'prepared', p.prepared, null, p.gid
  from pg_prepared_xacts p
  where exists (
    select from pg_locks t
    join held h on h.pid is null and h.virtualtransaction = t.virtualtransaction
    where t.pid is null and t.locktype = 'transactionid' and t.granted
      and t.transactionid = p.transaction)
) x
order by x.began
limit 20`;

/** Locks that keep the backend `pid` waiting. pg_blocking_pids gives 0 for each prepared transaction. */
const blockingLocks = (pid: number) => `
  select b.pid, null as virtualtransaction
  from unnest(pg_blocking_pids(${pid})) b(pid)
  union all
  select null, h.virtualtransaction
  from pg_locks w
  join pg_locks h on h.pid is null and h.granted and h.locktype = w.locktype
    and h.database is not distinct from w.database
    and h.relation is not distinct from w.relation
    and h.transactionid is not distinct from w.transactionid
  where w.pid = ${pid} and not w.granted and 0 = any(pg_blocking_pids(${pid}))`;

/** Locks on the relations, except those of `ownPid`. */
const locksOn = (relations: RelationName[], ownPid: number) => `
  select l.pid, l.virtualtransaction
  from jsonb_to_recordset(${jsonbLiteral(relations)}) r(schema text, name text)
  join pg_namespace n on n.nspname = r.schema::name
  join pg_class c on c.relnamespace = n.oid and c.relname = r.name::name
  join pg_locks l on l.locktype = 'relation' and l.relation = c.oid and l.granted
  where l.pid is null or l.pid not in (${ownPid}, pg_backend_pid())`;

async function queryBlockers(
  database: Database,
  locks: string,
  signal?: AbortSignal,
): Promise<Blocker[]> {
  const rows = await database.query(describe(locks), signal);
  // Only prepared transactions have a gid.
  return rows.map(({ gid, ...row }) =>
    (gid === null ? row : { ...row, gid }) as unknown as Blocker
  );
}

/**
 * Who holds a lock on one of the relations, except the backend `ownPid`; at most twenty, the oldest transaction first;
 * empty where they cannot be read. For locks that were not waited for, so that `watchingBlockers` saw nobody.
 */
export async function lockHolders(
  database: Database,
  relations: RelationName[],
  ownPid: number,
): Promise<Blocker[]> {
  return await queryBlockers(database, locksOn(relations, ownPid)).catch(() => []);
}

/** What the caller can do about the blockers. */
export function blockersHint(blockers: Blocker[]): string {
  const prepared = blockers.find(({ gid }) => gid !== undefined);
  const wait = "Wait for the blockers' transactions to end, or end them; then try again.";
  if (prepared === undefined) return wait;
  const gid = literal(prepared.gid!);
  return `${wait} A transaction that is prepared for two-phase commit has no session to end: run ` +
    `COMMIT PREPARED ${gid} or ROLLBACK PREPARED ${gid} as its owner, ${prepared.role}.`;
}

/**
 * Queries on another connection, while `work` runs, who keeps the backend waiting. Nothing is queried if the work is
 * done at once, and a wait for a connection ends with the work.
 */
export async function watchingBlockers<T>(
  database: Database,
  pid: number,
  seen: (blockers: Blocker[]) => void,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const watching = (async () => {
    for (let delay = FIRST_LOOK_MS;; delay = NEXT_LOOK_MS) {
      await sleep(delay, done.signal);
      if (done.signal.aborted) return;
      const blockers = await queryBlockers(database, blockingLocks(pid), done.signal)
        .catch(() => []);
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
