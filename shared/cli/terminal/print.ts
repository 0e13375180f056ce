/** Prints a document to a terminal: in short, with colours, no wider than it is. */
import CliTable from "cli-table3";
import { NOTHING_TO_DO } from "../../contract/findings.ts";
import type {
  Block,
  BlockOf,
  Comparison,
  Document,
  Item,
  ShownStatement,
  Span,
  Text,
} from "../../report/document/document.ts";
import { findingItems, notesOf } from "../../report/findings.ts";
import { counted, visible, visibleLines } from "../../report/document/text.ts";
import type { Stream } from "./terminal.ts";

export interface Page extends Pick<Stream, "colors" | "width"> {
  /** Show everything: default of the next. */
  verbose?: boolean;
  /** Show the statements of SQL. */
  sql?: boolean;
}

/** More findings than this are shown by code. */
const MAX_FINDINGS = 5;

/** Names of tables: from how many on two of them share a line, where they fit, and how many are shown at most. */
const MANY_NAMES = 12;
const MAX_NAMES = 40;

export const printed = ({ sections }: Document, page: Page): string =>
  sections.map((blocks) => printSection(blocks, page)).filter((part) => part !== "").join("\n\n");

/** A line of a diff in its colour. */
const changed = (line: string, { colors }: Page): string =>
  line.startsWith("+") ? colors.green(line) : line.startsWith("-") ? colors.red(line) : line;

function printSection(section: Block[], page: Page): string {
  const blocks = section.filter(({ only }) =>
    only === undefined || only === (page.verbose ? "verbose" : "terminal")
  );
  if (blocks.length === 0) return "";
  const indent = blocks[0].is === "heading" ? 2 : 0;
  const parts = blocks.map((block) => printBlock(block, page, indent));
  // A heading alone would be about nothing.
  if (indent > 0 && parts.slice(1).every((part) => part === "") && blocks.length > 1) return "";
  return parts.filter((part) => part !== "").join("\n");
}

function printBlock(block: Block, page: Page, indent: number): string {
  const { colors, width } = page;
  switch (block.is) {
    case "title":
      return printTitle(block, page);
    case "heading":
      return colors.bold(visible(block.text)) +
        (block.note === undefined ? "" : `  ${inline(block.note, page)}`);
    case "text":
      return paragraph(inline(block.text, page), width, indent);
    case "fields":
      return printFields(block, page);
    case "table":
      return printTable(block, page);
    case "names":
      return printNames(block, page);
    case "comparison":
      return printComparison(block, page, 2);
    case "items":
      return printItems(block.items, page, indent);
    case "findings":
      return printFindings(block, page);
    case "statements":
      return printStatements(block.statements, block.planned, page);
    case "graph":
      return "";
    case "diff":
      return block.lines.map((line) => `  ${changed(visible(line), page)}`).join("\n");
    case "step":
      if (block.commands.length === 0) return "";
      return [`${visible(block.text)}:`, ...block.commands.map((one) => `  ${visible(one)}`)]
        .join("\n");
    case "more":
      return printMore(block, page);
  }
}

function printTitle({ label, tone, text, url }: BlockOf<"title">, page: Page): string {
  const { colors } = page;
  const mark = styled({ text: label ?? "✓", style: tone }, page);
  const where = url === undefined ? "" : `  ${colors.dim(`on ${visible(url)}`)}`;
  return `${mark}${label === undefined ? " " : "  "}${colors.bold(visible(text))}${where}`;
}

function inline(text: Text, page: Page): string {
  return [text].flat().map((part) => typeof part === "string" ? visible(part) : styled(part, page))
    .join("");
}

const COLORS = {
  good: "green",
  notice: "cyan",
  warning: "yellow",
  bad: "red",
  strong: "bold",
  key: "bold",
} as const;

function styled({ text, style }: Span, { colors }: Page): string {
  return style === "name" ? visible(text) : colors[COLORS[style]](visible(text));
}

