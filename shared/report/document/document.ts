/**
 * An answer as plain data. Each kind of answer is described once, and printed by cli/terminal/print.ts to a terminal or by
 * markdown.ts as Markdown. The printers decide how much of it they show.
 */
import type { Finding, PlannedTable, Statement } from "../../contract/responses.ts";

export type Operation = "rename" | "rollback" | "finalize" | "refresh";

export type Tone = "good" | "notice" | "warning" | "bad";

/** A part of a text that stands out. A `name` is code in Markdown; a `key` is a name in bold on a terminal. */
export interface Span {
  text: string;
  style: Tone | "strong" | "name" | "key";
}

export type Text = string | Span | (string | Span)[];

export const name = (text: string): Span => ({ text, style: "name" });
export const key = (text: string): Span => ({ text, style: "key" });
export const toned = (text: string, style: Tone): Span => ({ text, style });

export interface Document {
  /** Only for Markdown: a comment for programs to read, and a heading in place of the title. */
  page?: { comment?: string; heading?: Text; level?: 1 | 2 };
  /** Blocks that belong together; a section with a heading begins with it. */
  sections: Block[][];
}

/**
 * Where a block is printed: only as Markdown (`page`), only on a terminal, or also on a terminal but with --verbose.
 * Default: always.
 */
interface Shown {
  only?: "page" | "terminal" | "verbose";
}

export type Block =
  & Shown
  & (
    /** Default of `label`: a check mark on a terminal, which also shows the project's URL. */
    | { is: "title"; tone: Tone; label?: string; text: string; url?: string }
    | { is: "heading"; text: string; note?: Text }
    | { is: "text"; text: Text }
    /** Without a label, a field belongs to the one before. */
    | { is: "fields"; fields: { label?: string; text: Text; tone?: Tone }[] }
    /** `of`: what a row is about; default `row`. */
    | { is: "table"; head: string[]; rows: (Text | null)[][]; of?: string }
    | { is: "names"; names: ShownName[]; oldName: string }
    | Comparison
    | { is: "items"; items: Item[] }
    | { is: "findings"; findings: Finding[]; detail?: FindingsDetail }
    | { is: "statements"; statements: ShownStatement[]; planned: boolean }
    | { is: "graph"; tables: PlannedTable[]; operation: Operation }
    | { is: "diff"; lines: string[] }
    /** How to go on: with command lines, or else with a request. */
    | { is: "step"; text: string; note?: string; commands: string[]; request?: Request }
    /** How to see more on a terminal. */
    | { is: "more"; statements: number; notes: number }
  );

export type BlockOf<Kind extends Block["is"]> = Extract<Block, { is: Kind }>;

/** A table of an operation with the name that it has and the one that it gets, or the two that it had and has. */
export interface ShownName {
  schema: string;
  from: string;
  to: string;
  /** What becomes of the old name; null where it is the table's name again. */
  oldName: string | null;
  /** Whether that has to be said where there is no column for it. */
  unusual: boolean;
  migration?: string;
}

/** A check, or what prepares one, is long and of little interest as long as it passes. */
export interface ShownStatement extends Statement {
  isCheck: boolean;
}

/** Texts of two sides, such as before and after; null where a side has none. */
export interface Comparison {
  is: "comparison";
  /** What is compared, one side, the other side. */
  head: string[];
  rows: (string | null)[][];
  sql?: boolean;
}

export interface Item {
  mark?: Span;
  text: Text;
  note?: Text;
  body?: string[];
  remedy?: string;
  items?: Item[];
  comparison?: Comparison;
}

/**
 * `each`: all that is known. `by_code`: one of each code, with some of its objects. `objects`: the code with all
 * its objects. `counts`: how many of each code. Default: as much as there is room for.
 */
export type FindingsDetail = "each" | "by_code" | "objects" | "counts";

/** Fields to send to an endpoint, or to add to the request that was answered. */
export interface Request {
  endpoint: Operation | "same";
  fields: Record<string, unknown>;
}

/** Makes next steps command lines. Default, where it is an option: they are requests. */
export type CommandFor = (request: Request) => string;

export function step(
  text: string,
  request: Request,
  { commandFor, note }: { commandFor?: CommandFor; note?: string } = {},
): BlockOf<"step"> {
  return { is: "step", text, note, request, commands: commandFor ? [commandFor(request)] : [] };
}

export const field = (label: string, text: Text, only?: "verbose"): Block => ({
  is: "fields",
  fields: [{ label, text }],
  only,
});

/** A table without the columns that are empty in every row; null if it has no rows. */
export function table(
  head: string[],
  rows: (Text | null)[][],
  options: { of?: string; only?: "page" } = {},
): BlockOf<"table"> | null {
  if (rows.length === 0) return null;
  const filled = head.map((_, column) => rows.some((row) => row[column]));
  const kept = <T>(row: T[]) => row.filter((_, column) => filled[column]);
  return { is: "table", head: kept(head), rows: rows.map(kept), ...options };
}

export function documentOf(sections: (Block | null)[][], page?: Document["page"]): Document {
  return {
    page,
    sections: sections.map((blocks) => blocks.filter((block) => block !== null))
      .filter((blocks) => blocks.length > 0),
  };
}

export function section(heading: string, ...blocks: (Block | null)[]): Block[] {
  const kept = blocks.filter((block) => block !== null);
  return kept.length === 0 ? [] : [{ is: "heading", text: heading }, ...kept];
}

export const itemsOf = (items: Item[]): Block | null =>
  items.length === 0 ? null : { is: "items", items };

export function statementsBlock(statements: Statement[], planned: boolean): Block | null {
  if (statements.length === 0) return null;
  const shown = statements.map((one) => ({ ...one, isCheck: CHECK.test(one.sql) }));
  return { is: "statements", statements: shown, planned };
}

const CHECK = /^(do\s+\$|prepare\s+table_rename_|explain\s.*execute\s+table_rename_)/i;
