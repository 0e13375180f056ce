/** Runs the Supabase CLI of this repository. */
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../node_modules/supabase/dist/supabase.js", import.meta.url));

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

export interface SupabaseCliResult {
  success: boolean;
  stdout: string;
  stderr: string;
}

/**
 * Runs `supabase ARGS --remote=REMOTE` to its end, without input.
 *
 * @param remote A project ref or branch, or `postgresql://…`. The list of processes does not show its password;
 *   TLS is off on a loopback host without `sslmode`.
 * @throws {Error} Node.js could not be run.
 */
export async function supabaseCli(args: string[], remote: string): Promise<SupabaseCliResult> {
  const { target, password } = withoutPassword(remote);
  const { success, stdout, stderr } = await new Deno.Command("node", {
    args: [CLI, ...args, `--remote=${target}`],
    // Arguments can be read by every user of the machine, the environment cannot.
    env: {
      ...(password !== undefined && { PGPASSWORD: password }),
      DO_NOT_TRACK: "1",
      NO_UPDATE_NOTIFIER: "1",
      NO_COLOR: "1",
    },
    stdin: "null",
  }).output().catch((cause) => {
    throw new Error("the Supabase CLI needs Node.js, and node could not be run", { cause });
  });
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

export function isDatabaseUrl(text: string): boolean {
  return URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol);
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
