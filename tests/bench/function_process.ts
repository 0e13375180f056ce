/** The function as a process of its own: calls it, and asks the system what it took. */
import type { RenameInput, RollbackInput } from "../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import { killCommand, startWatchdog } from "../../shared/local/postgres/watchdog.ts";

export interface FunctionProcess extends AsyncDisposable {
  rename(body: RenameInput): Promise<OperationAnswer>;
  rollback(body: RollbackInput): Promise<OperationAnswer>;
  /** Closes its connections to the database. */
  disconnect(): Promise<void>;
  /** Processor time so far in milliseconds, all threads; undefined where the system does not report it. */
  cpuMs(): number | undefined;
  /** Largest resident memory since `forgetPeak` in MB; undefined where the system does not report it. */
  peakMb(): number | undefined;
  forgetPeak(): void;
}

const SECRET_KEY = "sb_secret_of_the_benchmark";

/** Processor time is given in these units (man 5 proc, USER_HZ). */
const TICK_MS = 10;

/**
 * Starts the function, connected to the database at `url`.
 *
 * @param heapMb What JavaScript may keep in memory; when that is not enough the process ends. Default: what
 *   the platform gives.
 */
export async function startFunction(url: string, heapMb = 256): Promise<FunctionProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      `--v8-flags=--max-heap-size=${heapMb}`,
      "tests/bench/workers/function_process.ts",
    ],
    cwd: new URL("../../", import.meta.url),
    env: {
      SUPABASE_DB_URL: url,
      SUPABASE_SECRET_KEYS: JSON.stringify({ bench: SECRET_KEY }),
      // Its output is not read on.
      LOG_LEVEL: "error",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const watchdog = startWatchdog(killCommand(child.pid));
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await output.read();
  const base = `http://127.0.0.1:${Number(value)}`;
  const post = async (name: string, body: unknown) => {
    const response = await fetch(`${base}/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json", apikey: SECRET_KEY },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (response.status !== 200) throw new Error(JSON.stringify(answer, null, 2));
    return answer as OperationAnswer;
  };
  const proc = (file: string) => {
    try {
      return Deno.readTextFileSync(`/proc/${child.pid}/${file}`);
    } catch {
      return undefined;
    }
  };
  return {
    rename: (body) => post("rename", body),
    rollback: (body) => post("rollback", body),
    async disconnect() {
      await fetch(`${base}/disconnect`);
    },
    cpuMs() {
      const stat = proc("stat");
      if (stat === undefined) return undefined;
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    },
    peakMb() {
      const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(proc("status") ?? "")?.[1];
      return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
    },
    forgetPeak() {
      try {
        Deno.writeTextFileSync(`/proc/${child.pid}/clear_refs`, "5");
      } catch {
        // Then the peak is that of the process's whole life.
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await output.cancel();
      await child.status;
      await watchdog.dismiss();
    },
  };
}
