/** Exit codes: what a script can tell from how a command ended. Shown in every `--help`. */
import { RenameError } from "../client/client.ts";

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
} as const;

export const EXIT_CODES_HELP = `Exit codes:
  0  done
  1  an unexpected or internal error; with generate-types --check, files that are stale
  2  wrong usage, or a request that is not valid
  3  not allowed: no or wrong key, protected schema, another owner
  4  no such table or migration
  5  refused, or planned and an apply would be: something would break, the name is taken, …
  6  the locks were not acquired in time
  7  the project, its functions or its database cannot be reached
  8  done, but the verification found something that is not as it should be`;

/** What the person at the keyboard has to mend: options, files, environment. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Something that the command works with cannot be reached. Exit code 7. */
export class UnavailableError extends Error {
  override name = "UnavailableError";
}

/** The exit code of a command that ended with `error`. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof UnavailableError) return EXIT.unavailable;
  if (!(error instanceof RenameError)) return EXIT.unexpected;
  if (error.code === "unreachable") return EXIT.unavailable;
  // A 404 of the platform is about the function, not about a table.
  if (error.code === "unexpected_answer" && error.status === 404) return EXIT.unavailable;
  return BY_STATUS[error.status ?? 0] ?? EXIT.unexpected;
}

const BY_STATUS: Record<number, number> = {
  400: EXIT.usage,
  401: EXIT.notAllowed,
  403: EXIT.notAllowed,
  404: EXIT.notFound,
  405: EXIT.usage,
  408: EXIT.unavailable,
  409: EXIT.refused,
  413: EXIT.usage,
  415: EXIT.usage,
  422: EXIT.refused,
  423: EXIT.locked,
  429: EXIT.unavailable,
  502: EXIT.unavailable,
  503: EXIT.unavailable,
  504: EXIT.unavailable,
  // WORKER_LIMIT of the Edge Functions platform.
  546: EXIT.unavailable,
};
