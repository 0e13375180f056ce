/** Runs the Supabase CLI that is installed in the caller's project. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { isDatabaseUrl } from "../local/database_url.ts";
import { UsageError } from "./exit_codes.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

interface SupabaseCliResult {
  success: boolean;
  stdout: string;
  stderr: string;
}

/**
 * Runs `supabase ARGS --remote=REMOTE` to its end, without input.
 *
 * @param remote A project ref or branch, or `postgresql://…`. The list of processes does not show its password;
 *   TLS is off on a loopback host without `sslmode`.
 * @throws {UsageError} The CLI is not installed.
 * @throws {Error} Node.js could not be run.
 */
export async function supabaseCli(args: string[], remote: string): Promise<SupabaseCliResult> {
  const { target, password } = withoutPassword(remote);
  const child = spawn("node", [pathOfCli(), ...args, `--remote=${target}`], {
    // Arguments can be read by every user of the machine, the environment cannot.
    env: {
      ...process.env,
      ...(password !== undefined && { PGPASSWORD: password }),
      DO_NOT_TRACK: "1",
      NO_UPDATE_NOTIFIER: "1",
      NO_COLOR: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const [[code], stdout, stderr] = await Promise.all([
      once(child, "close"),
      text(child.stdout),
      text(child.stderr),
    ]);
    return { success: code === 0, stdout, stderr };
  } catch (cause) {
    throw new Error("the Supabase CLI needs Node.js, and node could not be run", { cause });
  }
}

/** Where the caller's project has it, or else where this package does. */
function pathOfCli(): string {
  for (const from of [join(process.cwd(), "package.json"), import.meta.url]) {
    try {
      return createRequire(from).resolve("supabase/dist/supabase.js");
    } catch {
      // Not there.
    }
  }
  throw new UsageError(
    "the Supabase CLI is not installed here. Install it with  npm install --save-dev supabase@3",
  );
}

function withoutPassword(remote: string): { target: string; password?: string } {
  if (!isDatabaseUrl(remote)) return { target: remote };
  const url = new URL(remote);
  const password = decodeURIComponent(url.password);
  url.password = "";
  if (LOOPBACK.has(url.hostname) && !url.searchParams.has("sslmode")) {
    url.searchParams.set("sslmode", "disable");
  }
  return { target: url.href, ...(password !== "" && { password }) };
}
