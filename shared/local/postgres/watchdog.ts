/**
 * Cleans up if this process is killed. No handler runs on SIGKILL, but the system closes the process's pipes, and a
 * process at the other end of one notices.
 */
import { programEnvironment } from "./pg_ctl.ts";
import type { UnixUser } from "./unprivileged_user.ts";

// A line means that there is nothing to clean up; end of file, that the other process has died. It ignores signals of
// the terminal, since Ctrl-C reaches every process of the group.
const SCRIPT = `trap '' INT TERM HUP
read -r line || exec "$@"`;

interface Watchdog {
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
      // If it was killed itself, the pipe is broken.
      await writer.write(new TextEncoder().encode("done\n")).catch(() => {});
      await writer.close().catch(() => {});
      await child.status;
    },
  };
}

/** A watchdog's command that kills process `pid`; the caller awaits the end of that before dismissing. */
export function killCommand(pid: number): string[] {
  // Few machines have a program kill, but every shell has the command.
  return ["/bin/sh", "-c", 'kill -KILL "$1"', "sh", String(pid)];
}
