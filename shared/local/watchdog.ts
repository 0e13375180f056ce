/**
 * Cleans up after this process should it be killed. No handler runs on SIGKILL, but the system
 * closes the dead process's pipes, and a process at the other end of one notices.
 */
import { programEnvironment } from "./run_program.ts";
import type { UnixUser } from "./unprivileged_user.ts";

// A line means that there is nothing left to clean up; the end of the file, that the other end
// died. Signals of the terminal (Ctrl-C reaches every process of the group) are not meant for it.
const SCRIPT = `trap '' INT TERM HUP
read -r line || exec "$@"`;

export interface Watchdog {
  /** Ends the watchdog; the command is not run. */
  dismiss(): Promise<void>;
}

/**
 * Runs `command` (a program and its arguments) once this process has died without dismissing the
 * watchdog. On Windows there is none, and nothing happens.
 *
 * @param user who runs it; default: the current user
 */
export function startWatchdog(command: string[], user?: UnixUser): Watchdog {
  if (Deno.build.os === "windows") return { dismiss: () => Promise.resolve() };
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", SCRIPT, "sh", ...command],
    cwd: "/",
    clearEnv: true,
    env: programEnvironment(),
    stdin: "piped",
    stdout: "null",
    stderr: "null",
    detached: true,
    ...user,
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

/** A watchdog's command that kills process `pid`, which the caller waits for before dismissing. */
export function killCommand(pid: number): string[] {
  // kill is a program of its own on few machines, but part of every shell.
  return ["/bin/sh", "-c", 'kill -KILL "$1"', "sh", String(pid)];
}
