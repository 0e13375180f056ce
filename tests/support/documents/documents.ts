/** The documents of this repository as their readers see them: blocks of code, links, paths, tables. */
import { Marked, type Token, type Tokens } from "marked";
import { basename, dirname, join } from "node:path";
import { ROOT_FOLDER } from "./module_graph.ts";

/** A fenced block of code. */
export interface Block {
  /** `README.md:12`, the line where its code begins. */
  place: string;
  language: string;
  text: string;
  /** Why the tests do not run it, as the text right before it says: "(needs Docker; not run by the tests)". */
  notRun?: string;
}

export interface Document {
  path: string;
  lines: number;
  blocks: Block[];
  /** Fragments that a link can lead to. */
  anchors: string[];
  /** Addresses of links and pictures. */
  links: string[];
  /** Texts of code within a line. */
  code: string[];
  /** Rows of tables, as they are shown. */
  rows: string[];
}

const NOT_RUN = /\((needs [^()]+); not run by the tests\)/;

/** Folders without documents of ours. */
const SKIPPED = new Set(["node_modules", "coverage"]);

/** Paths of all Markdown files, from the root. */
export async function documentPaths(folder = ""): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(ROOT_FOLDER, folder)));
  const found = await Promise.all(entries.map(({ name, isDirectory }) => {
    if (name.startsWith(".") || SKIPPED.has(name)) return [];
    if (isDirectory) return documentPaths(join(folder, name));
    return name.endsWith(".md") ? [join(folder, name)] : [];
  }));
  return found.flat().sort();
}

export async function readDocuments(): Promise<Document[]> {
  const paths = await documentPaths();
  return await Promise.all(
    paths.map(async (path) => readDocument(path, await Deno.readTextFile(join(ROOT_FOLDER, path)))),
  );
}

export function readDocument(path: string, markdown: string): Document {
  const marked = new Marked({ gfm: true });
  const tokens = marked.lexer(markdown);
  const document: Document = {
    path,
    lines: markdown.trimEnd().split("\n").length,
    blocks: blocksOf(path, tokens),
    anchors: [],
    links: [],
    code: [],
    rows: [],
  };
  marked.walkTokens(tokens, (token) => {
    if (token.type === "heading") document.anchors.push(anchorOf(shown(token.tokens ?? [])));
    else if (token.type === "link" || token.type === "image") document.links.push(token.href);
    else if (token.type === "codespan") document.code.push(token.text);
    else if (token.type === "table") {
      const { header, rows } = token as Tokens.Table;
      document.rows.push(
        ...[header, ...rows].map((row) => row.map(({ tokens }) => shown(tokens)).join(" | ")),
      );
    }
  });
  return document;
}

/** Code outside of a fence, or in a list, has the language "". */
function blocksOf(path: string, tokens: Token[]): Block[] {
  const blocks: Block[] = [];
  let line = 1;
  let before = "";
  for (const token of tokens) {
    if (token.type === "code") {
      const fenced = token.codeBlockStyle !== "indented";
      blocks.push({
        place: `${path}:${fenced ? line + 1 : line}`,
        language: fenced ? token.lang ?? "" : "",
        text: token.text,
        notRun: NOT_RUN.exec(before)?.[1],
      });
    } else if ("tokens" in token || "items" in token) {
      const nested = token.raw.match(/^ *(```|~~~)/m);
      if (nested) blocks.push({ place: `${path}:${line}`, language: "", text: token.raw });
    }
    if (token.type !== "space") before = token.raw.replace(/\s+/g, " ");
    line += token.raw.split("\n").length - 1;
  }
  return blocks;
}

/** The text of a line without its markup. */
function shown(tokens: Token[]): string {
  return tokens.map((token) =>
    "tokens" in token && token.tokens ? shown(token.tokens) : "text" in token ? token.text : ""
  ).join("");
}

/** The fragment that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

/** Links to files or headings that are not there. */
export async function deadLinks(document: Document, all: Document[]): Promise<string[]> {
  const dead = await Promise.all(document.links.map(async (link) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [target, anchor] = link.split("#");
    const path = target === "" ? document.path : join(dirname(document.path), target);
    const other = all.find((one) => one.path === path);
    const there = other ? !anchor || other.anchors.includes(anchor) : await exists(path);
    return there ? [] : [link];
  }));
  return dead.flat();
}

/** Media types; files of a user's own project, and those that commands write. */
const ELSEWHERE =
  /^(table-rename\.json$|table-aliases\.ts$|text\/|application\/|renames\/|functions\/NAME\/|supabase\/types\/|\.local\/|supabase\/migrations\/<)/;

/** Paths in the text that are neither below the root nor beside the document. Names of tests are found anywhere. */
export async function missingPaths(document: Document, testNames: string[]): Promise<string[]> {
  const missing = await Promise.all(document.code.map(async (text) => {
    if (/^\w+_test\.ts$/.test(text)) return testNames.includes(text) ? [] : [text];
    const path = /^[\w.@<>-]+(\/[\w.@<>-]+)*\/?$/.test(text) &&
      (/\.(ts|sql|md|json|toml|yml|sh)$/.test(text) || /^[a-z]\w*\/([\w/]*)$/.test(text));
    if (!path || ELSEWHERE.test(text)) return [];
    const places = [text, join(dirname(document.path), text)];
    return (await Promise.all(places.map(exists))).some(Boolean) ? [] : [text];
  }));
  return missing.flat();
}

/** Names of all test files. */
export async function testNames(folder = "tests"): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(ROOT_FOLDER, folder)));
  const found = await Promise.all(
    entries.map(({ name, isDirectory }) =>
      isDirectory ? testNames(join(folder, name)) : [basename(name)]
    ),
  );
  return found.flat();
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(join(ROOT_FOLDER, path)).then(() => true, () => false);
}
