/** `npm run serve` as a process of its own, in a temporary folder. */
import { killCommand, startWatchdog } from "../../../shared/local/postgres/watchdog.ts";
import { descendants, listProcesses } from "./processes.ts";

/** How long a stack may take to end, in milliseconds. */
const END_TIMEOUT_MS = 30_000;

export interface ServeProcess {
  /** Of npm, not of the stack itself. */
  readonly pid: number;
  /** What it has said so far, on both streams. */
  readonly output: string;
  /** Waits until `pattern` is in the output; throws with the output when it ends before. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits for the end of npm and of the output; throws with the output when it does not come. */
  ended(): Promise<Deno.CommandStatus>;
  kill(signal: Deno.Signal): void;
}

/** Starts `npm run serve` on free ports with its data in the test's folder; `env` overrides. */
export type StartServe = (env?: Record<string, string>) => ServeProcess;

function startServe(dir: string, env: Record<string, string> = {}): ServeProcess {
  const child = new Deno.Command("npm", {
    args: ["run", "--silent", "serve"],
    cwd: new URL("../../../", import.meta.url),
    env: {
      ...{ PORT: "0", PG_PORT: "0", LOCAL_DIR: dir, NO_COLOR: "1" },
      ...{
        RENAME_DB_URL: "",
        SUPABASE_DB_URL: "",
        SUPABASE_SECRET_KEYS: "",
        SUPABASE_PUBLISHABLE_KEYS: "",
      },
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // The stack stops when npm has died; npm does not when the tests have.
  const watchdog = startWatchdog(killCommand(child.pid));
  let output = "";
  const changed = new EventTarget();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output += decoder.decode(chunk, { stream: true });
      changed.dispatchEvent(new Event("output"));
    }
  };
  let over = false;
  const end = Promise.all([child.status, read(child.stdout), read(child.stderr)])
    .then(async ([status]) => {
      await watchdog.dismiss();
      over = true;
      changed.dispatchEvent(new Event("output"));
      return status;
    });
  return {
    pid: child.pid,
    get output() {
      return output;
    },
    async waitFor(pattern) {
      for (;;) {
        const match = pattern.exec(output);
        if (match) return match;
        if (over) throw new Error(`the stack ended without saying ${pattern}:\n${output}`);
        await new Promise((resolve) => changed.addEventListener("output", resolve, { once: true }));
      }
    },
    async ended() {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => late.reject(new Error(`the stack does not end:\n${output}`)),
        END_TIMEOUT_MS,
      );
      return await Promise.race([end, late.promise]).finally(() => clearTimeout(timer));
    },
    kill: (signal) => child.kill(signal),
  };
}

/**
 * Makes a temporary folder for `work`, which can start stacks in it. Afterwards every process of
 * theirs that is still there is killed.
 */
export async function withStacks(
  work: (dir: string, start: StartServe) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "rename-stack-" });
  // The database's user passes through.
  await Deno.chmod(dir, 0o711);
  const started: ServeProcess[] = [];
  try {
    await work(dir, (env) => {
      const stack = startServe(dir, env);
      started.push(stack);
      return stack;
    });
  } finally {
    killAll([
      ...started.flatMap(({ pid }) => descendants(pid)),
      ...listProcesses().filter(({ command }) => command.includes(dir)),
    ]);
    await Promise.all(started.map((stack) => stack.ended()));
    await Deno.remove(dir, { recursive: true });
  }
}

function killAll(processes: { pid: number }[]): void {
  for (const pid of new Set(processes.map(({ pid }) => pid))) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has ended in the meantime.
    }
  }
}