function printFields({ fields }: BlockOf<"fields">, page: Page): string {
  const start = Math.max(...fields.map(({ label = "" }) => label.length)) + 2;
  return fields.map(({ label = "", text, tone }) => {
    const shown = styled({ text: label.padEnd(start), style: tone ?? "name" }, page);
    return page.colors.bold(shown) + paragraph(inline(text, page), page.width, start).slice(start);
  }).join("\n");
}

const printItems = (items: Item[], page: Page, indent: number): string =>
  items.map((item) => printItem(item, page, indent)).join("\n");

function printItem(item: Item, page: Page, indent: number): string {
  const { colors, width } = page;
  const { mark, text, note, body = [], remedy, items = [], comparison } = item;
  const inner = (text: string, more = 2) => paragraph(text, width, indent + more);
  const gap = mark && mark.text.length > 1 ? "  " : " ";
  const start = indent + (mark ? mark.text.length + gap.length : 0);
  const head = " ".repeat(indent) + (mark ? styled(mark, page) + gap : "") +
    paragraph(inline(text, page), width, start).slice(start);
  const beside = note === undefined ? "" : `  ${colors.dim(inline(note, page))}`;
  const fits = note === undefined || plainLength(head.split("\n").at(-1)! + beside) <= width;
  return [
    ...(fits ? [head + beside] : [head, colors.dim(inner(inline(note, page), 4))]),
    ...items.map((one) => printItem(one, page, indent + 2)),
    ...body.map((line) => inner(visible(line))),
    ...(remedy === undefined || remedy === NOTHING_TO_DO
      ? []
      : [colors.dim(inner(`→ ${visible(remedy)}`))]),
    ...(comparison === undefined ? [] : [printComparison(comparison, page, indent + 4)]),
  ].join("\n");
}

/** Each side under what it is about; definitions are too long for columns. */
function printComparison(
  { head, rows }: Comparison,
  { colors, width }: Page,
  indent: number,
): string {
  const labels = head.slice(1).map((label) => label.toLowerCase());
  const longest = Math.max(...labels.map((label) => label.length));
  const start = indent + 2 + longest + 1;
  return rows.flatMap(([what, ...sides]) => [
    paragraph(visible(what ?? ""), width, indent),
    ...sides.map((side, index) => {
      const text = side === null ? colors.dim("nothing") : visible(side);
      const label = colors.dim(labels[index].padEnd(longest));
      return `${" ".repeat(indent + 2)}${label} ${paragraph(text, width, start).slice(start)}`;
    }),
  ]).join("\n");
}

/** Those that need attention, by code where they are many. */
function printFindings({ findings, detail }: BlockOf<"findings">, page: Page): string {
  if (page.verbose || detail !== undefined) {
    return printItems(findingItems(findings, detail ?? "each"), page, 2);
  }
  const notes = notesOf(findings);
  const grave = findings.filter((finding) => !notes.includes(finding));
  const shown = findingItems(grave, grave.length > MAX_FINDINGS ? "by_code" : "each");
  return printItems(shown, page, 2);
}

/** `old → new` of each table, with the schema where it is not `public`. */
function printNames({ names, oldName }: BlockOf<"names">, page: Page): string {
  const { colors, width, verbose = false } = page;
  const most = verbose || names.length <= MAX_NAMES ? names.length : MAX_NAMES;
  const shown = names.slice(0, most);
  const qualified = (schema: string, name: string) =>
    visible(schema === "public" ? name : `${schema}.${name}`);
  const lefts = shown.map(({ schema, from }) => qualified(schema, from));
  const rights = shown.map(({ to, unusual, oldName: state }) =>
    visible(to) + (unusual ? colors.dim(`  (${oldName.toLowerCase()} ${state})`) : "")
  );
  const widest = (texts: string[]) => Math.max(...texts.map(plainLength));
  const [left, right] = [widest(lefts), widest(rights)];
  const pair = left + 3 + right;
  const columns = shown.length > MANY_NAMES && width !== Infinity
    ? Math.max(1, Math.floor((width - 2 + 3) / (pair + 3)))
    : 1;
  const lines = Math.ceil(shown.length / columns);
  const rows = Array.from(
    { length: lines },
    (_, line) =>
      Array.from({ length: columns }, (_, column) => {
        const index = column * lines + line;
        if (index >= shown.length) return "";
        const text = `${lefts[index].padEnd(left)} ${colors.dim("→")} ${rights[index]}`;
        return text + " ".repeat(pair - plainLength(text));
      }).join("   ").trimEnd(),
  );
  const more = names.length - most;
  return [
    ...rows.map((row) => `  ${row}`),
    ...(more > 0 ? [colors.dim(`  and ${counted(more, "more table")}, shown with --verbose`)] : []),
    ...(verbose ? ids(names) : []),
  ].join("\n");
}

