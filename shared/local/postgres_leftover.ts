/** A server that a killed run left behind on a data folder, and the pid file it leaves. */
import { join } from "node:path";
import { type ServerRun, stopServer } from "./pg_ctl.ts";

/**
 * Stops a server that still runs on the data folder, and removes a pid file whose process is gone.
 * The caller holds the folder's lock, so no live run of ours owns that server.
 */
export async function stopLeftover(
  run: ServerRun,
  notice: (message: string) => void,
): Promise<void> {
  const pidFile = join(run.data, "postmaster.pid");
  const text = await Deno.readTextFile(pidFile).catch(() => undefined);
  if (text === undefined) return;
  const pid = Number(text.split("\n")[0]);
  if (await isServerOf(pid, run.data)) {
    notice(`stopped the PostgreSQL server (pid ${pid}) that a killed run had left over`);
    await stopServer(run, "fast").catch(() => stopServer(run, "immediate"));
  } else {
    // Left in place, the server would refuse to start where the pid is another process's by now.
    notice(`removed the stale ${pidFile} of a killed run`);
    await Deno.remove(pidFile).catch(() => {});
  }
}

/** Whether process `pid` is a PostgreSQL server on the folder `data`; pids are reused. */
async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (!(pid > 0)) return false;
  switch (Deno.build.os) {
    case "windows":
      // pg_ctl, which is asked to stop it, checks for itself.
      return true;
    case "linux": {
      const folder = await Deno.readLink(`/proc/${pid}/cwd`).catch(() => undefined);
      return folder !== undefined && folder === await Deno.realPath(data);
    }
    default: {
      const { stdout } = await new Deno.Command("ps", {
        args: ["-o", "command=", "-p", String(pid)],
      }).output();
      return new TextDecoder().decode(stdout).includes(data);
    }
  }
}
