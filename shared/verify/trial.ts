/**
 * A trial: one block of PL/pgSQL in a transaction of its own that is rolled back, all in one message. The block
 * tries a statement through both names, compares what came on the server, and says only what was different:
 * no values of rows leave the server.
 */
import { dollarQuoted, ident, literal, millisecondsLiteral } from "../sql/quoting.ts";
import { meaningSettings } from "../sql/transaction_settings.ts";

export interface TrialOptions {
  /** Schema of the table; names in triggers and policies are looked up there first, as PostgREST has it. */
  schema: string;
  /** Longest time of the block, in milliseconds. */
  timeoutMs: number;
  /** Whether it writes. Default: false, and then all its statements see the same rows. */
  writes?: boolean;
  /** The role that the block begins as, and goes back to; left out: the session's login. */
  role?: string;
  /** Further settings of the transaction. */
  settings?: Record<string, string>;
}

/** Longest wait for a lock in a trial, in milliseconds: what we hold by then must not keep clients waiting. */
const LOCK_TIMEOUT_MS = 100;

const OUTCOME = "table_rename.trial";

/** Takes back what was done since the BEGIN around it; its handler lets that pass. */
export const TAKE_BACK = "raise exception using errcode = 'RN002';";
export const WHEN_TAKEN_BACK = "when sqlstate 'RN002' then null;";

/** Setting of the transaction: the search path under which clients' statements are tried. */
const CLIENTS_PATH = "table_rename.clients_path";

/**
 * The message; its answer is read by `outcomeOf`. Like every transaction of ours it runs with our search path; that
 * of clients is for the tried statements alone (`asClients`).
 */
export function trialMessage(block: string, options: TrialOptions): string {
  const path = [...new Set([options.schema, "public", "extensions"])].map(ident).join(", ");
  const settings = Object.entries(options.settings ?? {}).map(([name, value]) =>
    `set local ${name} = ${literal(value)}`
  );
  return [
    options.writes
      ? "begin isolation level read committed read write"
      : "begin isolation level repeatable read read only",
    ...meaningSettings(options.timeoutMs),
    `set local lock_timeout = ${millisecondsLiteral(LOCK_TIMEOUT_MS)}`,
    "set local idle_in_transaction_session_timeout = '10s'",
    `set local ${CLIENTS_PATH} = ${literal(path)}`,
    ...settings,
    ...(options.writes ? ["discard sequences"] : []),
    ...(options.role === undefined ? [] : [`set local role ${ident(options.role)}`]),
    `do ${dollarQuoted(block, "trial")}`,
    `select pg_catalog.current_setting(${literal(OUTCOME)}) as outcome`,
    LEAVE_NOTHING,
    "rollback",
  ].join(";\n");
}

/**
 * Statements of the block that run an EXECUTE as clients of the Data API do: names in triggers, policies and defaults
 * are looked up in the table's schema first. Nothing else of the block is looked up there; an error brings our own
 * path back, as it does every setting.
 */
export const asClients = (execute: string): string =>
  `perform pg_catalog.set_config('search_path', pg_catalog.current_setting(${
    literal(CLIENTS_PATH)
  }), true);
    ${execute}
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);`;

/**
 * What a rollback leaves to the session: locks that a trigger or a policy may have taken, and statements that it
 * may have prepared. Nothing of ours keeps any.
 */
export const LEAVE_NOTHING = "select pg_catalog.pg_advisory_unlock_all();\ndeallocate all";

/** Statement of the block that leaves its outcome, an expression of type jsonb. */
export const leaveOutcome = (expression: string): string =>
  `perform pg_catalog.set_config(${literal(OUTCOME)}, (${expression})::text, true);`;

/** Reads the answer of a trial's message. */
export function outcomeOf<Outcome>(results: Record<string, unknown>[][]): Outcome {
  const [row] = results.find(([row]) => row !== undefined && "outcome" in row) ?? [];
  return JSON.parse(row.outcome as string);
}

/** What a handler catches: all but the end of the time, which ends the trial. */
export const ANYTHING = "assert_failure or others";

/** Names of common SQLSTATEs (PostgreSQL manual, appendix A). */
const CONDITIONS: Record<string, string> = {
  "0A000": "feature_not_supported",
  "21000": "cardinality_violation",
  "22001": "string_data_right_truncation",
  "22003": "numeric_value_out_of_range",
  "22P02": "invalid_text_representation",
  "23001": "restrict_violation",
  "23502": "not_null_violation",
  "23503": "foreign_key_violation",
  "23505": "unique_violation",
  "23514": "check_violation",
  "23P01": "exclusion_violation",
  "25006": "read_only_sql_transaction",
  "27000": "triggered_data_change_violation",
  "2F003": "prohibited_sql_statement_attempted",
  "40001": "serialization_failure",
  "40P01": "deadlock_detected",
  "428C9": "generated_always",
  "42501": "insufficient_privilege",
  "42703": "undefined_column",
  "42704": "undefined_object",
  "42804": "datatype_mismatch",
  "42809": "wrong_object_type",
  "42883": "undefined_function",
  "42P01": "undefined_table",
  "42P10": "invalid_column_reference",
  "42P17": "invalid_object_definition",
  "44000": "with_check_option_violation",
  "54001": "statement_too_complex",
  "55000": "object_not_in_prerequisite_state",
  "55P03": "lock_not_available",
  "P0001": "raise_exception",
};

/** `42501 (insufficient_privilege)`: what a refusal is called; its message could hold values of rows. */
export const refusal = (sqlstate: string): string =>
  sqlstate in CONDITIONS ? `${sqlstate} (${CONDITIONS[sqlstate]})` : sqlstate;

/** What came of a statement through one of the names. */
export interface NameOutcome {
  /** Which of the names the refusal's message has in it; left out where it was not looked for. */
  named?: "new" | "old" | null;
  /** Null: it was not refused. */
  sqlstate: string | null;
  rows: number | null;
}

/** `3 rows`, or what the refusal is called. */
export const saying = ({ sqlstate, rows: count }: NameOutcome): string =>
  sqlstate === null ? rows(count ?? 0) : refusal(sqlstate);

/** Refusals that say nothing about the statement: somebody else was at work on the same rows. */
export const isPassing = (sqlstate: string | null): boolean =>
  sqlstate !== null && ["40001", "40P01", "55P03"].includes(sqlstate);

/** `1 row`, `3 rows`. */
export const rows = (count: number): string => count === 1 ? "1 row" : `${count} rows`;
