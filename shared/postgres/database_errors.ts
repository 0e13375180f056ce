/** What errors of the database mean (SQLSTATE, PostgreSQL manual, appendix A), and errors of our own around them. */
import { OWN_SCHEMA } from "../contract/names.ts";
import { FACTS_MOVED } from "../plan/plan.ts";

interface DatabaseError {
  code: string;
  message: string;
}

/** Code and message of an error with a code; both empty for other errors. */
export function databaseError(error: unknown): DatabaseError {
  const isOne = error instanceof Error && "code" in error && typeof error.code === "string";
  return isOne ? error as Error & { code: string } : { code: "", message: "" };
}

const sqlState = (error: unknown) => databaseError(error).code;

/** lock_not_available and deadlock_detected: another session was faster, a retry can succeed. */
export const isLockFailure = (error: unknown): boolean =>
  ["55P03", "40P01"].includes(sqlState(error));

/** The locked tables cannot be named: they do not exist, are not tables, or belong to others. */
export const isLockRefused = (error: unknown): boolean =>
  ["42P01", "42809", "42501", "3F000"].includes(sqlState(error));

/** query_canceled: a timeout, or pg_cancel_backend. */
export const isCancelled = (error: unknown): boolean => sqlState(error) === "57014";

/** no_active_sql_transaction, or the savepoint is gone: the transaction has been committed or rolled back. */
export const isOutsideOfTransaction = (error: unknown): boolean =>
  ["25P01", "3B001"].includes(sqlState(error));

/**
 * The error of pg_xact_status for an id that was not assigned yet: the transaction was lost in a crash. The function
 * has no other reason for this code; its text depends on the server's language.
 */
export const isUnknownTransaction = (error: unknown): boolean => sqlState(error) === "22023";

/**
 * The tracking tables are not as the functions expect: the error names one of them, or their schema. It can also come
 * from a trigger of ours that refuses what an older version has made.
 */
export function isTrackingError(error: unknown): boolean {
  const { code, message } = databaseError(error);
  return ["42P01", "42703"].includes(code) && message.includes("sys_table_migration") ||
    code === "3F000" && message.includes(OWN_SCHEMA);
}

/** What a statement of a plan fails with if the facts have changed. */
const STALE_PLAN = [
  FACTS_MOVED,
  ...["42P01", "42703", "42704", "42809", "42883", "3F000"], // something is gone, or of another kind
  ...["42P07", "42710", "23505"], // a name is taken
  "2BP01", // a dependent object appeared
  "26000", // a prepared statement was used up
];

/** Whether the plan was made from facts that have changed; a new plan shows what is wrong. */
export const isStalePlan = (error: unknown): boolean =>
  !isTrackingError(error) && (STALE_PLAN.includes(sqlState(error)) || isCatalogMoved(error));

/**
 * The catalog was changed while it was read: functions that look up an object by its OID, such as pg_get_viewdef, see
 * the newest state, and not that of their query (PostgreSQL manual, 54, System Catalogs; elog of lookups).
 */
export function isCatalogMoved(error: unknown): boolean {
  const { code, message } = databaseError(error);
  return code === "XX000" &&
    /concurrently|cache lookup failed|could not (open|find)|does not exist/.test(message);
}

const UNREACHABLE = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
]);

/** Whether the connection is lost, so that the last message may or may not have been executed. */
export function isConnectionLost(error: unknown): boolean {
  const code = sqlState(error);
  return UNREACHABLE.has(code) || code.startsWith("08") || code.startsWith("57P") ||
    code === "25P03" || code === "25P04";
}

/** The SQLSTATE of a statement's error; null for other errors and for the end of the connection. */
export function statementError(error: unknown): string | null {
  const code = sqlState(error);
  return /^[0-9A-Z]{5}$/.test(code) && !isConnectionLost(error) ? code : null;
}

/** The constraint of a tracking table that an error is about; null where it is about none. */
export function trackingConstraint(error: unknown): string | null {
  const { table_name, constraint_name } = Object(error) as Record<string, unknown>;
  return typeof table_name === "string" && table_name.startsWith("sys_table_migration")
    ? String(constraint_name)
    : null;
}

/** Something failed after the commit: it must not be reported as if nothing had been changed. */
export class AfterCommit extends Error {
  constructor(cause: unknown) {
    super("something failed after the commit", { cause });
  }
}

/**
 * Does what follows a commit.
 *
 * @throws {AfterCommit} Whatever goes wrong.
 */
export async function afterCommit<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw cause instanceof AfterCommit ? cause : new AfterCommit(cause);
  }
}

/**
 * An object could not be recreated from its definition: the server refused it (a name became ambiguous), or failed to
 * compute it (a division by zero in the query of a materialized view).
 */
export class RecreateFailed extends Error {
  constructor(
    /** What the plan recreates. */
    readonly objects: string[],
    /** The server's. */
    readonly code: string,
    message: string,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

/** SQLSTATEs, beside data exceptions, of a definition that is refused, or that does not fit the rows. */
const RECREATION_REFUSED = (
  "0A000 23505 23514 42702 42704 42712 42723 42725 42803 42804 42846 42883 42P13 42P16"
).split(" ");

/**
 * The error of a plan's changes: a `RecreateFailed`, or itself. The server does not say which statement of a message
 * failed, but of a plan's statements only those that recreate something can fail in these ways.
 */
export function duringRecreation(error: unknown, changes: { recreates?: string }[]): unknown {
  const objects = [...new Set(changes.flatMap(({ recreates }) => recreates ?? []))];
  const { code, message } = databaseError(error);
  if (objects.length === 0 || trackingConstraint(error) !== null) return error;
  if (!code.startsWith("22") && !RECREATION_REFUSED.includes(code)) return error;
  return new RecreateFailed(objects, code, message, error);
}
