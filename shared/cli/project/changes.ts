/** What `init` would change in a repository: files to write, and files that it leaves alone. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { readIfThere } from "../files/paths.ts";

export interface FileChange {
  /** From the folder of the repository, with slashes. */
  path: string;
  /** `overwrite`: what somebody changed here is lost. */
  action: "create" | "update" | "overwrite" | "delete";
  /** undefined: it is deleted. */
  text?: string;
  /** What is changed in the file. */
  what?: string;
}

/** A file that would be changed if it were not for what somebody did to it. */
interface KeptFile {
  path: string;
  why: string;
}

export interface Changes {
  changes: FileChange[];
  kept: KeptFile[];
}

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * How a file becomes what the package has.
 *
 * @param known The hash of what was written there the last time.
 * @param overwrite Whether a file that was changed since is written, too.
 */
export async function changeOf(
  dir: string,
  path: string,
  text: string | undefined,
  known: string | undefined,
  overwrite: boolean,
): Promise<Changes> {
  const there = await readIfThere(join(dir, path));
  if (there === text) return { changes: [], kept: [] };
  const one = (action: FileChange["action"]) => ({ changes: [{ path, action, text }], kept: [] });
  if (there === undefined) return one("create");
  if (hashOf(there) === known) return one(text === undefined ? "delete" : "update");
  if (overwrite) return one(text === undefined ? "delete" : "overwrite");
  return { changes: [], kept: [{ path, why: "changed here since it was written" }] };
}

export const together = (all: Changes[]): Changes => ({
  changes: all.flatMap(({ changes }) => changes),
  kept: all.flatMap(({ kept }) => kept),
});
