/** Who is in the way: sessions that keep a request waiting for its locks. */
import type { Blocker } from "../contract/responses.ts";
import { jsonbLiteral, literal } from "../sql/quoting.ts";
import type { Database } from "./database.ts";
import { sleep } from "./retry_budget.ts";

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
 * transaction, the transaction began. A transaction that is prepared for two-phase commit has no session; its
 * locks have its virtual transaction in common, the one on its own id among them.
 *
 * @param locks Query for locks, as `pid` and `virtualtransaction`.
 */
const describe = (locks: string) => `
  with held as materialized (${locks})
  select x.pid, x.role, x.application_name, x.state, pg_catalog.to_json(x.began) as since,
    round(extract(epoch from pg_catalog.clock_timestamp() - x.began) * 1000)::float8 as age_ms,
    pg_catalog.left(x.query, ${QUERY_LENGTH}) as query, x.gid
  from (
    select a.pid, a.usename as role, a.application_name, a.state,
      coalesce(a.xact_start, a.state_change) as began, a.query, null::text as gid
    from pg_catalog.pg_stat_activity a
    where a.pid in (select h.pid from held h)
    union all
    select 0, p.owner, null, 'prepared', p.prepared, null, p.gid
    from pg_catalog.pg_prepared_xacts p
    where exists (
      select from pg_catalog.pg_locks t
      join held h on h.pid is null and h.virtualtransaction = t.virtualtransaction
      where t.pid is null and t.locktype = 'transactionid' and t.granted
        and t.transactionid = p.transaction)
  ) x
  order by x.began
  limit 20`;

/** Only transactions that were prepared have an identifier. */
const blockersFrom = (rows: Record<string, unknown>[]): Blocker[] =>
  rows.map(({ gid, ...row }) => (gid === null ? row : { ...row, gid }) as unknown as Blocker);

/** Who keeps the backend `pid` waiting right now. The server has 0 for whatever is prepared. */
async function blockersOf(
  database: Database,
  pid: number,
  signal: AbortSignal,
): Promise<Blocker[]> {
  const rows = await database.query(
    describe(`
    select b.pid, null as virtualtransaction
    from pg_catalog.unnest(pg_catalog.pg_blocking_pids(${pid})) b(pid)
    union all
    select null, h.virtualtransaction
    from pg_catalog.pg_locks w
    join pg_catalog.pg_locks h on h.pid is null and h.granted and h.locktype = w.locktype
      and h.database is not distinct from w.database and h.relation is not distinct from w.relation
      and h.transactionid is not distinct from w.transactionid
    where w.pid = ${pid} and not w.granted and 0 = any(pg_catalog.pg_blocking_pids(${pid}))`),
    signal,
  );
  return blockersFrom(rows);
}

/**
 * Whoever but `ownPid` holds a lock on one of the relations, oldest transaction first, at most twenty; empty
 * where they cannot be read. For locks that were not waited for, so that nobody was seen.
 */
export async function lockHolders(
  database: Database,
  relations: RelationName[],
  ownPid: number,
): Promise<Blocker[]> {
  try {
    return blockersFrom(
      await database.query(describe(`
      select l.pid, l.virtualtransaction
      from pg_catalog.jsonb_to_recordset(${jsonbLiteral(relations)}) r(schema text, name text)
      join pg_catalog.pg_namespace n on n.nspname = r.schema::name
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = r.name::name
      join pg_catalog.pg_locks l on l.locktype = 'relation' and l.relation = c.oid and l.granted
      where l.pid is null or l.pid not in (${ownPid}, pg_catalog.pg_backend_pid())`)),
    );
  } catch {
    return [];
  }
}

/** What to do about them. */
export function blockersHint(blockers: Blocker[]): string {
  const prepared = blockers.find(({ gid }) => gid !== undefined);
  const wait = "Wait for the blockers' transactions to end, or end them; then try again.";
  if (prepared === undefined) return wait;
  const gid = literal(prepared.gid!);
  return `${wait} A transaction that is prepared for two-phase commit has no session to end: run ` +
    `COMMIT PREPARED ${gid} or ROLLBACK PREPARED ${gid} as its owner, ${prepared.role}.`;
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
