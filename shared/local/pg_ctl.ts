/** Starts and stops a server with PostgreSQL's own pg_ctl, which puts it in a session of its own. */
import type { PostgresBinaries } from "./postgres_binaries.ts";
import { type ProgramResult, runProgram } from "./run_program.ts";
import type { UnixUser } from "./unprivileged_user.ts";

/** What is needed to run the programs on one cluster. */
export interface ServerRun {
  binaries: PostgresBinaries;
  /** undefined: the current user. */
  user: UnixUser | undefined;
  /** The cluster's data folder. */
  data: string;
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
 * @throws {Error} it runs on
 */
export async function stopServer(run: ServerRun, mode: "fast" | "immediate"): Promise<void> {
  const [program, ...args] = stopCommand(run, mode);
  const { success, output } = await runProgram(program, args, run.user);
  // A server that ended by itself has taken its pid file along, which pg_ctl calls a failure.
  if (!success && !/PID file .* does not exist|No such process/.test(output)) {
    throw new Error(`PostgreSQL in ${run.data} did not stop: ${output}`);
  }
}
