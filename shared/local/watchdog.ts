/**
 * Stops a database server whose starter was killed. No handler runs on SIGKILL, but the system
 * closes the dead process's pipes, and a process at the other end of one notices.
 */
import { programEnvironment } from "./run_program.ts";
import type { ServerRun } from "./pg_ctl.ts";

// A line means that the starter has stopped the server itself; the end of the file, that it died.
// Signals of the terminal (Ctrl-C reaches every process of the group) are not meant for it.
const SCRIPT = `trap '' INT TERM HUP
read -r line || exec "$1" stop -D "$2" -m fast -w -t 30`;

export interface Watchdog {
  /** Ends the watchdog without touching the server. */
  dismiss(): Promise<void>;
}

/** Starts a watchdog for the server of `run`; on Windows there is none, and nothing happens. */
export function startWatchdog(run: ServerRun): Watchdog {
  if (Deno.build.os === "windows") return { dismiss: () => Promise.resolve() };
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", SCRIPT, "sh", run.binaries.pgCtl, run.data],
    cwd: "/",
    clearEnv: true,
    env: programEnvironment(),
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    detached: true,
    ...run.user,
  }).spawn();
  child.unref();
  return {
    async dismiss() {
      child.ref();
      const writer = child.stdin.getWriter();
      // It may have been killed itself, then the pipe is broken.
      await writer.write(new TextEncoder().encode("done\n")).catch(() => {});
      await writer.close().catch(() => {});
      await child.status;
    },
  };
}
