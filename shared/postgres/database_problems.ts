/**
 * The problem that an error of the database is for the caller. Internals are not exposed: the server's messages are
 * passed on only where they name the caller's own objects, and no rows.
 */
import { OWN_SCHEMA } from "../contract/names.ts";
import { Problem, type ProblemCode, type ProblemOptions } from "../contract/problems.ts";
import { FACTS_MOVED } from "../plan/plan.ts";
import { UNTRUSTED } from "../sql/trusted_objects.ts";
import { NoFreeConnection } from "./connection/connection_slots.ts";
import {
  AfterCommit,
  databaseError,
  isCancelled,
  isConnectionLost,
  isTrackingError,
  RecreateFailed,
  statementError,
  trackingConstraint,
} from "./database_errors.ts";

/** The file of the migration that made the tracking tables what these functions expect. */
export const NEEDED_MIGRATION = "20261129120000_keep_calls_verification_and_uses_in_code.sql";

/** The tracking tables are missing or of another version. */
export const trackingMissing = (cause?: unknown): Problem =>
  new Problem(
    "database_unavailable",
    "The tracking tables are not in this database, or are of another version than the functions, which need " +
      `the migration ${NEEDED_MIGRATION}.`,
    {
      hint:
        "Apply supabase/migrations: `supabase db push`, or `table-rename migrate --db-url …`. If all " +
        "of them are applied, the functions are older than the tables: deploy them again.",
      fields: { migration: NEEDED_MIGRATION },
      cause,
    },
  );

/**
 * The problem that an error is for the caller; problems are returned as they are. Errors that came after the commit
 * (`AfterCommit`) are never reported as if nothing had been changed.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof NoFreeConnection) {
    return new Problem("busy", "All of the function's connections to the database are in use.", {
      hint: "Try again in a few seconds: other requests are at work, or wait for locks.",
      cause: error,
    });
  }
  if (error instanceof AfterCommit) return unanswered(error.cause);
  const { code, message } = databaseError(error);
  const fields = { sqlstate: code };
  if (isConnectionLost(error) || code.startsWith("28") || code === "3D000") {
    return new Problem(
      "database_unavailable",
      "The database cannot be reached, or refused the login.",
      {
        hint:
          "Check RENAME_DB_URL, or else SUPABASE_DB_URL, and that the database runs; then try again.",
        // The code alone: messages name hosts and logins.
        ...(code !== "" && { fields: { error_code: code } }),
        cause: error,
      },
    );
  }
  if (isTrackingError(error)) return trackingMissing(error);
  if (code === UNTRUSTED) {
    return new Problem("database_unavailable", `This tool's tables are not its own: ${message}.`, {
      hint:
        "Find out who made them. Each must be an ordinary table that belongs to the functions' login, the database's " +
        "owner, postgres or a superuser, as must its schema and the functions of its triggers. Drop what belongs to " +
        "others, or give it to postgres (ALTER TABLE … OWNER TO), then apply supabase/migrations again.",
      cause: error,
    });
  }
  const described = byCode(code, message);
  if (described !== null) {
    const [problem, detail, hint] = described;
    return new Problem(problem, detail, { hint, fields, cause: error });
  }
  if (error instanceof RecreateFailed) return notRecreated(error, { fields, cause: error });
  return unexpected(error);
}

/** Code, detail and hint of errors whose SQLSTATE says it all. */
function byCode(
  code: string,
  message: string,
): [code: ProblemCode, detail: string, hint: string] | null {
  switch (code) {
    case FACTS_MOVED:
      return [
        "plan_changed",
        `The database changed while the plan was applied, at every attempt: ${message}.`,
        "Nothing was changed. Try again when nobody else changes these objects; if that does not help, drop " +
        "what is named, and recreate it afterwards.",
      ];
    case "2BP01":
      return [
        "dependants_cannot_follow",
        `Something depends on the view: ${message}.`,
        "Recreate what depends on it on the table's new name, or drop it, then call again.",
      ];
    case "42501":
      return [
        "forbidden",
        `The database refused a statement: ${message}.`,
        message.includes("sys_table_migration") || message.includes(OWN_SCHEMA)
          ? "Run supabase/roles/table_renamer.sql again, as postgres: it grants the functions' login what they need."
          : "The function's database role lacks this privilege; grant it, or call as another role.",
      ];
    case "P0001":
      return [
        "forbidden",
        `Something in the database refused the change: ${message}.`,
        "An event trigger of the database raises this error; satisfy it or disable it.",
      ];
    case "22P05":
    case "22021":
      return [
        "invalid_identifier",
        `The database's encoding cannot represent a name of the request: ${message}.`,
        "Use characters that the database's encoding has.",
      ];
    case "55P03":
    case "40P01":
      return [
        "lock_not_acquired",
        "Another session has locked something that is needed here.",
        "Wait for its transaction to end, or end it; then try again.",
      ];
    case "57014":
      return [
        "deadline_exceeded",
        "The database cancelled a statement.",
        "A statement timeout or a person stopped it; nothing was changed. Try again.",
      ];
    case "25006":
      return [
        "database_unavailable",
        "The database is read-only.",
        "Free disk space, or call the primary; then try again.",
      ];
    case "53200":
      return [
        "database_unavailable",
        `The database is out of shared memory: ${message}.`,
        "Rename fewer tables at once, or raise max_locks_per_transaction.",
      ];
  }
  if (!code.startsWith("53")) return null;
  return [
    "database_unavailable",
    `The database is out of a resource: ${message}.`,
    "Free disk space or connections, then try again; nothing was changed.",
  ];
}

