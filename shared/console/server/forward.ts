/**
 * Calls of the page, forwarded to the project's endpoints. The key is added here: the browser never has it. Only the
 * endpoints that the page uses can be reached, and with `readOnly` only what changes nothing.
 */
import { createProblem } from "./problem.ts";

export interface Target {
  /** The project's URL. */
  url: string;
  /** Its secret key. */
  key: string;
  /** Recorded with each change, after the key's name. */
  actor?: string;
  readOnly: boolean;
  /** Default: the global one. */
  fetch?: typeof fetch;
}

const READING = ["analyze", "list-migrations", "list-events", "table-aliases"];
const CHANGING = ["rename", "rollback", "finalize", "refresh", "verify"];

/** Headers of the page that the endpoints need. */
const PASSED_ON = ["accept", "content-type", "idempotency-key"];

/** Headers of the answer that the page needs. */
const PASSED_BACK = ["content-type", "retry-after"];

/** Largest body in bytes; the endpoints' own limit is the same. */
const MAX_BODY_BYTES = 1_048_576;

/**
 * Forwards a request.
 *
 * @param name The endpoint.
 * @returns The endpoint's answer as it is, or a problem: the endpoint is none of the page's, cannot be reached, or would
 *   change something although only reading is allowed.
 */
export async function forward(request: Request, name: string, target: Target): Promise<Response> {
  const { method } = request;
  const reads = READING.includes(name);
  if (!reads && !CHANGING.includes(name)) {
    return createProblem(404, "not_found", "There is no such endpoint.");
  }
  if (method !== (reads ? "GET" : "POST")) {
    return createProblem(
      405,
      "method_not_allowed",
      `The endpoint ${name} is not called with ${method}.`,
    );
  }
  let body: string | undefined;
  if (!reads) {
    const sent = await textOf(request);
    if (sent === null) return createProblem(413, "body_too_large", "The request is too large.");
    body = sent;
    if (target.readOnly) {
      const plan = planOf(body);
      if (plan === null || name === "verify") {
        return createProblem(
          403,
          "read_only",
          "This page is read-only and changes nothing.",
          {
            hint: "Start it without --read-only to make changes.",
          },
        );
      }
      body = plan;
    }
  }
  const url = new URL(`functions/v1/${name}`, withSlash(target.url));
  url.search = new URL(request.url).search;
  const headers = new Headers({ apikey: target.key });
  if (target.actor !== undefined) headers.set("x-actor", target.actor);
  for (const header of PASSED_ON) {
    const value = request.headers.get(header);
    if (value !== null) headers.set(header, value);
  }
  try {
    const answer = await (target.fetch ?? fetch)(url, {
      method,
      headers,
      body,
      redirect: "error",
      signal: request.signal,
    });
    const passedBack = PASSED_BACK.flatMap((header): [string, string][] => {
      const value = answer.headers.get(header);
      return value === null ? [] : [[header, value]];
    });
    return new Response(answer.body, { status: answer.status, headers: passedBack });
  } catch (error) {
    // Nobody waits for the answer, and nothing has failed.
    if (request.signal.aborted) return new Response(null, { status: 499 });
    const why = error instanceof Error ? error.message : String(error);
    return createProblem(502, "unreachable", `The project's functions cannot be reached: ${why}.`, {
      hint: "Check that the project runs and that the functions are deployed.",
    });
  }
}

/** The request's body; null if it is too large, of which no more is read then. */
async function textOf({ body }: Request): Promise<string | null> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MAX_BODY_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The body of a request for a plan as it is read here, so that no endpoint can read it otherwise; null if it is none. */
function planOf(body: string): string | null {
  try {
    const request = JSON.parse(body);
    return request?.mode === "plan" ? JSON.stringify(request) : null;
  } catch {
    return null;
  }
}

const withSlash = (url: string) => url.endsWith("/") ? url : `${url}/`;