const ids = (names: BlockOf<"names">["names"]): string[] =>
  names.flatMap(({ from, migration }) =>
    migration === undefined ? [] : [`  migration of ${visible(from)}: ${visible(migration)}`]
  );

/** Each statement under its purpose; checks only with everything else. */
function printStatements(statements: ShownStatement[], planned: boolean, page: Page): string {
  const { colors, verbose = false, sql = verbose } = page;
  if (!sql) return "";
  const heading = colors.bold(planned ? "Statements" : "Statements that were run");
  const shown = statements.filter(({ isCheck }) => verbose || !isCheck).map(({ sql, purpose }) =>
    `${colors.dim(`-- ${visible(purpose)}`)}\n${visibleLines(sql)};`
  );
  return [heading, ...shown].join("\n");
}

function printMore({ statements, notes }: BlockOf<"more">, page: Page): string {
  const { colors, verbose = false, sql = verbose } = page;
  const more = [
    ...(statements > 0 && !sql ? ["--sql shows the statements"] : []),
    ...(notes > 0 && !verbose ? [`--verbose shows ${counted(notes, "note")} and all details`] : []),
  ];
  return more.length === 0 ? "" : colors.dim(`${more.join(", ")}.`);
}

function paragraph(text: string, width: number, indent: number): string {
  const room = Math.max(20, Math.min(width, 110) - indent);
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.length - 1;
    const longer = lines[line] === "" ? word : `${lines[line]} ${word}`;
    const fits = width === Infinity || plainLength(longer) <= room;
    if (fits || lines[line] === "") lines[line] = longer;
    else lines.push(word);
  }
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

// deno-lint-ignore no-control-regex
const plainLength = (text: string): number => text.replace(/\x1b\[\d+m/g, "").length;

/** Rows without borders. Columns that are too much for the terminal's width are on a further line of each row. */
function printTable({ head, rows }: BlockOf<"table">, page: Page): string {
  const cells = [
    head.map((title) => visible(title.toUpperCase())),
    ...rows.map((row) => row.map((cell) => inline(cell ?? "", page))),
  ];
  const [titles, ...lines] = aligned(cells, page.width, 2);
  return [titles.split("\n").map((line) => page.colors.dim(line)).join("\n"), ...lines].join("\n");
}

function aligned(rows: string[][], width: number, indent: number): string[] {
  const columns = rows[0].length;
  for (let count = columns;; count--) {
    const made = new CliTable({
      chars: NO_BORDERS,
      style: { "padding-left": 2, "padding-right": 0, head: [], border: [] },
    });
    made.push(...rows.map((row) => row.slice(0, count)));
    const lines = made.toString().split("\n").map((line) =>
      " ".repeat(indent - 2) + line.trimEnd()
    );
    if (count > 1 && made.width + indent - 2 > width) continue;
    if (count === columns) return lines;
    const rest = aligned(rows.map((row) => row.slice(count)), width, 6);
    return lines.map((line, index) => `${line}\n${rest[index]}`);
  }
}

const NO_BORDERS = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
    ...["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ].map((name) => [name, ""]),
);
