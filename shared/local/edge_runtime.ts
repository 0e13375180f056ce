/** What the platform's runtime offers functions beside Deno's: work that goes on after the answer. */

const going = new Set<Promise<unknown>>();

/** Puts `EdgeRuntime.waitUntil` where functions look for it. */
export function provideEdgeRuntime(): void {
  Object.assign(globalThis, {
    EdgeRuntime: {
      waitUntil(work: Promise<unknown>): void {
        const ended = work.catch((error) => console.error("background work failed:", error))
          .finally(() => going.delete(ended));
        going.add(ended);
      },
    },
  });
}

/** The work that functions have left to go on. */
export const backgroundWork = (): Promise<unknown>[] => [...going];
