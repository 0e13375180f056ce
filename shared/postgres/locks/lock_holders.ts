/**
 * Looking before queueing. A session that waits for an ACCESS EXCLUSIVE lock makes everybody wait who comes after it.
 * So before each attempt the change's own session asks who holds locks on its tables and views, and nobody queues
 * behind a transaction that has lasted longer than the attempt would wait: it may last for long still.
 */
import type { Blocker } from "../../contract/responses.ts";
import { jsonbLiteral, literal } from "../../sql/quoting.ts";
import { describe, type RelationName, reported } from "./blockers.ts";
import type { Database, Row } from "../connection/database.ts";

/** What a look has found. */
export interface LockHolder {
  /** Identifies the transaction: a session's later ones have others. */
  transaction: string;
  /** How long its transaction has lasted, in milliseconds; null where that cannot be seen. */
  ageMs: number | null;
  /** Whether its role keeps its age and query from this one. */
  hidden: boolean;
  row: Row;
}

/** Only locks in this database: in another one, the same OID is something else. */
const IN_THIS_DATABASE = `l.locktype = 'relation' and l.granted
    and l.database = (select d.oid from pg_database d where d.datname = current_database())`;

/**
 * Query for the holders of locks on the relations, except this session: each lock conflicts with ACCESS EXCLUSIVE
 * (PostgreSQL manual, 13.3.1). Partitions have other locks than their parent, of which alone the name changes.
 *
 * Sessions are looked up anew: a transaction sees the same state of them otherwise, until it ends (manual, 27.2).
 */
export const queryHolders = (oids: number[]): string => `
select pg_stat_clear_snapshot();
${
  describe(`
  select distinct l.pid, l.virtualtransaction
  from pg_locks l
  where ${IN_THIS_DATABASE} and l.relation = any(${literal(`{${oids.join(",")}}`)}::oid[])
    and l.pid is distinct from pg_backend_pid()`)
}`;

/** Reads its rows. */
export const holdersFromRows = (rows: Row[]): LockHolder[] =>
  rows.map((row) => ({
    transaction: `${row.pid} ${row.virtualtransaction}`,
    ageMs: row.transaction_age_ms === null ? null : Number(row.transaction_age_ms),
    hidden: Boolean(row.hidden),
    row,
  }));

export const blockersOf = (holders: LockHolder[]): Blocker[] =>
  reported(holders.map(({ row }) => row));

/**
 * Who holds a lock on one of the relations, except the backend `ownPid`; at most twenty, the oldest transaction first;
 * empty where they cannot be read. For locks that were not waited for, so that nobody was seen meanwhile.
 */
export async function lockHolders(
  database: Database,
  relations: RelationName[],
  ownPid: number,
): Promise<Blocker[]> {
  const locks = `
  select distinct l.pid, l.virtualtransaction
  from jsonb_to_recordset(${jsonbLiteral(relations)}) r(schema text, name text)
  join pg_namespace n on n.nspname = r.schema::name
  join pg_class c on c.relnamespace = n.oid and c.relname = r.name::name
  join pg_locks l on l.relation = c.oid and ${IN_THIS_DATABASE}
  where l.pid is null or l.pid not in (${ownPid}, pg_backend_pid())`;
  return await database.query(describe(locks)).then(reported, () => []);
}

/**
 * The time that the first attempt may wait, in milliseconds, and how much longer a later one may, up to the lock
 * timeout: the fifth waits for 100 ms at the most.
 */
const FIRST_TIMEOUT_MS = 25;
const LONGER = Math.SQRT2;

/**
 * An attempt that could wait for so many times the age of the oldest transaction that it has queued behind did not fail
 * for want of time: clients that hold one table wait for another one that the attempt has locked. A longer one would
 * only keep them longer. Since a look sees a moment only, every fourth attempt may wait longer all the same.
 */
const PLENTY = 4;
const LONGER_ALL_THE_SAME = 4;

/** A transaction that has lasted no longer than this is expected to end soon, in milliseconds. */
const SHORT_MS = 50;

