/** Work that goes on after the answer: the platform keeps the isolate for it where it can. */

/** What the platform has, and other runtimes do not. */
declare const EdgeRuntime: { waitUntil(work: Promise<unknown>): void } | undefined;

const running = new Set<Promise<void>>();

/** Lets work go on that nobody waits for; it must not fail. */
export function inBackground(work: Promise<void>): void {
  const ended = work.finally(() => running.delete(ended));
  running.add(ended);
  if (typeof EdgeRuntime !== "undefined") EdgeRuntime.waitUntil(ended);
}

/** Waits until nothing goes on in the background. */
export async function backgroundEnded(): Promise<void> {
  while (running.size > 0) await Promise.all(running);
}
