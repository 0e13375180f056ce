/** Work that continues after the answer: the platform keeps the isolate for it where it can. */

/** Only the platform's runtime has it. */
declare const EdgeRuntime: { waitUntil(work: Promise<unknown>): void } | undefined;

const running = new Set<Promise<void>>();

/** Lets work continue that nobody awaits; it must not fail. */
export function inBackground(work: Promise<void>): void {
  const ended = work.finally(() => running.delete(ended));
  running.add(ended);
  if (typeof EdgeRuntime !== "undefined") EdgeRuntime.waitUntil(ended);
}

/** Waits until all background work has ended; for tests. */
export async function backgroundEnded(): Promise<void> {
  while (running.size > 0) await Promise.all(running);
}
