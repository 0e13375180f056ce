/**
 * What the database's errors mean for the caller (SQLSTATE, PostgreSQL manual, appendix A). Nothing of the
 * inside leaks: messages are passed on only where they speak of the caller's own objects, and not of rows.
 */
import { OWN_SCHEMA } from "../contract/names.ts";
import { Problem } from "../contract/problems.ts";
import { FACTS_MOVED } from "../plan/plan.ts";
import { UNTRUSTED } from "../sql/trusted_objects.ts";
import { constraintOfOurs, notMadeAgain, RecreateFailed } from "./recreate_failed.ts";
import { NoTurn } from "./turns.ts";

interface DatabaseError {
  code: string;
  message: string;
}

function asDatabaseError(error: unknown): DatabaseError | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? { code: error.code, message: error.message } : null;
}

const sqlState = (error: unknown) => asDatabaseError(error)?.code ?? "";

/** lock_not_available and deadlock_detected: somebody else was faster, try again. */
export function isLockFailure(error: unknown): boolean {
  return ["55P03", "40P01"].includes(sqlState(error));
}

/** The migration that made the tracking tables what these functions expect; the name of its file. */
export const NEEDED_MIGRATION = "20261129000000_move_tables_to_own_schema.sql";

/**
 * What the functions keep is not where they expect it: the error names a tracking table, or their schema. It may
 * also be a trigger of ours that refuses what an older version has made.
 */
function isUntracked(error: unknown): boolean {
  const { code, message } = asDatabaseError(error) ?? { code: "", message: "" };
  return ["42P01", "42703"].includes(code) && message.includes("sys_table_migration") ||
    code === "3F000" && message.includes(OWN_SCHEMA);
}

/** The problem that it is for the caller. */
export const otherTracking = (cause?: unknown): Problem =>
  new Problem(
    "database_unavailable",
    "The tracking tables are not in this database, or are of another version than the functions, which need " +
      `the migration ${NEEDED_MIGRATION}.`,
    {
      hint:
        "Apply supabase/migrations: `supabase db push`, or `npm run migrate` with SUPABASE_DB_URL. Where all " +
        "of them are applied, the functions are older than the tables: deploy them again.",
      fields: { migration: NEEDED_MIGRATION },
      cause,
    },
  );

/**
 * The plan was made from facts that no longer hold: our own checks say so, or a name was taken or left, a
 * routine or its type is gone, a dependant appeared, a row of the catalog was changed under us, or what was prepared is used up. Planning
 * again tells what is the matter.
 */
export function isStalePlan(error: unknown): boolean {
  if (isUntracked(error)) return false;
  const code = sqlState(error);
  return [
    FACTS_MOVED,
    "42P01",
    "42P07",
    "42704",
    "42710",
    "42809",
    "42883",
    "42703",
    "23505",
    "2BP01",
    "3F000",
    "26000",
  ]
    .includes(code) || isCatalogMoved(error);
}

/**
 * The catalog was changed while it was read: a function that looks an object up by its OID, such as pg_get_viewdef,
 * sees the newest state, and not that of its query (PostgreSQL manual, 54, System Catalogs; elog of lookups).
 */
export function isCatalogMoved(error: unknown): boolean {
  const { code, message } = asDatabaseError(error) ?? { code: "", message: "" };
  return code === "XX000" &&
    /concurrently|cache lookup failed|could not (open|find)|does not exist/.test(message);
}

