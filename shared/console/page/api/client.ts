/// <reference lib="dom" />
/** The endpoints, by way of the page's own server, which adds the key. */
import { createRenameClient, RenameError } from "../../../client/client.ts";

export const client = createRenameClient({
  url: new URL("/api/", location.origin).href,
  // The client wants one. The server has the real one, and ignores this.
  key: "kept-by-the-server",
});

/** Whether the server or the project did not answer at all, so that to ask again may help. */
export const isUnreachable = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof RenameError && error.code === "unreachable");

/**
 * Reads something of the page's server itself.
 *
 * @throws {RenameError} It is refused.
 * @throws {TypeError} The server does not answer.
 */
export async function getJson<Answer>(path: string): Promise<Answer> {
  const response = await fetch(path);
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer as Answer;
  throw new RenameError(answer?.code ?? "unexpected_answer", answer?.detail ?? "No answer.", {
    status: response.status,
    hint: answer?.hint,
    problem: answer ?? undefined,
  });
}
