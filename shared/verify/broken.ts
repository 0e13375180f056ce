/**
 * Statements that fail by both names since something is not found: a trigger that makes a table's name from
 * TG_TABLE_NAME, a function that looks for the old name in the catalog. Both names agree, and both are broken.
 */
import type { VerifyFailure } from "../contract/responses.ts";
import { literal } from "../sql/quoting.ts";
import { type NameOutcome, refusal } from "./trial.ts";

/** undefined_table, undefined_column, undefined_object, undefined_function. */
const NOT_FOUND = ["42P01", "42703", "42704", "42883"];

/** The code by which a caller says that a statement failed in the same way before the rename. */
export const FAILED_BEFORE = "failed_before";

/** The names as they are, without quotes. */
export interface BareNames {
  new: string;
  old: string;
}

/**
 * Expression of a handler for which of the names the message has in it. The message stays on the server, since it
 * may have more in it.
 */
export function namedInError(names: BareNames): string {
  // One can be part of the other, as in experts and experts_v2.
  const which: ("new" | "old")[] = names.new.length < names.old.length
    ? ["old", "new"]
    : ["new", "old"];
  const cases = which.map((one) =>
    `when pg_catalog.strpos(pg_catalog.lower(sqlerrm), pg_catalog.lower(${
      literal(names[one])
    })) > 0 then ${literal(one)}`
  );
  return `case ${cases.join(" ")} end`;
}

/**
 * What is wrong where both names were refused alike; null where nothing is.
 *
 * @param first Whether it was tried in the place of who may most: what only others do not find is likely to be a
 *   matter of their privileges and search path, unless it has one of the names.
 */
export function brokenAlike(
  { sqlstate, named = null }: NameOutcome,
  acknowledge: string[],
  first: boolean,
): Pick<VerifyFailure, "expected" | "got"> | null {
  if (sqlstate === null || !NOT_FOUND.includes(sqlstate)) return null;
  if (acknowledge.includes(FAILED_BEFORE) || (named === null && !first)) return null;
  return {
    expected: "a statement that finds what it names",
    got: `${refusal(sqlstate)} by both names; ${WHY[named ?? "neither"]} ` +
      `(acknowledge ${FAILED_BEFORE} if it failed so before the rename, too)`,
  };
}

const WHY = {
  new:
    "the error has the new name in it, so that something made a name of it: a trigger of TG_TABLE_NAME, for one",
  old: "the error has the old name in it, so that something counts on its being a table",
  neither: "the error has neither name in it",
};
