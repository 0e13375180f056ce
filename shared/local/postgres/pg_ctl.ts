/** Runs PostgreSQL's programs, among them pg_ctl, which puts a server in a session of its own. */
import { join } from "node:path";
import type { PostgresBinaries } from "./binaries.ts";
import type { UnixUser } from "./unprivileged_user.ts";

/** What is needed to run the programs on one cluster. */
export interface ServerRun {
  binaries: PostgresBinaries;
  /** undefined: the current user. */
  user: UnixUser | undefined;
  /** The cluster's data folder. */
  data: string;
}

// Only what a program needs: PGDATA, PGPORT, LC_* and the like would change what it does, and keys and passwords are
// none of its business.
const KEPT_VARIABLES = ["PATH", "SystemRoot", "TEMP", "TMP", "USERNAME", "DYLD_LIBRARY_PATH"];

/**
 * To plan large queries a session takes and gives back megabytes each time, a page at a time, which took a third of a
 * server's processor time in virtual machines. With huge pages that are kept it takes a quarter less in all (GNU C
 * library manual, Memory Allocation Tunables); other systems ignore it.
 */
const GLIBC_TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.trim_threshold=268435456:" +
  "glibc.malloc.top_pad=4194304:glibc.malloc.mmap_threshold=67108864";

/** The environment of a PostgreSQL program. */
export function programEnvironment(): Record<string, string> {
  const env: Record<string, string> = { LC_ALL: "C", TZ: "UTC", GLIBC_TUNABLES };
  for (const name of KEPT_VARIABLES) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

interface ProgramResult {
  success: boolean;
  /** What it wrote to both streams. */
  output: string;
}

/**
 * Runs `program` to its end.
 *
 * @param user undefined: the current user.
 * @param capture false: `output` stays empty, since a process that the program leaves running would keep the streams
 *   open. Default: true.
 */
export async function runProgram(
  program: string,
  args: string[],
  user: UnixUser | undefined,
  capture = true,
): Promise<ProgramResult> {
  const command = new Deno.Command(program, {
    args,
    // The user may not be able to reach the current folder.
    cwd: Deno.build.os === "windows" ? undefined : "/",
    clearEnv: true,
    env: programEnvironment(),
    stdin: "null",
    stdout: capture ? "piped" : "null",
    stderr: capture ? "piped" : "null",
    ...user,
  });
  if (!capture) return { success: (await command.spawn().status).success, output: "" };
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { success, output: (decoder.decode(stdout) + decoder.decode(stderr)).trim() };
}

/** Starts the server, which appends to the file `log`, and waits up to 60 s until it answers. */
export function startServer(run: ServerRun, log: string): Promise<ProgramResult> {
  const args = ["start", "-D", run.data, "-l", log, "-w", "-t", "60"];
  // On Windows the server inherits pg_ctl's streams.
  return runProgram(run.binaries.pgCtl, args, run.user, Deno.build.os !== "windows");
}

/** The program and the arguments that stop the server, waiting up to 30 s for its end. */
export function stopCommand(run: ServerRun, mode: "fast" | "immediate"): string[] {
  return [run.binaries.pgCtl, "stop", "-D", run.data, "-m", mode, "-w", "-t", "30"];
}

/**
 * Stops the server and waits up to 30 s for its end.
 *
 * @throws {Error} it is still running
 */
export async function stopServer(run: ServerRun, mode: "fast" | "immediate"): Promise<void> {
  const [program, ...args] = stopCommand(run, mode);
  const { success, output } = await runProgram(program, args, run.user);
  // A server that ended by itself has removed its pid file, which pg_ctl reports as a failure.
  if (!success && !/PID file .* does not exist|No such process/.test(output)) {
    throw new Error(`PostgreSQL in ${run.data} did not stop: ${output}`);
  }
}

/**
 * Stops a server that a killed run left running on the data folder, or removes the pid file of one that has ended.
 * The caller holds the folder's lock, so no other process uses that server.
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
    // With it, the server would refuse to start if another process has the pid by now.
    notice(`removed the stale ${pidFile} of a killed run`);
    await Deno.remove(pidFile).catch(() => {});
  }
}

/** Whether process `pid` is a PostgreSQL server on the folder `data`; pids are reused. */
async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (!(pid > 0)) return false;
  switch (Deno.build.os) {
    case "windows":
      // pg_ctl checks that itself.
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
