/** Writes new names into the files that were read. */
import type { UsesAnswer } from "../../report/uses.ts";
import { edited } from "../../source/edits.ts";
import type { Use } from "../../source/uses.ts";
import { type FoundFile, replaceSource, uncommitted } from "./source_files.ts";

/** A file with its uses. */
export interface Read extends FoundFile {
  text: string;
  uses: Use[];
}

/** Changes the files in which all is well; the others are named with the reason. */
export async function written(
  read: Read[],
  force: boolean,
  isStillReadable: (path: string, text: string) => boolean,
): Promise<{ changed: Set<string>; notChanged: UsesAnswer["not_changed"] }> {
  const withEdits = read.filter(({ uses }) => uses.some(({ replacement }) => replacement !== null));
  const reasons = force ? new Map() : await uncommitted(withEdits.map(({ path }) => path));
  const changed = new Set<string>();
  const notChanged: UsesAnswer["not_changed"] = [];
  for (const { path, shown, text, uses } of withEdits) {
    const after = edited(text, uses);
    const reason = reasons.get(path) ??
      (isStillReadable(shown, after) ? null : "it could not be parsed any more") ??
      (await replaceSource(path, text, after) ? null : "it has been changed in the meantime");
    if (reason === null) changed.add(shown);
    else notChanged.push({ file: shown, reason });
  }
  return { changed, notChanged };
}
