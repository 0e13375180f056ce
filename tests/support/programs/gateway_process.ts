/** The functions in a process of their own, before a database that runs already. */
import { SECRET_KEY } from "../http/functions.ts";
import { type Answer } from "../http/requests.ts";

export interface GatewayProcess extends AsyncDisposable {
  /** What stands for the project's URL: without a slash at its end. */
  url: string;
  /** Posts to a function; headers on top of the usual ones. */
  fetch(name: string, body: unknown, init?: RequestInit): Promise<Response>;
  post(name: string, body: unknown): Promise<Answer>;
  pid: number;
  /** What it has written to standard error so far, where errors are logged. */
  errors(): string;
  /** Kills the process as it stands; nothing in it has a chance to clean up. */
  kill(): Promise<void>;
}

/** Starts the gateway on a free port; disposed of, it is killed. */
export async function startGatewayProcess(
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<GatewayProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "shared/console/serve.ts"],
    cwd: new URL("../../../", import.meta.url),
    env: {
      PORT: "0",
      RENAME_DB_URL: "",
      SUPABASE_DB_URL: databaseUrl,
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: SECRET_KEY }),
      NO_COLOR: "1",
      // Its output is not read on.
      LOG_LEVEL: "error",
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let errors = "";
  const ended = child.stderr.pipeThrough(new TextDecoderStream())
    .pipeTo(new WritableStream({ write: (text) => void (errors += text) }));
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!/\n\n/.test(said)) {
    const { value, done } = await output.read();
    if (done) throw new Error(`the gateway ended: ${said}`);
    said += value;
  }
  const url = /Functions +(\S+)/.exec(said)![1];
  let killed: Promise<void> | undefined;
  const kill = () =>
    killed ??= (async () => {
      child.kill("SIGKILL");
      await child.status;
      await output.cancel();
      await ended;
    })();
  const send: GatewayProcess["fetch"] = (name, body, init = {}) =>
    fetch(`${url}${name}`, {
      method: "POST",
      body: JSON.stringify(body),
      ...init,
      headers: { apikey: SECRET_KEY, "content-type": "application/json", ...init.headers },
    });
  return {
    url: new URL(url).origin,
    pid: child.pid,
    errors: () => errors,
    fetch: send,
    async post(name, body) {
      const response = await send(name, body);
      return {
        status: response.status,
        requestId: response.headers.get("x-request-id") ?? "",
        body: await response.json(),
      };
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
