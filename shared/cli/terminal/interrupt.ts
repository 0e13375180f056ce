/** What Ctrl-C does while a command waits for the functions: it ends the command, and says what has been done. */
import process from "node:process";
import type { Progress } from "../../contract/responses.ts";

/** Ctrl-C, with what has happened until then. Exit code 130, as shells have it. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** Runs `work` with a signal that Ctrl-C aborts. A second Ctrl-C ends the process at once. */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  whatHappened: () => string,
): Promise<T> {
  const controller = new AbortController();
  const interrupt = () => controller.abort(new Interrupted(whatHappened()));
  process.once("SIGINT", interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", interrupt);
  }
}

/**
 * What is known of a change that nobody waits for any more.
 *
 * @param last What was heard of it last; undefined before it was sent, null where nothing was heard.
 * @param look The command line that shows what became of it.
 */
export function interruptedChange(last: Progress | null | undefined, look: string): string {
  if (last === undefined) return "Interrupted. Nothing was changed.";
  if (last?.phase === "verifying" || last?.phase === "replayed") {
    return `Interrupted after the change was made; only its verification was not waited for. To see it:\n  ${look}`;
  }
  const when = last === null
    ? ""
    : last.phase === "waiting" || last.phase === "locking"
    ? " while it tried to lock the tables"
    : " before the tables were locked";
  return `Interrupted${when}. The functions give it up once they notice; until then it may still be done, ` +
    `all of it or nothing. To see:\n  ${look}`;
}