/** The locked tables could not even be named: they are gone, are no tables, or are not ours. */
export function isLockRefused(error: unknown): boolean {
  return ["42P01", "42809", "42501", "3F000"].includes(sqlState(error));
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

/** Whether the connection is gone, so that what was sent last may or may not have happened. */
export function isConnectionLost(error: unknown): boolean {
  const code = sqlState(error);
  return UNREACHABLE.has(code) || code.startsWith("08") || code.startsWith("57P") ||
    code === "25P03" || code === "25P04";
}

/** query_canceled: a timeout, or somebody's pg_cancel_backend. */
export function isCancelled(error: unknown): boolean {
  return sqlState(error) === "57014";
}

/** The SQLSTATE of an error that the server told of a statement; null where it is none, or the end of the connection. */
export function statementError(error: unknown): string | null {
  const code = sqlState(error);
  return /^[0-9A-Z]{5}$/.test(code) && !isConnectionLost(error) ? code : null;
}

/**
 * pg_xact_status of an id that is not given out yet: a crash has taken the transaction along. It has no other
 * reason for this error, whose text is in the language that the server speaks.
 */
export function isUnknownTransaction(error: unknown): boolean {
  return sqlState(error) === "22023";
}

/** no_active_sql_transaction, or its savepoint is gone: the transaction has ended, this way or that. */
export function isOutsideOfTransaction(error: unknown): boolean {
  return ["25P01", "3B001"].includes(sqlState(error));
}

/** What failed once the change was committed: its cause must not be reported as if nothing had been changed. */
export class AfterCommit extends Error {
  constructor(cause: unknown) {
    super("something failed after the commit", { cause });
  }
}

/**
 * Does what comes after a commit.
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

/** The change is there, its answer is not; which of the codes it is says whether to expect it soon. */
function unanswered(cause: unknown): Problem {
  const code = cause instanceof Problem
    ? cause.code
    : cause instanceof NoTurn
    ? "busy"
    : isConnectionLost(cause) || isUntracked(cause)
    ? "database_unavailable"
    : isCancelled(cause)
    ? "deadline_exceeded"
    : "internal";
  return new Problem(code, "The change is made, but its answer could not be put together.", {
    hint:
      "Do not send it as a new request: list-migrations shows what was done, and a request with the same " +
      "Idempotency-Key is answered with it.",
    cause,
  });
}

/**
 * The problem an error of the database is for the caller; problems pass through as they are. Where it says that
 * nothing was changed, it came before the commit (`AfterCommit`).
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof NoTurn) {
    return new Problem("busy", "All of the function's connections to the database are in use.", {
      hint: "Try again in a few seconds: other requests are at work, or wait for locks.",
      cause: error,
    });
  }
  if (error instanceof AfterCommit) return unanswered(error.cause);
  const { code, message } = asDatabaseError(error) ?? { code: "", message: "" };
  const options = { cause: error, fields: { sqlstate: code } };
  if (isConnectionLost(error) || code.startsWith("28") || code === "3D000") {
    return new Problem(
      "database_unavailable",
      "The database cannot be reached, or refused the login.",
      {
        hint:
          "Check RENAME_DB_URL, or else SUPABASE_DB_URL, and that the database runs; then try again.",
        cause: error,
      },
    );
  }
  if (isUntracked(error)) return otherTracking(error);
  switch (code) {
    case UNTRUSTED:
      return new Problem(
        "database_unavailable",
        `This tool's tables are not its own: ${message}.`,
        {
          hint:
            "Look who made them. Each must be an ordinary table that belongs to the functions' login, the database's " +
            "owner, postgres or a superuser, as must its schema and the functions of its triggers. Drop what is " +
            "somebody else's, or give it to postgres (ALTER TABLE … OWNER TO), then apply supabase/migrations again.",
          cause: error,
        },
      );
    case FACTS_MOVED:
      return new Problem(
        "plan_changed",
        `What was there did not come out as planned, however often it was tried: ${message}.`,
        {
          ...options,
          hint:
            "Nothing was changed. Try again when nobody else changes it; if the same is told again, drop " +
            "what is named, and make it again afterwards.",
        },
      );
    case "2BP01":
      return new Problem("dependants_cannot_follow", `Something depends on the view: ${message}.`, {
        ...options,
        hint: "Recreate what depends on it on the table's new name, or drop it, then call again.",
      });
    case "42501":
      return new Problem("forbidden", `The database refused a statement: ${message}.`, {
        ...options,
        hint: message.includes("sys_table_migration") || message.includes(OWN_SCHEMA)
          ? "Run supabase/roles/table_renamer.sql again, as postgres: it grants the functions' login what they need."
          : "The function's database role lacks this privilege; grant it, or call as another role.",
      });
    case "P0001":
      return new Problem("forbidden", `Something in the database refused the change: ${message}.`, {
        ...options,
        hint: "An event trigger of the database raises this error; satisfy it or disable it.",
      });
    case "22P05":
    case "22021":
      return new Problem(
        "invalid_identifier",
        `The database's encoding cannot hold a name of the request: ${message}.`,
        { ...options, hint: "Use characters that the database's encoding has." },
      );
    case "55P03":
    case "40P01":
      return new Problem("lock_not_acquired", "Somebody else has locked what is needed here.", {
        ...options,
        hint: "Wait for their transaction to end, or end it; then try again.",
      });
    case "57014":
      return new Problem("deadline_exceeded", "The database cancelled a statement.", {
        ...options,
        hint: "A statement timeout or a person stopped it; nothing was changed. Try again.",
      });
    case "25006":
      return new Problem(
        "database_unavailable",
        "The database takes no changes: it is read-only.",
        {
          ...options,
          hint: "Free disk space, or call the primary; then try again.",
        },
      );
    case "53200":
      return new Problem(
        "database_unavailable",
        `The database is out of shared memory: ${message}.`,
        {
          ...options,
          hint: "Rename fewer tables at once, or raise max_locks_per_transaction.",
        },
      );
  }
  if (error instanceof RecreateFailed) return notMadeAgain(error, options);
  if (code.startsWith("53")) {
    return new Problem("database_unavailable", `The database is out of a resource: ${message}.`, {
      ...options,
      hint: "Free disk space or connections, then try again; nothing was changed.",
    });
  }
  return unexpected(error, { code, message });
}

/** SQLSTATE classes whose messages speak of objects and never of rows. */
const SPEAKS_OF_OBJECTS = /^(0A|23|42|54|55)/;

/** An error that nothing in the work accounts for. */
function unexpected(cause: unknown, { code, message }: DatabaseError): Problem {
  const constraint = constraintOfOurs(cause);
  if (code === "23505" && /_(old|new)_name_key/.test(constraint ?? "")) {
    return new Problem("name_taken", `A recorded migration has one of the names: ${message}.`, {
      cause,
      hint: "See list-migrations; roll back, finalize or withdraw it, or choose another name.",
      fields: { sqlstate: code },
    });
  }
  const hint = "Try again; if it stays, look for the request id in the function's logs.";
  if (statementError(cause) === null) {
    return new Problem("internal", "Something unexpected happened; nothing was changed.", {
      hint,
      cause,
    });
  }
  const said = SPEAKS_OF_OBJECTS.test(code) ? `: ${message}` : "";
  return new Problem(
    "internal",
    `The database refused a statement (SQLSTATE ${code})${said}; nothing was changed.`,
    { hint, cause, fields: { sqlstate: code } },
  );
}
