/// <reference lib="dom" />
/** The endpoints, by way of the page's own server, which adds the key. */
import { createRenameClient, RenameError } from "../../../client/client.ts";
import { PROJECT_HEADER } from "../../server/session_answer.ts";
import { PROJECT } from "../parts/project.ts";

/** A call with an idempotency key is sent (again), or nobody has answered it. */
type Attempt = "sent" | "unanswered";

const watchers = new Map<string, (attempt: Attempt) => void>();

/**
 * Says when a call with this idempotency key is sent, which the client does again by itself after a lost connection.
 * Gives what ends it.
 */
export function watchAttempts(key: string, watcher: (attempt: Attempt) => void): () => void {
  watchers.set(key, watcher);
  return () => watchers.delete(key);
}

async function watchedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const headers = new Headers(init?.headers);
  headers.set(PROJECT_HEADER, PROJECT);
  const watcher = watchers.get(headers.get("idempotency-key") ?? "");
  watcher?.("sent");
  try {
    return await fetch(input, { ...init, headers });
  } catch (error) {
    watcher?.("unanswered");
    throw error;
  }
}

export const client = createRenameClient({
  url: new URL("/api/", location.origin).href,
  // The client wants one. The server has the real one, and ignores this.
  key: "kept-by-the-server",
  fetch: watchedFetch,
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
  const response = await fetch(path, { headers: { [PROJECT_HEADER]: PROJECT } });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer as Answer;
  throw new RenameError(answer?.code ?? "unexpected_answer", answer?.detail ?? "No answer.", {
    status: response.status,
    hint: answer?.hint,
    problem: answer ?? undefined,
  });
}
