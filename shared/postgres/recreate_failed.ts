/**
 * Errors of statements that make something of others again from its definition: it could not be read in again,
 * or what it says could not be computed (a name that became ambiguous, a division by zero in the query of a
 * materialized view). The server does not say which statement of a message failed; but among those of a plan
 * only these can fail in such a way.
 */
import { Problem, type ProblemOptions } from "../contract/problems.ts";

/** SQLSTATEs, beside data exceptions, of a definition that is refused, or of rows that do not suit it. */
const REFUSED = [
  "0A000",
  "23505",
  "23514",
  "42702",
  "42704",
  "42712",
  "42723",
  "42725",
  "42803",
  "42804",
  "42846",
  "42883",
  "42P13",
  "42P16",
];

export class RecreateFailed extends Error {
  constructor(
    /** What was to be made again. */
    readonly objects: string[],
    /** As the server's error has it, so that whoever looks for a code finds it. */
    readonly code: string,
    message: string,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

/** The error of a plan's changes as what it is: a `RecreateFailed`, or itself. */
export function whileRecreating(error: unknown, changes: { recreates?: string }[]): unknown {
  const objects = [...new Set(changes.flatMap(({ recreates }) => recreates ?? []))];
  if (!(error instanceof Error) || objects.length === 0 || constraintOfOurs(error) !== null) {
    return error;
  }
  const { code } = error as { code?: unknown };
  if (typeof code !== "string" || !(code.startsWith("22") || REFUSED.includes(code))) return error;
  return new RecreateFailed(objects, code, error.message, error);
}

/** The constraint of a table of ours that an error is about; null where it is about none. */
export function constraintOfOurs(error: unknown): string | null {
  const { table_name, constraint_name } = Object(error) as Record<string, unknown>;
  return typeof table_name === "string" && table_name.startsWith("sys_table_migration")
    ? String(constraint_name)
    : null;
}

/** Objects that are named, at most. */
const MAX_NAMED = 5;

export function notMadeAgain(
  { objects, code, message }: RecreateFailed,
  options: ProblemOptions,
): Problem {
  // A data exception quotes the value, which is of some row; but for division_by_zero.
  const why = code.startsWith("22") && code !== "22012"
    ? `the data of its tables do not suit its query (SQLSTATE ${code})`
    : message;
  const named = objects.slice(0, MAX_NAMED).join(", ");
  const more = objects.length > MAX_NAMED ? ` and ${objects.length - MAX_NAMED} more` : "";
  return new Problem(
    "dependants_cannot_follow",
    `Something that was built on the view (${named}${more}) could not be made again: ${why}.`,
    { ...options, hint: "Correct or drop what the message is about, then call again." },
  );
}