/** Time between two looks, in milliseconds: it doubles up to the second one. */
const FIRST_LOOK_MS = 10;
const NEXT_LOOK_MS = 50;

/** How often holders in the way are reported, in milliseconds. */
const REPORT_MS = 250;

/**
 * Decides from what is seen of the holders whether to queue, and for how long. Without I/O.
 *
 * The times grow where transactions come and go that are all longer than that: to wait for none of them would mean to
 * wait for ever.
 */
export class QueueRules {
  readonly #lockTimeoutMs: number;
  #timeoutMs: number;
  #lookMs = FIRST_LOOK_MS;
  #hasWaited = false;
  #reportedAt = -Infinity;
  /** Since when the present holders can have been there: the last look before they were first seen. */
  #possibleSince = new Map<string, number>();
  #lastLook = -Infinity;
  /** The old transactions, since the times grew last. */
  #generation: Set<string> | null = null;
  #holdersVisible = true;
  /** Age of the oldest transaction that was queued behind, in milliseconds; at most, where it could not be seen. */
  #oldestMs = 0;
  #failures = 0;

  /** @param lockTimeoutMs The longest wait of an attempt. */
  constructor(lockTimeoutMs: number) {
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#timeoutMs = Math.min(FIRST_TIMEOUT_MS, lockTimeoutMs);
  }

  /** How long the next attempt may wait, in milliseconds. */
  get timeoutMs(): number {
    return Math.round(this.#timeoutMs);
  }

  /** Whether holders were in the way, and waited for. */
  get hasWaited(): boolean {
    return this.#hasWaited;
  }

  /** Whether the ages of all holders could be seen so far. */
  get holdersVisible(): boolean {
    return this.#holdersVisible;
  }

  /** After an attempt that did not get its locks. */
  failed(): void {
    this.#failures++;
    const hadPlenty = this.#timeoutMs >= PLENTY * this.#oldestMs;
    if (!hadPlenty || this.#failures % LONGER_ALL_THE_SAME === 0) this.#grow(LONGER);
  }

  /** The holders behind which nobody should queue now. */
  inTheWay(holders: LockHolder[]): LockHolder[] {
    const now = performance.now();
    this.#possibleSince = new Map(holders.map(({ transaction }) => [
      transaction,
      this.#possibleSince.get(transaction) ?? this.#lastLook,
    ]));
    this.#lastLook = now;
    if (holders.some(({ hidden }) => hidden)) this.#holdersVisible = false;
    const age = ({ ageMs, transaction }: LockHolder) =>
      ageMs ?? now - this.#possibleSince.get(transaction)!;
    const old = () => {
      const limit = Math.max(SHORT_MS, this.#timeoutMs);
      return holders.filter((holder) => age(holder) > limit);
    };
    const queueBehindAll = () => {
      this.#oldestMs = Math.max(this.#oldestMs, ...holders.map(age));
    };
    const found = old();
    if (found.length === 0) {
      this.#generation = null;
      this.#lookMs = FIRST_LOOK_MS;
      queueBehindAll();
      return found;
    }
    this.#hasWaited = true;
    const before = this.#generation;
    if (before !== null && found.some(({ transaction }) => before.has(transaction))) return found;
    this.#generation = new Set(found.map(({ transaction }) => transaction));
    if (before === null) return found;
    // All of them have ended, and others are as old now.
    this.#grow(2);
    const left = old();
    if (left.length === 0) queueBehindAll();
    return left;
  }

  #grow(factor: number): void {
    this.#timeoutMs = Math.min(factor * this.#timeoutMs, this.#lockTimeoutMs);
  }

  /** How long to wait before the next look, in milliseconds. */
  nextLookMs(): number {
    const ms = this.#lookMs;
    this.#lookMs = Math.min(2 * ms, NEXT_LOOK_MS);
    return ms;
  }

  /** Whether the holders are to be reported now: at once, and then regularly. */
  isTimeToReport(): boolean {
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_MS) return false;
    this.#reportedAt = now;
    return true;
  }
}
