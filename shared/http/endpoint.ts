/**
 * The wrapper of every endpoint: method, authentication, parsing, answer, problem details. It knows nothing
 * of tables; what an endpoint does is its definition.
 */
import { Problem } from "../contract/problems.ts";
import { type Database, databaseAt } from "../execute/database.ts";
import { authenticate } from "./authenticate.ts";
import { readJson } from "./body.ts";
import { type Settings, settingsFromEnv } from "./settings.ts";

export interface RequestContext {
  database: Database;
  actor: string;
  requestId: string;
  log: (message: string, details: Record<string, unknown>) => void;
}

export interface EndpointDefinition<Input, Output = unknown> {
  method: "GET" | "POST";
  /** Reads the body (POST) or the query as an object (GET). */
  parse: (input: unknown) => Input;
  run: (context: RequestContext, input: Input) => Promise<Output>;
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
  const requestId = crypto.randomUUID();
  const log = (message: string, details: Record<string, unknown>) =>
    console.error(JSON.stringify({ level: "error", request_id: requestId, message, ...details }));
  try {
    requireMethod(definition.method, request);
    const actor = await authenticate(request, settings);
    refuseWhatIsNotBuilt(request);
    const input = definition.parse(
      definition.method === "GET" ? queryOf(request) : await readJson(request),
    );
    const database = databaseAt(requireDatabaseUrl(settings));
    const answer = await definition.run({ database, actor, requestId, log }, input);
    if (!definition.respond) return respond(200, "application/json", answer, requestId);
    return named(await definition.respond(answer, request), requestId);
  } catch (error) {
    const problem = error instanceof Problem
      ? error
      : new Problem("internal", "Something unexpected happened.", {
        hint: "Try again; if it stays, look for the request id in the function's logs.",
        cause: error,
      });
    if (problem.status >= 500) {
      log(problem.message, { code: problem.code, cause: causeOf(problem) });
    }
    const response = respond(
      problem.status,
      "application/problem+json",
      problem.toBody(),
      requestId,
    );
    if (problem.code === "method_not_allowed") response.headers.set("allow", definition.method);
    return response;
  }
}

function requireMethod(method: string, request: Request): void {
  if (request.method === method) return;
  throw new Problem("method_not_allowed", `${request.method} is not allowed here.`, {
    hint: `Use ${method}.`,
  });
}

function refuseWhatIsNotBuilt(request: Request): void {
  const header = request.headers.has("idempotency-key")
    ? "idempotency-key"
    : request.headers.get("accept")?.includes("text/event-stream")
    ? "accept"
    : null;
  if (header === null) return;
  const message = header === "accept"
    ? "event streams are not supported by this version"
    : "idempotency keys are not supported by this version";
  throw new Problem("invalid_request", `The header ${header} is not valid: ${message}.`, {
    hint: header === "accept" ? "Accept application/json." : "Leave the header out.",
    fields: { issues: [{ path: header, message }] },
  });
}

/** The query as an object; a name given twice is refused, since it is not said which one counts. */
function queryOf(request: Request): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of new URL(request.url).searchParams) {
    // Added by functions-js when a region is chosen; it is for the platform.
    if (name === "forceFunctionRegion") continue;
    if (Object.hasOwn(query, name)) {
      throw new Problem("invalid_request", `"${name}" is given twice.`, {
        hint: "Give each parameter once.",
        fields: { issues: [{ path: name, message: "is given twice" }] },
      });
    }
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
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
    headers: {
      "content-type": `${type}; charset=utf-8`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-request-id": requestId,
    },
  });
}

/** An answer of the endpoint's own making, with the headers that every answer has. */
function named(response: Response, requestId: string): Response {
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("x-request-id", requestId);
  return response;
}

function causeOf(problem: Problem): string {
  const { cause } = problem;
  return cause instanceof Error ? cause.stack ?? cause.message : String(cause);
}
