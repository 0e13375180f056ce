/** Problems: refusals and failures as RFC 9457 problem details. Callers act on the `code`, which determines the status. */

/** Status and title of each problem code; the table in the README is made from it. */
export const PROBLEMS = {
  invalid_json: { status: 400, title: "The body is not JSON" },
  body_incomplete: { status: 400, title: "The body ended early" },
  invalid_request: { status: 400, title: "The request is not valid" },
  invalid_identifier: { status: 400, title: "A name cannot be a PostgreSQL identifier" },
  unauthorized: { status: 401, title: "No valid credentials" },
  forbidden: { status: 403, title: "Not allowed" },
  protected_schema: { status: 403, title: "The schema belongs to the platform" },
  not_table_owner: { status: 403, title: "The table belongs to another role" },
  extension_owned: { status: 403, title: "The table belongs to an extension" },
  table_not_found: { status: 404, title: "No such table" },
  migration_not_found: { status: 404, title: "No such migration" },
  method_not_allowed: { status: 405, title: "Method not allowed" },
  name_taken: { status: 409, title: "The new name is taken" },
  already_renamed: { status: 409, title: "The table is already renamed" },
  breaking_findings: { status: 409, title: "Something would break" },
  dependants_cannot_follow: { status: 409, title: "Something depends on the view" },
  plan_changed: { status: 409, title: "The plan is no longer the expected one" },
  old_name_in_use: { status: 409, title: "The old name is in use, or may still be" },
  drifted: { status: 409, title: "Database and record disagree" },
  not_active: { status: 409, title: "The migration is not active" },
  request_in_progress: { status: 409, title: "The same request is still running" },
  body_too_slow: { status: 408, title: "The body did not arrive in time" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "Unsupported media type" },
  unsupported_relation: { status: 422, title: "This kind of relation cannot be renamed here" },
  unsupported_server: { status: 422, title: "The PostgreSQL server is too old" },
  too_many_locks: { status: 422, title: "The server has no room for so many locks" },
  idempotency_key_reused: { status: 422, title: "The idempotency key was used for another body" },
  lock_not_acquired: { status: 423, title: "The lock was not acquired in time" },
  internal: { status: 500, title: "Internal error" },
  busy: { status: 503, title: "All connections are in use" },
  database_unavailable: { status: 503, title: "The database is not available" },
  deadline_exceeded: { status: 504, title: "The work was not done in time" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

export interface ProblemOptions {
  /** What the caller can do next. */
  hint?: string;
  /** Further members of the problem document: `findings`, `blockers`, `issues` and the like. */
  fields?: Record<string, unknown>;
  /** The error that led to it; logged, never sent. */
  cause?: unknown;
}

/** The body of an `application/problem+json` answer (RFC 9457, section 3). */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ProblemCode;
  hint?: string;
  [field: string]: unknown;
}

/**
 * A refusal or failure with a code the caller can act on.
 *
 * @example
 * throw new Problem("table_not_found", 'There is no table "public"."experts".', {
 *   hint: "Check the schema and the spelling; names are case-sensitive.",
 * });
 */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly hint?: string;
  readonly fields: Record<string, unknown>;

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = "Problem";
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.hint = options.hint;
    this.fields = options.fields ?? {};
  }

  /** The problem document; extension members never override the standard ones. */
  toBody(): ProblemBody {
    return {
      ...this.fields,
      type: `urn:table-rename:problem:${this.code}`,
      title: PROBLEMS[this.code].title,
      status: this.status,
      detail: this.message,
      code: this.code,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
    };
  }
}
