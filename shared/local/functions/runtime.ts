/** What the functions find in their runtime: that of the platform, on Deno or on Node.js. */
import { resolve4, resolve6 } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import process from "node:process";

/** Work that functions continue after their answers. */
export const backgroundWork = new Set<Promise<unknown>>();

/**
 * Provides `EdgeRuntime.waitUntil` and, on Node.js, the few members of `Deno` that deployed code uses there. Sockets are
 * those of Node.js, as in a current Deno.
 */
export function provideRuntime(): void {
  Object.assign(globalThis, {
    EdgeRuntime: {
      waitUntil(work: Promise<unknown>): void {
        const ended = work.catch((error) => console.error("background work failed:", error))
          .finally(() => backgroundWork.delete(ended));
        backgroundWork.add(ended);
      },
    },
  });
  if ("Deno" in globalThis) return;
  Object.assign(globalThis, {
    Deno: {
      env: { get: (name: string) => process.env[name] },
      // Since this version node:tls can encrypt a socket that was read from.
      version: { deno: "2.5.0" },
      readTextFile: (path: string) => readFile(path, "utf8"),
      resolveDns: (name: string, type: "A" | "AAAA") =>
        type === "A" ? resolve4(name) : resolve6(name),
    },
  });
  // supabase-js wants one to be there, and opens none for the Data API. Node.js 20 has none.
  if (!("WebSocket" in globalThis)) Object.assign(globalThis, { WebSocket: class {} });
}
