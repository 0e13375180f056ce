/** What generate-types did: the files, and the old names with what they stand for. */
import type { TableAlias } from "../contract/responses.ts";
import { type Document, documentOf, name, table, toned } from "./document/document.ts";

/** `current`: it already had what it should; `stale`: it has not, and is left so. */
export type FileState = "written" | "current" | "stale";

const WORDS: Record<FileState, string> = {
  written: "written",
  current: "up to date",
  stale: "stale",
};

export function describeTypes(
  files: { path: string; state: FileState }[],
  aliases: TableAlias[],
): Document {
  const items = files.map(({ path, state }) => ({
    mark: toned(WORDS[state], state === "stale" ? "bad" : "good"),
    text: name(path),
  }));
  const rows = aliases.map((alias) => [alias.schema, alias.old_name, alias.new_name].map(name));
  return documentOf([
    [{ is: "items", items }],
    [
      table(["Schema", "Old name", "Table"], rows) ??
        { is: "text", text: "No old names: nothing is renamed." },
    ],
  ]);
}
