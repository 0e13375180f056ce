/** Blockers: sessions and prepared transactions that keep a request waiting for its locks. */
import type { Blocker } from "../../contract/responses.ts";
import { literal } from "../../sql/quoting.ts";
import type { Database, Row } from "../connection/database.ts";
import { sleep } from "../limits.ts";

export interface RelationName {
  schema: string;
  name: string;
}

/** Characters of a blocker's query that are shown. */
const QUERY_LENGTH = 200;

/** How long a wait must last before its blockers are queried, and how often then, in milliseconds. */
const FIRST_LOOK_MS = 40;
const NEXT_LOOK_MS = 250;

/** Blockers that are reported, at most. */
const MAX_BLOCKERS = 20;

/**
 * Query that describes the holders of locks, the oldest transaction first. Only members of pg_read_all_stats see the
 * queries and ages of other roles. A transaction that is prepared for two-phase commit has no session; its locks share
 * its virtual transaction, and one of them is on its own id. A parallel worker is its leader, which has the lock, too.
 *
 * @param locks Query for the locks, as `pid` and `virtualtransaction`.
 */
export const describe = (locks: string) => `
with held as materialized (${locks})
select x.pid, x.role, x.application_name, x.state, to_json(coalesce(x.began, x.changed)) as since,
  round(extract(epoch from clock_timestamp() - coalesce(x.began, x.changed)) * 1000)::float8 as age_ms,
  left(x.query, ${QUERY_LENGTH}) as query, x.gid, x.virtualtransaction, x.hidden,
  round(extract(epoch from clock_timestamp() - x.began) * 1000)::float8 as transaction_age_ms
from (
  select a.pid, a.usename as role, a.application_name, a.state, a.xact_start as began,
    a.state_change as changed, a.query, null::text as gid, h.virtualtransaction,
    a.backend_start is null as hidden
  from held h
  join pg_stat_activity a on a.pid = h.pid
  where a.leader_pid is null
  union all
  select 0, p.owner, null, 'prepared', p.prepared, null, null, p.gid, p.gid, false
  from pg_prepared_xacts p
  where exists (
    select from pg_locks t
    join held h on h.pid is null and h.virtualtransaction = t.virtualtransaction
    where t.pid is null and t.locktype = 'transactionid' and t.granted
      and t.transactionid = p.transaction)
) x
order by coalesce(x.began, x.changed)`;

/** Locks that keep the backend `pid` waiting. pg_blocking_pids gives 0 for each prepared transaction. */
const blockingLocks = (pid: number) => `
  select distinct b.pid, null as virtualtransaction
  from unnest(pg_blocking_pids(${pid})) b(pid)
  union all
  select null, h.virtualtransaction
  from pg_locks w
  join pg_locks h on h.pid is null and h.granted and h.locktype = w.locktype
    and h.database is not distinct from w.database
    and h.relation is not distinct from w.relation
    and h.transactionid is not distinct from w.transactionid
  where w.pid = ${pid} and not w.granted and 0 = any(pg_blocking_pids(${pid}))`;

/** A row of `describe` as it is reported. Only prepared transactions have a gid. */
function blockerOf(
  { pid, role, application_name, state, since, age_ms, query, gid }: Row,
): Blocker {
  const blocker = { pid, role, application_name, state, since, age_ms, query };
  return (gid === null ? blocker : { ...blocker, gid }) as Blocker;
}

/** Those that are reported. */
export const reported = (rows: Row[]): Blocker[] => rows.slice(0, MAX_BLOCKERS).map(blockerOf);

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
      const blockers = await database.query(describe(blockingLocks(pid)), done.signal)
        .then(reported, () => []);
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