/** The change is made, but not its answer; the code says whether the answer can be expected soon. */
function unanswered(cause: unknown): Problem {
  const code = cause instanceof Problem
    ? cause.code
    : cause instanceof NoFreeConnection
    ? "busy"
    : isConnectionLost(cause) || isTrackingError(cause)
    ? "database_unavailable"
    : isCancelled(cause)
    ? "deadline_exceeded"
    : "internal";
  return new Problem(code, "The change was made, but its answer could not be completed.", {
    hint:
      "Do not send it as a new request: list-migrations shows what was done, and a request with the same " +
      "Idempotency-Key gets the answer.",
    cause,
  });
}

/** Objects that are named, at most. */
const MAX_NAMED = 5;

function notRecreated(
  { objects, code, message }: RecreateFailed,
  options: ProblemOptions,
): Problem {
  // Data exceptions other than division_by_zero quote a value of some row.
  const why = code.startsWith("22") && code !== "22012"
    ? `the data of its tables do not fit its query (SQLSTATE ${code})`
    : message;
  const named = objects.slice(0, MAX_NAMED).join(", ");
  const more = objects.length > MAX_NAMED ? ` and ${objects.length - MAX_NAMED} more` : "";
  return new Problem(
    "dependants_cannot_follow",
    `An object that depends on the view (${named}${more}) could not be recreated: ${why}.`,
    { ...options, hint: "Correct or drop the object that the message is about, then call again." },
  );
}

/** SQLSTATE classes whose messages name objects and never quote rows. */
const NAMES_OBJECTS = /^(0A|23|42|54|55)/;

function unexpected(cause: unknown): Problem {
  const { code, message } = databaseError(cause);
  if (code === "23505" && /_(old|new)_name_key/.test(trackingConstraint(cause) ?? "")) {
    return new Problem("name_taken", `A recorded migration has one of the names: ${message}.`, {
      cause,
      hint: "See list-migrations; roll back, finalize or withdraw it, or choose another name.",
      fields: { sqlstate: code },
    });
  }
  const hint = "Try again; if it happens again, look for the request id in the function's logs.";
  if (statementError(cause) === null) {
    return new Problem("internal", "Something unexpected happened; nothing was changed.", {
      hint,
      cause,
    });
  }
  const detail = NAMES_OBJECTS.test(code) ? `: ${message}` : "";
  return new Problem(
    "internal",
    `The database refused a statement (SQLSTATE ${code})${detail}; nothing was changed.`,
    { hint, cause, fields: { sqlstate: code } },
  );
}
