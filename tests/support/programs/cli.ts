/** Running commands: in this process against endpoints of the test's own, or as a process of their own. */
import pc from "picocolors";
import { main } from "../../../shared/cli/main.ts";
import type { Terminal } from "../../../shared/cli/terminal/terminal.ts";
import { type Functions, SECRET_KEY } from "../http/functions.ts";

export const KEY = "sb_secret_of_the_command_line";

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Screen {
  /** What standard error does with lines that are rewritten. Default: it cannot rewrite any. */
  showLine?: (text: string) => void;
  /** In columns. Default: as wide as it likes. */
  width?: number;
  /** Default: false. */
  colors?: boolean;
  /** What somebody types when asked. Default: there is nobody to ask. */
  typed?: string;
  /** The caller's folder. Default: that of the process. */
  cwd?: string;
  /** Answers questions, in place of `typed`. */
  ask?: Terminal["ask"];
}

/** Runs a command line in this process; `shown` has the lines of both streams as they were written. */
export async function runMain(
  args: string[],
  env: Record<string, string> = {},
  { showLine, width = Infinity, colors = false, typed, cwd, ask }: Screen = {},
): Promise<Ended & { shown: string }> {
  const written = { stdout: "", stderr: "", shown: "" };
  const stream = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[name] += `${text}\n`;
      written.shown += `${text}\n`;
    },
    colors: pc.createColors(colors),
    width,
  });
  const terminal: Terminal = {
    cwd,
    ...(ask && { ask }),
    env: (name) => env[name],
    out: stream("stdout"),
    err: { ...stream("stderr"), showLine },
    ...(typed !== undefined && {
      ask: (question) => {
        written.stderr += `${question}\n`;
        written.shown += `${question}${typed}\n`;
        return Promise.resolve(typed);
      },
    }),
  };
  const code = await main(args, terminal);
  return { code, ...written };
}

/** Runs a command line as `npm run cli` does, with only `env` of the environment. */
export async function runCli(args: string[], env: Record<string, string>): Promise<Ended> {
  const script = new URL("../../../shared/cli/main.ts", import.meta.url).pathname;
  return await run(Deno.execPath(), ["run", "-A", script, ...args], { env });
}

/** Runs a program to its end, without input. */
export async function run(
  program: string,
  args: string[],
  options: { env: Record<string, string>; cwd?: string },
): Promise<Ended> {
  const kept = ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: options.cwd,
    clearEnv: true,
    env: { ...Object.fromEntries(kept), ...options.env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Serves `answer` on a free port while `work` runs, and gives it the URL. */
export async function withProject(
  answer: (request: Request) => Response | Promise<Response>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, answer);
  try {
    await work(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/**
 * Serves the functions over HTTP while `work` runs, and gives it the environment of the commands.
 *
 * @param change What becomes of the text of each answer. Default: nothing.
 */
export async function withEndpoints(
  functions: Functions,
  work: (env: Record<string, string>) => Promise<void>,
  change?: (text: string) => string,
): Promise<void> {
  await withProject(async (request) => {
    const { pathname, search } = new URL(request.url);
    const answer = await functions.fetch(pathname.replace("/functions/v1/", ""), {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      query: search,
      ...(request.method === "POST" && { body: await request.text() }),
    });
    return change === undefined ? answer : new Response(change(await answer.text()), answer);
  }, (url) => work({ SUPABASE_URL: url, SUPABASE_SECRET_KEY: SECRET_KEY }));
}

/** Runs a command line against a project whose endpoints all give this answer. */
export async function answered(
  answer: Response | ((request: Request) => Response | Promise<Response>),
  args: string[],
): Promise<Ended> {
  let ended: Ended;
  await withProject(typeof answer === "function" ? answer : () => answer, async (url) => {
    ended = await runMain(args, { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY });
  });
  return ended!;
}
