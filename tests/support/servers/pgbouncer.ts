/** Debian's PgBouncer in transaction mode, which stands for a hosted project's transaction pooler. */
import { join } from "node:path";
import { findFreePort } from "../../../shared/local/port.ts";
import { serverUser } from "../../../shared/local/postgres/unprivileged_user.ts";
import type { TestServer } from "./servers.ts";
import { until } from "../waiting.ts";

/** Debian puts it where the path of other users than root does not lead. */
const PROGRAMS = ["pgbouncer", "/usr/sbin/pgbouncer"];

export interface Pgbouncer {
  /** `url` led through the pooler; for the role postgres. */
  through(url: string): string;
  stop(): Promise<void>;
}

/** The program's path; undefined where it is not installed. */
export function findPgbouncer(): string | undefined {
  return PROGRAMS.find((program) => {
    try {
      return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
    } catch {
      return false;
    }
  });
}

/** Starts a pooler before `server` on a free port. */
export async function startPgbouncer(server: TestServer): Promise<Pgbouncer> {
  const program = findPgbouncer();
  if (program === undefined) throw new Error("pgbouncer is not installed");
  const folder = await Deno.makeTempDir({ prefix: "rename-pgbouncer-" });
  const port = await findFreePort();
  const users = join(folder, "users.txt");
  const settings = join(folder, "pgbouncer.ini");
  await Deno.writeTextFile(users, `"postgres" "${server.password}"\n`);
  await Deno.writeTextFile(
    settings,
    `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = 20
ignore_startup_parameters = extra_float_digits
`,
  );
  const user = await serverUser();
  if (user) {
    for (const path of [folder, users, settings]) await Deno.chown(path, user.uid, user.gid);
  }
  const child = new Deno.Command(program, {
    args: ["--quiet", settings],
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "null",
    ...user,
  }).spawn();
  await until(
    "pgbouncer listens",
    () =>
      Deno.connect({ hostname: "127.0.0.1", port }).then((connection) => {
        connection.close();
        return true;
      }, () => false),
  );
  return {
    through(url) {
      const through = new URL(url);
      through.port = String(port);
      return through.href;
    },
    async stop() {
      child.kill("SIGINT");
      const timer = setTimeout(() => child.kill("SIGKILL"), 2_000);
      await child.status;
      clearTimeout(timer);
      await Deno.remove(folder, { recursive: true });
    },
  };
}
