/** The files of a database cluster: made by initdb, configured anew at each start. */
import { join } from "node:path";
import { exists, type PostgresBinaries, type PostgresVersion } from "./binaries.ts";
import { runProgram } from "./pg_ctl.ts";
import type { UnixUser } from "./unprivileged_user.ts";

interface Cluster {
  dir: string;
  version: PostgresVersion;
  binaries: PostgresBinaries;
  user: UnixUser | undefined;
}

/**
 * Checks that a cluster in the folder, if there is one, has the wanted version. Returns the user that the server has
 * to run as: the owner of existing data, or else `cluster.user`.
 *
 * @throws {Error} the data is of another version
 */
export async function ownerOf(cluster: Cluster): Promise<UnixUser | undefined> {
  const data = join(cluster.dir, "data");
  const found = (await Deno.readTextFile(join(data, "PG_VERSION")).catch(() => "")).trim();
  if (!found) return cluster.user;
  if (found !== String(cluster.version)) {
    throw new Error(
      `${cluster.dir} holds data of PostgreSQL ${found}, not ${cluster.version}; ` +
        "choose another folder or delete this one",
    );
  }
  if (!cluster.user) return undefined;
  const { uid, gid } = await Deno.stat(data);
  return uid && gid ? { uid, gid } : cluster.user;
}

/**
 * Makes the cluster unless it is there, and returns the superuser's password.
 *
 * @throws {Error} initdb fails, or the data is there without its password
 */
export async function createCluster(cluster: Cluster, superuser: string): Promise<string> {
  const data = join(cluster.dir, "data");
  const passwordFile = join(cluster.dir, "password");
  if (await exists(data)) {
    if (await exists(passwordFile)) return (await Deno.readTextFile(passwordFile)).trim();
    throw new Error(`the password of the database in ${cluster.dir} is lost; delete that folder`);
  }
  const password = crypto.randomUUID().replaceAll("-", "");
  await writeOwned(passwordFile, `${password}\n`, cluster.user);
  // Made under another name first: a folder named data is always complete.
  const partial = join(cluster.dir, "data.new");
  await Deno.remove(partial, { recursive: true }).catch(() => {});
  const { success, output } = await runProgram(cluster.binaries.initdb, [
    ...["-D", partial, "-U", superuser, `--pwfile=${passwordFile}`, "-A", "scram-sha-256"],
    ...["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"],
  ], cluster.user);
  if (!success) throw new Error(`initdb of PostgreSQL ${cluster.version} failed: ${output}`);
  await Deno.rename(partial, data);
  return password;
}

/** Writes postgresql.conf: what the local stack needs, and `options.settings` on top. */
export async function writeSettings(
  data: string,
  port: number,
  options: { settings?: Record<string, string>; durable?: boolean },
): Promise<void> {
  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    max_connections: "200",
    wal_level: "logical",
    shared_preload_libraries: "pg_stat_statements",
    timezone: "UTC",
    log_timezone: "UTC",
    lc_messages: "C",
    ...(options.durable === false && {
      fsync: "off",
      full_page_writes: "off",
      synchronous_commit: "off",
    }),
    ...options.settings,
  };
  const lines = Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
  await Deno.writeTextFile(
    join(data, "postgresql.conf"),
    `# Written at each start of the local stack.\n${lines.join("")}`,
  );
}

async function writeOwned(path: string, text: string, user: UnixUser | undefined): Promise<void> {
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  if (user) await Deno.chown(path, user.uid, user.gid);
}
