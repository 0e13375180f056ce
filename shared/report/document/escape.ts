/**
 * Texts from elsewhere as Markdown: shown as they are. Neither the renderer (CommonMark, GitHub Flavored Markdown)
 * nor GitHub, which notifies people it finds mentioned and links issues and addresses, acts on anything in them.
 * A table can be called `@everyone`, `<!--` or `a|b`.
 */
import { visible, visibleLines } from "./text.ts";

/** What GitHub makes links of even if escaped. A character without width prevents that. */
const LINKED = /@|#(?=\d)|\bGH-(?=\d)|:(?=\/\/)|\bwww(?=\.)/gi;
const ZERO_WIDTH_SPACE = "\u200b";

/** Prose with names in it. Line breaks become spaces. */
export function prose(value: string): string {
  return visible(value.replace(/[\r\n\t]+/g, " ").trim())
    .replace(/[\\\x60*_{}[\]<>#|~&$]/g, (character) => `\\${character}`)
    // What would begin a list or a heading at the beginning of a line.
    .replace(/^([-+=]|\d+(?=[.)]))/, (start) => /\d/.test(start) ? `${start}\\` : `\\${start}`)
    .replace(LINKED, `$&${ZERO_WIDTH_SPACE}`);
}

/** A code span with more backticks around it than are in it (CommonMark, section 6.1). */
export function code(value: string): string {
  const line = visible(value);
  const ticks = "`".repeat(longestRun(line) + 1);
  // A renderer removes one space where there is one on either side.
  const space = /^\x60|\x60$|^ .*[^ ].* $/.test(line) ? " " : "";
  return `${ticks}${space}${line}${space}${ticks}`;
}

/** The same in a table's cell, which ends at a bar even inside of a code span (GFM, section 4.10). */
export function codeInCell(value: string): string {
  if (!value.includes("|")) return code(value);
  const text = visible(value).replace(/[^\p{L}\p{N} ]/gu, (c) => `&#${c.codePointAt(0)};`);
  return `<code>${text}</code>`;
}

/** A fenced block, with a fence that is longer than any in it (CommonMark, section 4.5). */
export function fenced(value: string, language: string): string {
  const fence = "`".repeat(Math.max(3, longestRun(value) + 1));
  return `${fence}${language}\n${visibleLines(value)}\n${fence}`;
}

const longestRun = (value: string): number =>
  Math.max(0, ...[...value.matchAll(/\x60+/g)].map(([run]) => run.length));
