/** Runs PostgreSQL's programs, as the user they have to run as. */
import type { UnixUser } from "./unprivileged_user.ts";

// PGDATA, PGPORT, LC_* and the like would change what the programs do, and keys and passwords are
// none of the server's business: only what a program needs to run is handed on.
const KEPT_VARIABLES = ["PATH", "SystemRoot", "TEMP", "TMP", "USERNAME", "DYLD_LIBRARY_PATH"];

/** The environment of a PostgreSQL program. */
export function programEnvironment(): Record<string, string> {
  const env: Record<string, string> = { LC_ALL: "C", TZ: "UTC" };
  for (const name of KEPT_VARIABLES) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  return env;
}

export interface ProgramResult {
  success: boolean;
  /** What it said on both streams. */
  output: string;
}

/**
 * Runs `program` to its end.
 *
 * @param capture false: do not wait for what it says, because a process that it leaves running
 * holds on to its streams; `output` is empty then. Default true.
 */
export async function runProgram(
  program: string,
  args: string[],
  user: UnixUser | undefined,
  capture = true,
): Promise<ProgramResult> {
  const command = new Deno.Command(program, {
    args,
    // The current folder may be out of the user's reach.
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
