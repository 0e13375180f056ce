/** Requests whose answers a test looks at itself, refusals included. */
import type { Functions } from "./functions.ts";

export interface Answer {
  status: number;
  requestId: string;
  // deno-lint-ignore no-explicit-any -- an operation's answer or a problem document
  body: any;
}

/** Posts a body to an endpoint; the answer is whatever comes. */
export async function post(functions: Functions, name: string, body: unknown): Promise<Answer> {
  const response = await functions.fetch(name, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    requestId: response.headers.get("x-request-id") ?? "",
    body: await response.json(),
  };
}
