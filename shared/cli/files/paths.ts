/** Files of the caller: where they are, and writing them so that nobody reads half of one. */
import { mkdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import process from "node:process";
import { messageOf, UsageError } from "../exit_codes.ts";
import type { Terminal } from "../terminal/terminal.ts";

const SCRIPTS = new Set(["cli", "types", "migrate"]);

/** A path from where npm was called: npm runs a script in the package's folder. */
export function callerPath(path: string, env: Terminal["env"]): string {
  const dir = callerFolder(env);
  return isAbsolute(path) || dir === process.cwd() ? path : join(dir, path);
}

/** The folder that the command was called from. */
export const callerFolder = (env: Terminal["env"]): string =>
  SCRIPTS.has(env("npm_lifecycle_event") ?? "") && env("INIT_CWD") || process.cwd();

/**
 * Writes each file beside its place and then moves it there. If one cannot be written, none is changed.
 *
 * @throws {UsageError} A file or folder cannot be written.
 */
export async function replaceFiles(files: { path: string; text: string }[]): Promise<void> {
  const written: { from: string; to: string }[] = [];
  let path = "";
  try {
    for (const file of files) {
      path = file.path;
      await mkdir(dirname(path), { recursive: true });
      // A link stays a link.
      const to = await realpath(path).catch(() => path);
      const from = join(dirname(to), `.${basename(to)}.${crypto.randomUUID()}.tmp`);
      written.push({ from, to });
      await writeFile(from, file.text);
    }
    for (const { from, to } of written) {
      path = to;
      await rename(from, to);
    }
  } catch (cause) {
    throw new UsageError(`${path} cannot be written: ${messageOf(cause)}`, { cause });
  } finally {
    for (const { from } of written) await rm(from, { force: true }).catch(() => {});
  }
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(cause) ?? "")) return undefined;
    throw new UsageError(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** The system's code of an error, such as ENOENT; the same in Node.js and Deno. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
