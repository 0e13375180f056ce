/**
 * Room for locks. All locks of a server share one table in memory, whose size is fixed when it starts (PostgreSQL
 * manual, 20.12, max_locks_per_transaction). A transaction that fills it fails, and so do others at that moment. So a
 * batch that does not fit is refused while it has only its weak locks, one for each table.
 */
import { Problem } from "../../contract/problems.ts";
import type { LockNeeds } from "../../plan/plan.ts";
import type { Session } from "../connection/database.ts";

/** Part of the table that is never filled: others need locks, too, and strong ones keep them from the fast path. */
const MARGIN = 0.1;

/** Locks of a change that are not about its tables: the tool's own tables, names, roles. Measured: up to 70. */
const OWN_LOCKS = 100;

/**
 * Column for the locks that fit into the server's table. Its source is the server's own formula: NLOCKENTS in lock.c,
 * MaxBackends in postinit.c. Autovacuum's setting has another name since PostgreSQL 18.
 */
export const lockRoomColumn = `
  current_setting('max_locks_per_transaction')::int * (
    current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int
    + coalesce(current_setting('autovacuum_worker_slots', true),
        current_setting('autovacuum_max_workers'))::int + 1
    + current_setting('max_worker_processes')::int + current_setting('max_wal_senders')::int
  ) as lock_room`;

/** Locks of other sessions in that table: each object counts once, and fast-path locks are elsewhere. */
const OTHERS_LOCKS = `
select count(*)::int as locks from (
  select distinct l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid,
    l.transactionid::text, l.classid, l.objid, l.objsubid
  from pg_locks l
  where not l.fastpath and l.pid is distinct from pg_backend_pid()) l`;

/**
 * How many of the tables fit into `room`, whichever they are.
 *
 * @param perTable Locks of each table.
 */
function tablesThatFit(perTable: number[], room: number): number {
  let fit = 0;
  for (const locks of perTable.toSorted((a, b) => b - a)) {
    room -= locks;
    if (room < 0) break;
    fit++;
  }
  return fit;
}

/**
 * Checks that the locks of a change fit. The server is only asked where they would take a fourth of its room.
 *
 * @param lockRoom Locks that fit into the server's table.
 * @throws {Problem} `too_many_locks` with `locks`, `room` and `tables_that_fit`.
 */
export async function requireLockRoom(
  session: Session,
  { perTable, others }: LockNeeds,
  lockRoom: number,
): Promise<void> {
  const locks = perTable.reduce((sum, one) => sum + one, others + OWN_LOCKS);
  if (locks < lockRoom / 4) return;
  const [{ locks: inUse }] = await session.run(OTHERS_LOCKS);
  const room = Math.max(0, Math.floor(lockRoom * (1 - MARGIN)) - Number(inUse));
  if (locks <= room) return;
  const fit = tablesThatFit(perTable, room - others - OWN_LOCKS);
  throw new Problem(
    "too_many_locks",
    `The change needs ${locks} locks in one transaction; the server has room for ${room} more.`,
    {
      hint:
        (fit === 0
          ? "No table fits now: try again when other sessions have fewer locks, or raise max_locks_per_transaction"
          : `Change at most ${fit} of these tables in one request, each migration by its migration_id if they were ` +
            "renamed in one batch; or raise max_locks_per_transaction") +
        ", which needs a restart of the server.",
      fields: { locks, room, tables_that_fit: fit },
    },
  );
}
