/**
 * The wrapper of every endpoint: method, authentication, parsing, answer, problem details, event streams.
 * It knows nothing of tables; each endpoint supplies a definition.
 */
import { Problem, type ProblemBody } from "../contract/problems.ts";
import type { Progress } from "../contract/responses.ts";
import { type Database, databaseAt } from "../postgres/connection/database.ts";
import type { DatabaseContext } from "../postgres/connection/database_context.ts";
import { authenticate, type Caller } from "./authenticate.ts";
import { eventStream } from "./event_stream.ts";
import { type Idempotency, idempotencyOf } from "./idempotency.ts";
import { queryOf, readJson, refuseQuery } from "./input.ts";
import { RequestLog } from "./log.ts";
import { preferredType } from "./negotiate.ts";
import { deliverLater, type Notify, notifyOf, refuseNotification } from "./webhooks/notify.ts";
import { dataApiOf, type Settings, settingsFromEnv } from "./settings.ts";
import { recordRefusal } from "./webhooks/webhook_refusals.ts";

interface RequestContext extends DatabaseContext {
  actor: string;
  requestId: string;
  /** How the request is recognized when it is repeated; null where it is not. */
  idempotency: Idempotency | null;
  /** Who is notified of changes; undefined where nobody is. */
  notify: Notify | undefined;
  /** The database as a login without rights of its own; null where no such login is set. */
  verifierDatabase: Database | null;
  /** The project's Data API and its keys; null without SUPABASE_URL or a secret key. */
  dataApi: { url: string; secretKey: string; publishableKey: string | null } | null;
}

export interface EndpointDefinition<Input, Output = unknown> {
  method: "GET" | "POST";
  /** Whether callers may ask for an event stream. Default: false. */
  streams?: boolean;
  /** Whether it changes something: then it accepts signed webhooks and idempotency keys. Default: false. */
  changes?: boolean;
  /** Query parameters that may be given several times. Default: none. */
  repeatable?: string[];
  /** Reads the body (POST) or the query as an object (GET). */
  parse: (input: unknown) => Input;
  run: (context: RequestContext, input: Input) => Promise<Output>;
  /** The part of `run`'s output that an event stream's `result` has. Default: all of it. */
  body?: (output: Output) => unknown;
  /** Makes the answer from `run`'s output. Default: JSON that is not cached. */
  respond?: (output: Output, request: Request) => Promise<Response>;
}

/** The `fetch` of an endpoint; it reads the settings from the environment at each request. */
export function endpoint<Input, Output>(
  definition: EndpointDefinition<Input, Output>,
): (request: Request) => Promise<Response> {
  return (request) => handle(definition, request, settingsFromEnv());
}

/** Answers one request. Never throws: every error becomes a problem document. */
export async function handle<Input, Output>(
  definition: EndpointDefinition<Input, Output>,
  request: Request,
  settings: Settings,
): Promise<Response> {
  const started = performance.now();
  const requestId = crypto.randomUUID();
  const headers = commonHeaders(requestId);
  const log = new RequestLog(request, requestId, settings, started);
  const { changes = false } = definition;
  let caller: Caller | undefined;
  // Unauthenticated requests trigger no deliveries, so that nobody can keep us busy with them.
  const deliver = () => {
    if (caller !== undefined) deliverLater(settings, log.notice);
  };
  const refusal = async (error: unknown): Promise<ProblemBody> => {
    const { actor } = caller ?? {};
    await recordRefusal(error, { request, requestId, settings, actor, log: log.notice });
    const problem = asProblem(error);
    log.failed(problem);
    return problem.toBody();
  };
  try {
    requireMethod(definition.method, request);
    refuseNotification(request);
    caller = await authenticate(request, settings, changes);
    log.setActor(caller.actor);
    const streaming = acceptsEvents(definition, request);
    const sent = await readInput(definition, request, caller);
    const input = definition.parse(sent);
    const gone = new AbortController();
    request.signal.addEventListener("abort", () => gone.abort());
    let replayed = false;
    const limits = {
      deadline: started + settings.deadlineMs,
      signal: gone.signal,
      started: performance.now(),
    };
    const { verifyDatabaseUrl, idempotencyDays: days } = settings;
    const context: RequestContext = {
      database: databaseAt(requireDatabaseUrl(settings)).forRequest(limits),
      actor: caller.actor,
      requestId,
      idempotency: await idempotencyOf(request, caller, { changes, body: sent, days }),
      limits,
      progress: (progress) => {
        log.progress(progress);
        replayed ||= progress.phase === "replayed";
      },
      log: log.notice,
      notify: await notifyOf(settings, log.notice),
      verifierDatabase: verifyDatabaseUrl === undefined ? null : databaseAt(verifyDatabaseUrl),
      dataApi: dataApiOf(settings),
    };
    if (!streaming) {
      const answer = await definition.run(context, input);
      const response = definition.respond
        ? withHeaders(await definition.respond(answer, request), headers)
        : json(200, "application/json", answer, headers);
      if (replayed) response.headers.set("idempotency-replayed", "true");
      log.answered(response.status, answer);
      deliver();
      return response;
    }
    return eventStream(headers, async (sink) => {
      try {
        const progress = (progress: Progress) => {
          log.progress(progress);
          sink.send("progress", progress);
        };
        const answer = await definition.run({ ...context, progress }, input);
        log.answered(200, answer);
        sink.send("result", definition.body ? definition.body(answer) : answer);
      } catch (error) {
        sink.send("problem", await refusal(error));
      } finally {
        deliver();
      }
    }, () => gone.abort());
  } catch (error) {
    const problem = await refusal(error);
    deliver();
    const response = await refused(problem, request, headers);
    if (problem.code === "method_not_allowed") response.headers.set("allow", definition.method);
    return response;
  }
}

