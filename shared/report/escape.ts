/**
 * Texts from elsewhere as Markdown: shown as they are, and nothing in them is acted on, by whoever renders it
 * (CommonMark, GitHub Flavored Markdown) or reads the outcome (GitHub, which notifies people that it finds
 * mentioned, and links issues and addresses). A table can be called `@everyone`, `<!--` or `a|b`.
 */

/** Controls, invisible and direction-changing characters, and halves of surrogate pairs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const shown = (character: string): string =>
  ({ "\n": "\\n", "\r": "\\r", "\t": "\\t" })[character] ??
    `\\u{${character.codePointAt(0)!.toString(16)}}`;

/** On one line, with what could not be seen spelled out. */
export const visible = (value: string): string => value.replace(UNSEEN, shown);

const visibleLines = (value: string): string =>
  value.replace(UNSEEN, (character) => /[\n\t]/.test(character) ? character : shown(character));

/**
 * What a renderer makes links of though it is no Markdown, once it has read the Markdown: escapes do not keep
 * it from that, a character without width does. Mentions and addresses of mail, issues, addresses.
 */
const LINKED = /@|#(?=\d)|\bGH-(?=\d)|:(?=\/\/)|\bwww(?=\.)/gi;
const ZERO_WIDTH_SPACE = "\u200b";

/** Prose with names in it. Line breaks become spaces. */
export function prose(value: string): string {
  return visible(value.replace(/[\r\n\t]+/g, " ").trim())
    .replace(/[\\\x60*_{}[\]<>#|~&$]/g, (character) => `\\${character}`)
    // What begins a list or a heading at the beginning of a line.
    .replace(/^([-+=]|\d+(?=[.)]))/, (start) => /\d/.test(start) ? `${start}\\` : `\\${start}`)
    .replace(LINKED, `$&${ZERO_WIDTH_SPACE}`);
}

/** A code span with more backticks around it than are in it (CommonMark, section 6.1). */
export function code(value: string): string {
  const line = visible(value);
  const ticks = "`".repeat(longestRun(line) + 1);
  // One space is taken off again, where there is one on either side.
  const space = /^\x60|\x60$|^ .*[^ ].* $/.test(line) ? " " : "";
  return `${ticks}${space}${line}${space}${ticks}`;
}

/** The same in a table's cell, whose end no code span keeps a bar from being (GFM, section 4.10). */
export function codeInCell(value: string): string {
  if (!value.includes("|")) return code(value);
  const text = visible(value).replace(/[^\p{L}\p{N} ]/gu, (c) => `&#${c.codePointAt(0)};`);
  return `<code>${text}</code>`;
}

/** A fenced block, with a fence that is longer than any in it (CommonMark, section 4.5). */
export function fenced(value: string, language = "sql"): string {
  const fence = "`".repeat(Math.max(3, longestRun(value) + 1));
  return `${fence}${language}\n${visibleLines(value)}\n${fence}`;
}

const longestRun = (value: string): number =>
  Math.max(0, ...[...value.matchAll(/\x60+/g)].map(([run]) => run.length));

/** A table; the cells are Markdown already. */
export function tableOf(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** At most `length` characters of a text that is not Markdown yet, with a sign where some are missing. */
export function shortened(value: string, length: number): string {
  const characters = [...value];
  return characters.length <= length ? value : `${characters.slice(0, length - 1).join("")}…`;
}

/** `1 table`, `3 tables`. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${count.toLocaleString("en-US")} ${count === 1 ? one : several}`;

/**
 * GitHub refuses comments with more than 65,536 characters ("Body is too long"); what is left of that is for
 * what the caller writes around the report.
 */
export const MAX_REPORT = 64_000;
