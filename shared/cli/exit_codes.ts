/** Exit codes, by which a script knows how a command ended, and the errors behind them. */
import type { RenameError } from "../client/client.ts";
import { Interrupted } from "./terminal/interrupt.ts";

export const EXIT = {
  done: 0,
  unexpected: 1,
  stale: 1,
  usage: 2,
  notAllowed: 3,
  notFound: 4,
  refused: 5,
  locked: 6,
  unavailable: 7,
  notVerified: 8,
  interrupted: 130,
} as const;

export const EXIT_CODES_HELP = `Exit codes:
  0  done
  1  an unexpected or internal error, or not confirmed; --check found stale files, or uses
  2  wrong usage, or a request that is not valid
  3  not allowed: no or wrong key, protected schema, another owner
  4  no such table or migration
  5  refused, or a plan that would be refused: something would break, the name is taken, …
  6  the locks could not be acquired in time
  7  the project, its functions or its database cannot be reached
  8  done, but the verification failed
  130  interrupted (Ctrl-C)`;

/** A mistake of the caller: in options, files or the environment. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Something that the command needs cannot be reached. Exit code 7. */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof Interrupted) return EXIT.interrupted;
  if (error instanceof UnavailableError) return EXIT.unavailable;
  if (!isRenameError(error)) return EXIT.unexpected;
  if (error.code === "unreachable") return EXIT.unavailable;
  // A 404 of the platform is about the function, not about a table.
  if (error.code === "unexpected_answer" && error.status === 404) return EXIT.unavailable;
  return BY_STATUS[error.status ?? 0] ?? EXIT.unexpected;
}

/** By its name, so that the client is loaded only by the commands that use it. */
const isRenameError = (error: unknown): error is RenameError =>
  error instanceof Error && error.name === "RenameError";

const BY_STATUS: Record<number, number> = {
  ...codes(EXIT.usage, 400, 405, 413, 415),
  ...codes(EXIT.notAllowed, 401, 403),
  ...codes(EXIT.notFound, 404),
  ...codes(EXIT.refused, 409, 422),
  ...codes(EXIT.locked, 423),
  // 546 is WORKER_LIMIT of the Edge Functions platform.
  ...codes(EXIT.unavailable, 408, 429, 502, 503, 504, 546),
};

function codes(exitCode: number, ...statuses: number[]): Record<number, number> {
  return Object.fromEntries(statuses.map((status) => [status, exitCode]));
}
