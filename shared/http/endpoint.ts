/**
 * The wrapper of every endpoint: method, authentication, parsing, answer, problem details, event streams.
 * It knows nothing of tables; what an endpoint does is its definition.
 */
import { Problem, type ProblemBody } from "../contract/problems.ts";
import type { Progress } from "../contract/responses.ts";
import { type Database, databaseAt } from "../postgres/database.ts";
import type { Limits } from "../postgres/limits.ts";
import { authenticate, type Caller } from "./authenticate.ts";
import { problemInMarkdown } from "../report/problem.ts";
import { readJson } from "./body.ts";
import { eventStream } from "./event_stream.ts";
import { type Idempotency, idempotencyOf } from "./idempotency.ts";
import { RequestLog } from "./log.ts";
import { preferredType } from "./negotiate.ts";
import { deliverLater, type Notify, notifyOf, refuseNotification } from "./notify.ts";
import { queryOf, refuseQuery } from "./query.ts";
import { noteRefusal } from "./webhook_refusals.ts";
import { dataApiOf, type Settings, settingsFromEnv } from "./settings.ts";

export interface RequestContext {
  database: Database;
  actor: string;
  requestId: string;
  /** By what the request is known if it comes again; null where it is not. */
  idempotency: Idempotency | null;
  limits: Limits;
  progress: (progress: Progress) => void;
  log: (message: string, details: Record<string, unknown>) => void;
  /** Who is told of changes; undefined where nobody is. */
  notify: Notify | undefined;
  /** The database as a login without rights of its own; null where no such login is set. */
  verifierDatabase: Database | null;
  /** The project's Data API and the keys that open it; null without SUPABASE_URL or a secret key. */
  dataApi: { url: string; secretKey: string; publishableKey: string | null } | null;
}

export interface EndpointDefinition<Input, Output = unknown> {
  method: "GET" | "POST";
  /** Whether callers may ask for an event stream. Default: false. */
  streams?: boolean;
  /** Whether it changes something: then it takes signed webhooks and idempotency keys. Default: false. */
  changes?: boolean;
  /** Query parameters that may be given several times. Default: none. */
  repeatable?: string[];
  /** Reads the body (POST) or the query as an object (GET). */
  parse: (input: unknown) => Input;
  run: (context: RequestContext, input: Input) => Promise<Output>;
  /** What an event stream's result shows of what `run` gave. Default: all of it. */
  body?: (output: Output) => unknown;
  /** Makes the answer of what `run` gave. Default: JSON that nobody keeps. */
  respond?: (output: Output, request: Request) => Promise<Response>;
}

/** The `fetch` of an endpoint, with the settings of the environment at each request. */
export function endpoint<Input, Output>(
  definition: EndpointDefinition<Input, Output>,
): (request: Request) => Promise<Response> {
  return (request) => handle(definition, request, settingsFromEnv());
}

/** Answers one request. Never throws: whatever goes wrong becomes a problem document. */
export async function handle<Input, Output>(
  definition: EndpointDefinition<Input, Output>,
  request: Request,
  settings: Settings,
): Promise<Response> {
  const started = performance.now();
  const requestId = crypto.randomUUID();
  const log = new RequestLog(request, requestId, settings, started);
  const { changes = false } = definition;
  let caller: Caller | undefined;
  // Whoever may not ask does not keep us busy.
  const deliver = () => {
    if (caller !== undefined) deliverLater(settings, log.notice);
  };
  const refusal = async (error: unknown) => {
    await noteRefusal(error, {
      request,
      requestId,
      settings,
      actor: caller?.actor,
      log: log.notice,
    });
    return problemBody(error, log);
  };
  try {
    requireMethod(definition.method, request);
    refuseNotification(request);
    caller = await authenticate(request, settings, changes);
    log.by(caller.actor);
    const streaming = acceptsEvents(definition, request);
    const query = queryOf(request, definition.repeatable);
    if (definition.method === "POST") refuseQuery(query);
    const sent = definition.method === "GET"
      ? query
      : await readJson(request, caller.webhook?.body);
    const input = definition.parse(sent);
    const gone = new AbortController();
    request.signal.addEventListener("abort", () => gone.abort());
    let replayed = false;
    const limits = {
      deadline: started + settings.deadlineMs,
      signal: gone.signal,
      started: performance.now(),
    };
    const context: RequestContext = {
      database: databaseAt(requireDatabaseUrl(settings)).forRequest(limits),
      actor: caller.actor,
      requestId,
      idempotency: await idempotencyOf(request, caller, {
        changes,
        body: sent,
        days: settings.idempotencyDays,
      }),
      limits,
      progress: (progress) => {
        log.progress(progress);
        replayed ||= progress.phase === "replayed";
      },
      log: log.notice,
      notify: await notifyOf(settings, log.notice),
      verifierDatabase: settings.verifyDatabaseUrl === undefined
        ? null
        : databaseAt(settings.verifyDatabaseUrl),
      dataApi: dataApiOf(settings),
    };
    if (!streaming) {
      const answer = await definition.run(context, input);
      const response = definition.respond
        ? withCommonHeaders(await definition.respond(answer, request), requestId)
        : respond(200, "application/json", answer, requestId);
      if (replayed) response.headers.set("idempotency-replayed", "true");
      log.answered(response.status, answer);
      deliver();
      return response;
    }
    return eventStream(commonHeaders(requestId), async (sink) => {
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
    const response = refused(problem, request, requestId);
    if (problem.code === "method_not_allowed") response.headers.set("allow", definition.method);
    return response;
  }
}

function problemBody(error: unknown, log: RequestLog): ProblemBody {
  const problem = error instanceof Problem
    ? error
    : new Problem("internal", "Something unexpected happened.", {
      hint: "Try again; if it stays, look for the request id in the function's logs.",
      cause: error,
    });
  log.failed(problem);
  return problem.toBody();
}

function requireMethod(method: string, request: Request): void {
  if (request.method === method) return;
  throw new Problem("method_not_allowed", `${request.method} is not allowed here.`, {
    hint: `Use ${method}.`,
  });
}

/** Whether the caller asks for an event stream; refuses where there is none. */
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

/** A problem document; whoever likes Markdown better gets that, as RFC 9457 (section 3) lets it be. */
function refused(problem: ProblemBody, request: Request, requestId: string): Response {
  const type = preferredType(request, ["application/problem+json", "text/markdown"]);
  const { status } = problem;
  if (type === "application/problem+json") return respond(status, type, problem, requestId);
  return new Response(problemInMarkdown(problem), {
    status,
    headers: { ...commonHeaders(requestId), "content-type": `${type}; charset=utf-8` },
  });
}

function respond(status: number, type: string, body: unknown, requestId: string): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...commonHeaders(requestId), "content-type": `${type}; charset=utf-8` },
  });
}

const commonHeaders = (requestId: string) => ({
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-request-id": requestId,
});

/** An answer of the endpoint's own making; what it says about keeping it counts. */
function withCommonHeaders(response: Response, requestId: string): Response {
  for (const [name, value] of Object.entries(commonHeaders(requestId))) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
