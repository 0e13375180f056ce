/**
 * The user that the database server runs as. PostgreSQL refuses to run as root, so a stack that is started by root runs
 * it as an unprivileged user, who may not be able to reach a clone in root's home.
 */
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { createHash } from "node:crypto";

export interface UnixUser {
  uid: number;
  gid: number;
}

const CANDIDATES = ["postgres", "nobody"];

/**
 * The user that the server has to run as; undefined: the current one (not root, or Windows).
 *
 * @throws {Error} started by root on a machine with neither a user `postgres` nor `nobody`
 */
export async function serverUser(): Promise<UnixUser | undefined> {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return undefined;
  for (const name of CANDIDATES) {
    const uid = await numericId("-u", name);
    const gid = await numericId("-g", name);
    if (uid && gid) return { uid, gid };
  }
  throw new Error(
    "PostgreSQL refuses to run as root and there is no user postgres or nobody to run it as; " +
      "start as another user",
  );
}

async function numericId(flag: string, name: string): Promise<number | undefined> {
  const { success, stdout } = await new Deno.Command("id", { args: [flag, name] }).output();
  if (!success) return undefined;
  // macOS prints nobody's id as -2; the kernel's 32-bit ids are unsigned.
  return Number(new TextDecoder().decode(stdout)) >>> 0;
}

/** Whether `user` can enter the folder `path`. */
export async function canReach(user: UnixUser, path: string): Promise<boolean> {
  const { success } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'cd "$1" 2>/dev/null', "sh", path],
    cwd: "/",
    uid: user.uid,
    gid: user.gid,
  }).output();
  return success;
}

/**
 * A folder to use in place of `path`, which the unprivileged user cannot reach. The same `path` and `variant` always
 * give the same folder. It is not created, but its parent is: that belongs to root and nobody else can write there, so
 * no other user can put a file in the folder's place.
 *
 * @throws {Error} the parent exists and is not root's own folder
 */
export async function reachableStandIn(path: string, variant = ""): Promise<string> {
  const parent = join(Deno.build.os === "darwin" ? tmpdir() : "/var/tmp", "zero-downtime-rename");
  await Deno.mkdir(parent, { mode: 0o711 }).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  const info = await Deno.lstat(parent);
  if (!info.isDirectory || info.uid !== 0 || (info.mode! & 0o022) !== 0) {
    throw new Error(`${parent} should be a folder of root that only root can write to; remove it`);
  }
  await Deno.chmod(parent, 0o711);
  const absolute = resolve(path);
  const hash = createHash("sha256").update(`${absolute}\n${variant}`).digest("hex").slice(0, 12);
  return join(parent, `${basename(absolute)}-${hash}`);
}
