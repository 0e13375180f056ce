/** What generate-types did, for a person to read. */
import type { TableAlias } from "../contract/responses.ts";
import { safe, type Stream, table } from "./terminal.ts";

/** `current`: it already had what it should; `stale`: it has not, and is left so. */
export type FileState = "written" | "current" | "stale";

const SAYS: Record<FileState, string> = {
  written: "written",
  current: "up to date",
  stale: "stale",
};

/** The files with their states, then the old names and what they stand for. */
export function describeTypes(
  files: { path: string; state: FileState }[],
  aliases: TableAlias[],
  page: Pick<Stream, "colors" | "width">,
): string {
  const { colors } = page;
  const longest = Math.max(...files.map(({ state }) => SAYS[state].length));
  const lines = files.map(({ path, state }) => {
    const color = state === "stale" ? colors.red : colors.green;
    return `${color(SAYS[state].padEnd(longest))}  ${safe(path)}`;
  });
  if (aliases.length === 0) return [...lines, "No old names: nothing is renamed."].join("\n");
  const rows = aliases.map(({ schema, old_name, new_name }) => [schema, old_name, new_name]);
  return [...lines, "", table(["SCHEMA", "OLD NAME", "TABLE"], rows, page)].join("\n");
}
