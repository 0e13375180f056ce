/** The client's only error, and how each failure of a call becomes one. */
import {
  FunctionsFetchError,
  FunctionsHttpError,
  FunctionsRelayError,
} from "@supabase/functions-js";
import type { ProblemBody, ProblemCode } from "../contract/problems.ts";

/**
 * Besides the contract's codes: `unreachable` if no answer came, `unexpected_answer` if something other than the
 * endpoints answered, such as the platform for a function that is not deployed.
 */
export type RenameErrorCode = ProblemCode | "unreachable" | "unexpected_answer";

export interface RenameErrorOptions {
  status?: number;
  hint?: string;
  problem?: ProblemBody;
  requestId?: string;
  cause?: unknown;
}

/**
 * A call that was refused, failed, or was not answered.
 *
 * @example
 * try {
 *   await client.rename({ old_name: "experts", new_name: "expert_profiles" });
 * } catch (error) {
 *   if (error instanceof RenameError && error.code === "lock_not_acquired") {
 *     console.error(error.problem?.blockers);
 *   }
 * }
 */
export class RenameError extends Error {
  override name = "RenameError";
  /** HTTP status; undefined if no answer came. */
  readonly status?: number;
  /** What to do next. */
  readonly hint?: string;
  /** The whole problem document, with `findings`, `blockers` and so on; undefined if there is none. */
  readonly problem?: ProblemBody;
  /** `x-request-id` of the answer, which is also in the function's logs and events. */
  readonly requestId?: string;

  /** @param detail The same as `message`. */
  constructor(
    readonly code: RenameErrorCode,
    readonly detail: string,
    options: RenameErrorOptions = {},
  ) {
    super(detail, { cause: options.cause });
    this.status = options.status;
    this.hint = options.hint;
    this.problem = options.problem;
    this.requestId = options.requestId;
  }
}

/** Longest part of a foreign answer that a message repeats. */
const MAX_FOREIGN_TEXT = 200;
const MAX_TITLE = 60;

/** The RenameError for an error of `functions.invoke`. Never throws. */
export async function toRenameError(error: unknown, endpoint: URL): Promise<RenameError> {
  if (error instanceof FunctionsHttpError || error instanceof FunctionsRelayError) {
    return await fromResponse(error.context as Response, endpoint);
  }
  if (error instanceof FunctionsFetchError) {
    return unreachable(endpoint, error.context ?? error);
  }
  if (error instanceof SyntaxError) {
    return unexpectedAnswer(endpoint, 200, "it is not JSON", { cause: error });
  }
  // The connection broke during the answer.
  return unreachable(endpoint, error);
}

/** The error for an answer that is not the endpoint's. */
export function unexpectedAnswer(
  endpoint: URL,
  status: number,
  what: string,
  options: RenameErrorOptions = {},
): RenameError {
  return new RenameError(
    "unexpected_answer",
    `${endpoint.origin}${endpoint.pathname} answered ${status}, but not as the endpoint does: ${what}.`,
    {
      hint: status === 404
        ? "Deploy the function, and check that the URL is the project's."
        : "Check that the URL is the project's, and that its functions run.",
      ...options,
      status,
    },
  );
}

async function fromResponse(response: Response, endpoint: URL): Promise<RenameError> {
  const { status } = response;
  const requestId = response.headers.get("x-request-id") ?? undefined;
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    return unreachable(endpoint, cause, requestId);
  }
  const body = parseObject(text);
  if (isProblem(body)) return fromProblem(body, requestId);
  const message = body?.message ?? body?.msg ?? body?.error;
  const what = typeof message === "string"
    ? message
    : /^\s*<(!doctype|html)/i.test(text)
    ? `it is a web page${titleOf(text)}`
    : text.trim() || "the answer is empty";
  return unexpectedAnswer(
    endpoint,
    status,
    what.length > MAX_FOREIGN_TEXT ? `${what.slice(0, MAX_FOREIGN_TEXT)}…` : what,
    { requestId },
  );
}

/** What a page is called or, without a title, the beginning of its text. */
function titleOf(page: string): string {
  const title = /<title[^>]*>([^<]*)/i.exec(page)?.[1] ??
    page.replace(/<(script|style)[^>]*>.*?<\/\1\s*>/gis, "").replace(/<[^>]*>/g, " ");
  const text = title.replace(/\s+/g, " ").trim().slice(0, MAX_TITLE);
  return text === "" ? "" : `, "${text}"`;
}

export function fromProblem(problem: ProblemBody, requestId?: string): RenameError {
  const { code, detail, status, hint } = problem;
  return new RenameError(code, detail, { status, hint, problem, requestId });
}

/** The error for an answer that did not come, or only in part. */
export function unreachable(endpoint: URL, cause: unknown, requestId?: string): RenameError {
  return new RenameError("unreachable", `No answer from ${endpoint.origin}: ${reasonOf(cause)}.`, {
    hint: neverSent(cause)
      ? "Nothing was sent. Check the URL and the network."
      : "Check the URL and the network. The change may be done nevertheless, if the request arrived: " +
        "list-migrations shows it.",
    requestId,
    cause,
  });
}

/** Node's codes for a connection that was never made, or is not trusted. */
const NOT_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT|CERT_|ERR_TLS)/;

/** Whether the request is known not to have been sent. Browsers do not say so. */
export function neverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return /client error \(Connect\)/.test(error.message) ||
    (typeof code === "string" && NOT_CONNECTED.test(code)) || neverSent(error.cause);
}

/** The innermost message: "fetch failed" says nothing. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message.replace(
    /^error sending request for url \(.*?\): (client error \(Connect\): )?/,
    "",
  );
}

/** A JSON object, or undefined if the text is none. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const body = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

export function isProblem(body: Record<string, unknown> | undefined): body is ProblemBody {
  return typeof body?.code === "string" && typeof body.detail === "string" &&
    typeof body.status === "number";
}
