/** How transactions of requests begin, and what is asked of the server with that. */
import { EVENTS_TABLE } from "../contract/names.ts";
import { literal } from "../sql/quoting.ts";
import { untrustedColumn } from "../sql/trusted_objects.ts";
import type { Row } from "./connection/connection.ts";
import { trackingMissing } from "./database_problems.ts";
import { type Limits, remainingMs, type RetryBudget } from "./limits.ts";
import { lockRoomColumn } from "./locks/lock_room.ts";
import { featureColumns, type ServerFeatures, serverFeatures } from "./server_features.ts";
import { beginReadOnly, beginReadWrite, MESSAGE_MS, setLockTimeout } from "./transaction.ts";

/**
 * Longest wait in one go for a lock that no client feels, in milliseconds. The session has a connection meanwhile; then
 * it releases that to others who wait for one, and asks for another.
 */
const LONGEST_WAIT_MS = 2_000;

/** Longest wait of a transaction that only reads for a lock, such as one of other people's DDL, in milliseconds. */
const READING_LOCK_TIMEOUT_MS = 10_000;

/** What is asked at the beginning of a transaction. */
const CONNECTION_QUERY = `
select pg_backend_pid() as pid, current_setting('server_version_num')::int as server_version,
  to_regclass(${
  literal(EVENTS_TABLE)
}) is not null as tracked,${untrustedColumn},${featureColumns},${lockRoomColumn},
  ${MESSAGE_MS} as server_ms`;

const readingLockTimeout = (limits: Limits): number =>
  Math.min(READING_LOCK_TIMEOUT_MS, Math.max(1, remainingMs(limits)));

/**
 * The beginning of a transaction that is read-only, unless it tries something.
 *
 * @param tries Whether it does, and is rolled back. Default: false.
 */
export const beginReading = (limits: Limits, tries = false) =>
  [
    (tries ? beginReadWrite : beginReadOnly)(remainingMs(limits)),
    setLockTimeout(readingLockTimeout(limits)),
    CONNECTION_QUERY,
  ].join(";\n");

/** A whole transaction of queries that only read, as one message. */
export const readingTransaction = (limits: Limits, queries: string[]): string =>
  [
    beginReadOnly(remainingMs(limits)),
    setLockTimeout(readingLockTimeout(limits)),
    ...queries,
    "commit",
  ].join(";\n");

/** The beginning of a transaction that changes something. Its lock timeout is for locks that clients do not feel. */
export const beginWriting = (limits: Limits, budget: RetryBudget) =>
  [
    beginReadWrite(remainingMs(limits)),
    setLockTimeout(Math.max(1, Math.min(LONGEST_WAIT_MS, budget.remainingMs))),
    CONNECTION_QUERY,
  ].join(";\n");

export interface Connected extends ServerFeatures {
  pid: number;
  serverVersion: number;
  /** Objects that are ignored, since they are not what their names say (`sql/trusted_objects.ts`). */
  untrusted: string[];
  /** Locks that fit into the server's table. */
  lockRoom: number;
  /** How long the server took for this message, in milliseconds. */
  serverMs: number;
}

/**
 * Reads the answer to the beginning of a transaction.
 *
 * @throws {Problem} `database_unavailable` where the tracking tables are missing: a change that cannot be recorded is
 *   not begun.
 */
export function connected([row]: Row[]): Connected {
  if (!row.tracked) throw trackingMissing();
  return {
    pid: Number(row.pid),
    serverVersion: Number(row.server_version),
    untrusted: (row.untrusted ?? []) as string[],
    lockRoom: Number(row.lock_room),
    serverMs: Number(row.server_ms),
    ...serverFeatures(row),
  };
}
