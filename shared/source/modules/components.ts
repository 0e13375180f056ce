/** The scripts of Vue, Svelte and Astro files, with everything else blanked, so that places stay. */

const SCRIPT = /<!--[^]*?-->|(<script\b(?:[^>"']|"[^"]*"|'[^']*')*>)([^]*?)<\/script\s*>/gi;
/** Between lines of three dashes, at the beginning of an Astro file. */
const FRONTMATTER = /^(\uFEFF?\s*---[^\n]*\n)([^]*?)^---\s*$/m;

export interface Scripts {
  /** As long as the file: its scripts, and spaces. */
  script: string;
  /** As long as the file: the rest of it, and spaces. */
  markup: string;
}

/** @param extension `vue`, `svelte` or `astro`. */
export function scriptsIn(source: string, extension: string): Scripts {
  const ranges: [number, number][] = [];
  const comments: [number, number][] = [];
  const front = extension === "astro" ? FRONTMATTER.exec(source) : null;
  if (front?.index === 0) ranges.push([front[1].length, front[1].length + front[2].length]);
  for (const match of source.matchAll(SCRIPT)) {
    const [, open, content] = match;
    if (open === undefined) comments.push([match.index, match.index + match[0].length]);
    if (open === undefined || isData(open)) continue;
    const start = match.index + open.length;
    if (ranges.every(([, end]) => start >= end)) ranges.push([start, start + content.length]);
  }
  let script = "";
  let markup = "";
  let at = 0;
  for (const [start, end] of [...ranges, [source.length, source.length]]) {
    script += blank(source.slice(at, start)) + source.slice(start, end);
    markup += source.slice(at, start) + blank(source.slice(start, end));
    at = end;
  }
  for (const [start, end] of comments) {
    markup = markup.slice(0, start) + blank(markup.slice(start, end)) + markup.slice(end);
  }
  return { script, markup };
}

/** JSON, templates and the like. */
const isData = (open: string) =>
  /\btype\s*=\s*["']?(?!module|text\/(?:java|type)script)/i.test(open);

const blank = (text: string) => text.replace(/[^\n\r]/g, " ");