const asProblem = (error: unknown): Problem =>
  error instanceof Problem ? error : new Problem("internal", "Something unexpected happened.", {
    hint: "Try again; if it happens again, look for the request id in the function's logs.",
    cause: error,
  });

function requireMethod(method: string, request: Request): void {
  if (request.method === method) return;
  throw new Problem("method_not_allowed", `${request.method} is not allowed here.`, {
    hint: `Use ${method}.`,
  });
}

/** The body (POST) or the query (GET) as JSON. */
async function readInput(
  { method, repeatable }: Pick<EndpointDefinition<unknown>, "method" | "repeatable">,
  request: Request,
  caller: Caller,
): Promise<unknown> {
  const query = queryOf(request, repeatable);
  if (method === "GET") return query;
  refuseQuery(query);
  return await readJson(request, caller.webhook?.body);
}

/** Whether the caller asks for an event stream; refuses that where the endpoint has none. */
function acceptsEvents({ streams = false }: { streams?: boolean }, request: Request): boolean {
  const events = /\btext\/event-stream\b/i.test(request.headers.get("accept") ?? "");
  if (streams || !events) return events;
  const message = "this endpoint has no event stream";
  throw new Problem("invalid_request", `The header accept is not valid: ${message}.`, {
    hint: "Accept application/json.",
    fields: { issues: [{ path: "accept", message }] },
  });
}

function requireDatabaseUrl({ databaseUrl }: Settings): string {
  if (databaseUrl !== undefined) return databaseUrl;
  throw new Problem("database_unavailable", "Neither RENAME_DB_URL nor SUPABASE_DB_URL is set.", {
    hint:
      "The platform sets SUPABASE_DB_URL for deployed functions; elsewhere set one to the database's URL.",
  });
}

type HeaderFields = Record<string, string>;

/** A problem document, or Markdown for those who prefer that (allowed by RFC 9457, section 3). */
async function refused(
  problem: ProblemBody,
  request: Request,
  headers: HeaderFields,
): Promise<Response> {
  const type = preferredType(request, ["application/problem+json", "text/markdown"]);
  const { status } = problem;
  if (type === "application/problem+json") return json(status, type, problem, headers);
  // Few ask for it, so it is loaded when it is needed.
  const { problemInMarkdown } = await import("../report/problem.ts");
  return new Response(problemInMarkdown(problem), {
    status,
    headers: { ...headers, "content-type": `${type}; charset=utf-8` },
  });
}

function json(status: number, type: string, body: unknown, headers: HeaderFields): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, "content-type": `${type}; charset=utf-8` },
  });
}

const commonHeaders = (requestId: string): HeaderFields => ({
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-request-id": requestId,
});

/** Adds headers, except those that the response has already, such as its own caching rules. */
function withHeaders(response: Response, headers: HeaderFields): Response {
  for (const [name, value] of Object.entries(headers)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
