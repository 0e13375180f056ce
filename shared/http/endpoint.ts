/**
 * The wrapper of every endpoint: method, authentication, parsing, answer, problem details, event streams.
 * It knows nothing of tables; what an endpoint does is its definition.
 */
import { Problem, type ProblemBody } from "../contract/problems.ts";
import { type Database, databaseAt } from "../execute/database.ts";
import type { Limits } from "../execute/limits.ts";
import { authenticate } from "./authenticate.ts";
import { readJson } from "./body.ts";
import { eventStream } from "./event_stream.ts";
import { queryOf, refuseQuery } from "./query.ts";
import { dataApiOf, type Settings, settingsFromEnv } from "./settings.ts";

export interface RequestContext {
  database: Database;
  actor: string;
  requestId: string;
  limits: Limits;
  progress: (progress: unknown) => void;
  log: (message: string, details: Record<string, unknown>) => void;
  /** The project's Data API and the keys that open it; null without SUPABASE_URL or a secret key. */
  dataApi: { url: string; secretKey: string; publishableKey: string | null } | null;
}

export interface EndpointDefinition<Input, Output = unknown> {
  method: "GET" | "POST";
  /** Whether callers may ask for an event stream. Default: false. */
  streams?: boolean;
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
  const log = (message: string, details: Record<string, unknown>) =>
    console.error(JSON.stringify({ level: "error", request_id: requestId, message, ...details }));
  try {
    requireMethod(definition.method, request);
    const actor = await authenticate(request, settings);
    const streaming = acceptsEvents(definition, request);
    const query = queryOf(request);
    if (definition.method === "POST") refuseQuery(query);
    const input = definition.parse(definition.method === "GET" ? query : await readJson(request));
    const gone = new AbortController();
    request.signal.addEventListener("abort", () => gone.abort());
    const context: RequestContext = {
      database: databaseAt(requireDatabaseUrl(settings)),
      actor,
      requestId,
      limits: { deadline: started + settings.deadlineMs, signal: gone.signal },
      progress: () => {},
      log,
      dataApi: dataApiOf(settings),
    };
    if (!streaming) {
      const answer = await definition.run(context, input);
      if (!definition.respond) return respond(200, "application/json", answer, requestId);
      return withCommonHeaders(await definition.respond(answer, request), requestId);
    }
    return eventStream(commonHeaders(requestId), async (sink) => {
      try {
        const progress = (progress: unknown) => sink.send("progress", progress);
        const output = await definition.run({ ...context, progress }, input);
        sink.send("result", definition.body ? definition.body(output) : output);
      } catch (error) {
        sink.send("problem", problemBody(error, log));
      }
    }, () => gone.abort());
  } catch (error) {
    const problem = problemBody(error, log);
    const response = respond(problem.status, "application/problem+json", problem, requestId);
    if (problem.code === "method_not_allowed") response.headers.set("allow", definition.method);
    return response;
  }
}

function problemBody(error: unknown, log: RequestContext["log"]): ProblemBody {
  const problem = error instanceof Problem
    ? error
    : new Problem("internal", "Something unexpected happened.", {
      hint: "Try again; if it stays, look for the request id in the function's logs.",
      cause: error,
    });
  if (problem.status >= 500) log(problem.message, { code: problem.code, cause: causeOf(problem) });
  return problem.toBody();
}

function requireMethod(method: string, request: Request): void {
  if (request.method === method) return;
  throw new Problem("method_not_allowed", `${request.method} is not allowed here.`, {
    hint: `Use ${method}.`,
  });
}

/** Whether the caller asks for an event stream; refuses what is not built. */
function acceptsEvents({ streams = false }: { streams?: boolean }, request: Request): boolean {
  const events = /\btext\/event-stream\b/i.test(request.headers.get("accept") ?? "");
  const header = request.headers.has("idempotency-key")
    ? "idempotency-key"
    : events && !streams
    ? "accept"
    : null;
  if (header === null) return events;
  const message = header === "accept"
    ? "this endpoint has no event stream"
    : "idempotency keys are not supported by this version";
  throw new Problem("invalid_request", `The header ${header} is not valid: ${message}.`, {
    hint: header === "accept" ? "Accept application/json." : "Leave the header out.",
    fields: { issues: [{ path: header, message }] },
  });
}

function requireDatabaseUrl({ databaseUrl }: Settings): string {
  if (databaseUrl !== undefined) return databaseUrl;
  throw new Problem("database_unavailable", "SUPABASE_DB_URL is not set.", {
    hint: "The platform sets it for deployed functions; elsewhere set it to the database's URL.",
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

function causeOf(problem: Problem): string {
  const { cause } = problem;
  return cause instanceof Error ? cause.stack ?? cause.message : String(cause);
}
