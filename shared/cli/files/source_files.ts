/** The files of an application: which there are, what git says of them, and changing them. */
import { execFile } from "node:child_process";
import { lstat, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { promisify } from "node:util";
import ignore, { type Ignore } from "ignore";
import { messageOf, UsageError } from "../exit_codes.ts";

export interface FoundFile {
  /** Absolute, with no link in it. */
  path: string;
  /** From the folder of the caller, with slashes. */
  shown: string;
}

const run = promisify(execFile);

async function git(folder: string, args: string[]): Promise<string> {
  try {
    const { stdout } = await run("git", ["-C", folder, ...args], { maxBuffer: 1 << 28 });
    return stdout;
  } catch (cause) {
    const { stderr = "", code } = cause as { stderr?: string; code?: unknown };
    const why = code === "ENOENT" ? "git is not installed" : stderr.trim() || messageOf(cause);
    throw new UsageError(`${folder} is in a git repository, which cannot be read: ${why}`, {
      cause,
    });
  }
}

/**
 * All files below the paths. In a git repository those that git does not ignore; elsewhere those that no .gitignore
 * names. Links are not followed.
 *
 * @param base The caller's folder, from which paths are shown.
 * @throws {UsageError} A path does not exist, or git fails.
 */
export async function filesBelow(paths: string[], base: string): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  const from = await realpath(base);
  const add = (path: string) => {
    const shown = relative(from, path).split(sep).join("/");
    found.set(path, { path, shown: shown.startsWith("../../..") ? path : shown });
  };
  for (const given of paths) {
    let path: string;
    try {
      path = await realpath(resolve(base, given));
    } catch (cause) {
      throw new UsageError(`${given}: there is no such file or folder`, { cause });
    }
    if ((await lstat(path)).isFile()) add(path);
    else {
      const names = await repositoryOf(path) === null ? await walk(path) : await listed(path);
      for (const name of names) add(join(path, name));
    }
  }
  return [...found.values()].sort((a, b) => a.shown < b.shown ? -1 : 1);
}

/** The folder that has `.git`, upwards; null if the folder is in no repository. */
export async function repositoryOf(folder: string): Promise<string | null> {
  for (let at = folder;; at = dirname(at)) {
    const there = await lstat(join(at, ".git")).catch(() => null);
    if (there !== null) return at;
    if (dirname(at) === at) return null;
  }
}

async function listed(folder: string): Promise<string[]> {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."];
  const names = [...new Set((await git(folder, list)).split("\0"))].filter((name) => name !== "");
  const files = await Promise.all(names.map(async (name) => {
    // Deleted files, links and other repositories are in the list, too; so are files behind a folder that is a link now.
    const path = join(folder, name);
    const there = await lstat(path).catch(() => null);
    return there?.isFile() && await realpath(path) === path ? [name] : [];
  }));
  return files.flat();
}

async function walk(root: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (folder: string, rules: { folder: string; rules: Ignore }[]) => {
    const text = await readFile(join(root, folder, ".gitignore"), "utf8").catch(() => null);
    const all = text === null ? rules : [...rules, { folder, rules: ignore().add(text) }];
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const isIgnored = all.some(({ folder, rules }) => {
        const inside = folder === "" ? name : name.slice(folder.length + 1);
        return rules.ignores(entry.isDirectory() ? `${inside}/` : inside);
      });
      if (isIgnored || entry.name === "node_modules" || entry.name === ".git") continue;
      if (entry.isDirectory()) await visit(name, all);
      else if (entry.isFile()) found.push(name);
    }
  };
  await visit("", []);
  return found;
}

/** Largest file that is read, in bytes; nobody writes a larger one by hand. */
const LARGEST = 4 << 20;

/** The text of a file with its byte order mark; null if it is not UTF-8, or too large to be source. */
export async function readSource(path: string): Promise<string | null> {
  if ((await lstat(path)).size > LARGEST) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (cause) {
    if (cause instanceof TypeError) return null;
    throw new UsageError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** Why git could not give back each of the files as it is now. Files in no repository are not in the answer. */
export async function uncommitted(paths: string[]): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  const byRepository = new Map<string, string[]>();
  for (const path of paths) {
    const repository = await repositoryOf(dirname(path));
    if (repository === null) continue;
    byRepository.set(repository, [...byRepository.get(repository) ?? [], path]);
  }
  for (const [repository, files] of byRepository) {
    const tracked = new Set((await git(repository, ["ls-files", "-z"])).split("\0"));
    const status = ["status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames"];
    const changed = new Set(
      (await git(repository, status)).split("\0").map((line) => line.slice(3)),
    );
    for (const path of files) {
      const name = relative(repository, path).split(sep).join("/");
      if (!tracked.has(name)) reasons.set(path, "git does not track it");
      else if (changed.has(name)) reasons.set(path, "it has uncommitted changes");
    }
  }
  return reasons;
}

/**
 * Replaces a file as a whole, and keeps its permissions.
 *
 * @param before The text that was read; the file is left alone if it has another one now.
 * @returns Whether it was replaced.
 * @throws {UsageError} It cannot be written; then it is as it was.
 */
export async function replaceSource(path: string, before: string, text: string): Promise<boolean> {
  const { mode } = await lstat(path);
  if (await readSource(path) !== before) return false;
  const beside = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
  try {
    await writeFile(beside, text, { mode: mode & 0o7777, flag: "wx" });
    await rename(beside, path);
    return true;
  } catch (cause) {
    throw new UsageError(`${path} cannot be written: ${messageOf(cause)}`, { cause });
  } finally {
    await rm(beside, { force: true });
  }
}
