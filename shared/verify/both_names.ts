/** The two names of the table that is verified, and what comes of one statement through each of them. */
import type { VerifyFailure } from "../contract/responses.ts";
import { literal } from "../sql/quoting.ts";

export interface Names {
  /** As SQL: the table by its new name, and the view, which has the old one. */
  table: string;
  view: string;
  /** Without schema and quotes. */
  bare: { new: string; old: string };
  /** Columns that both have, in the view's order. */
  columns: string[];
  /** Columns by which rows are ordered and found; empty where there is no such key. */
  key: string[];
}

/** One statement through both names. */
export interface StatementPair {
  table: string;
  view: string;
}

export const throughBoth = (
  { table, view }: Pick<Names, "table" | "view">,
  build: (name: string) => string,
): StatementPair => ({ table: build(table), view: build(view) });

export interface NameOutcome {
  /** Null: it was not refused. */
  sqlstate: string | null;
  rows: number | null;
  /** Which of the names is in the error's message; left out where nobody looked for it. */
  named?: "new" | "old" | null;
}

export type Mismatch = Pick<VerifyFailure, "expected" | "got">;

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

/** `42501 (insufficient_privilege)`; never the message, which could hold values of rows. */
export const describeSqlstate = (sqlstate: string): string =>
  sqlstate in CONDITIONS ? `${sqlstate} (${CONDITIONS[sqlstate]})` : sqlstate;

export const describeOutcome = ({ sqlstate, rows }: NameOutcome): string =>
  sqlstate === null ? counted(rows ?? 0, "row") : describeSqlstate(sqlstate);

/** Errors that another transaction caused: they say nothing about the statement. */
export const isTransient = (sqlstate: string | null): boolean =>
  sqlstate !== null && ["40001", "40P01", "55P03"].includes(sqlstate);

/** Expression for a handler: which of the names is in the error's message, which itself stays on the server. */
export function namedInError({ bare }: Names): string {
  // One can be part of the other, as in experts and experts_v2.
  const longerFirst: ("new" | "old")[] = bare.new.length < bare.old.length
    ? ["old", "new"]
    : ["new", "old"];
  const cases = longerFirst.map((which) =>
    `when pg_catalog.strpos(pg_catalog.lower(sqlerrm), pg_catalog.lower(${
      literal(bare[which])
    })) > 0 then ${literal(which)}`
  );
  return `case ${cases.join(" ")} end`;
}

const NOT_FOUND = ["42P01", "42703", "42704", "42883"];

const FAILED_BEFORE = "failed_before";

const WHY = {
  new: "the error names the new name, so something derives a name from it, as a trigger does " +
    "from TG_TABLE_NAME",
  old: "the error names the old name, so something relies on its being a table",
  neither: "the error names neither name",
};

/**
 * What is wrong where both names were refused alike because something is not found; null where nothing is.
 *
 * @param first Whether it was tried as the first persona, which may do most: what only others do not find is likely
 *   to be a matter of their privileges and search path, unless the error has one of the names.
 */
export function refusedThroughBothNames(
  { sqlstate, named = null }: NameOutcome,
  acknowledge: string[],
  first: boolean,
): Mismatch | null {
  if (sqlstate === null || !NOT_FOUND.includes(sqlstate)) return null;
  if (acknowledge.includes(FAILED_BEFORE) || (named === null && !first)) return null;
  return {
    expected: "a statement that finds what it names",
    got: `${describeSqlstate(sqlstate)} through both names; ${WHY[named ?? "neither"]} ` +
      `(acknowledge ${FAILED_BEFORE} if it failed in the same way before the rename)`,
  };
}

export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;
