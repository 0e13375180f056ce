/**
 * Prints a document as Markdown, for a pull request. What is too long for a comment gets shorter in steps, says
 * what was left out and how to get it, and is never cut in the middle of something.
 */
import { diagramOf } from "./diagram.ts";
import {
  type Block,
  type BlockOf,
  type Comparison,
  type Document,
  type FindingsDetail,
  type Item,
  name,
  type ShownStatement,
  type Span,
  table,
  type Text,
} from "./document.ts";
import { code, codeInCell, fenced, prose } from "./escape.ts";
import { findingItems } from "../findings.ts";
import { counted, number, shortened, visible } from "./text.ts";

/** GitHub refuses comments of more than 65,536 characters; the rest is for the caller's own text. */
export const MAX_REPORT = 64_000;

const MAX_CELL = 300;

interface Detail {
  /** `changes`: checks by their purpose alone. `fitting`: as many of those as there is room for. */
  statements: "all" | "changes" | "fitting" | "none";
  findings: FindingsDetail;
  graph: boolean;
  rows: number;
}

const WHOLE: Detail = { statements: "all", findings: "each", graph: true, rows: Infinity };

/** What is left out, one step after the other, until the text is short enough. */
const STEPS: Partial<Detail>[] = [
  { statements: "changes" },
  { statements: "fitting" },
  { statements: "none" },
  { findings: "by_code" },
  { rows: 200 },
  { rows: 50 },
  { graph: false },
  { findings: "counts" },
  { rows: 10 },
  { rows: 3 },
];

/** Fewest characters in which it is worth showing some of the statements. */
const LEAST_ROOM = 4_000;

/** @param limit Longest text, in UTF-16 code units. Default: {@linkcode MAX_REPORT}. */
export function markdownOf(document: Document, { limit = MAX_REPORT } = {}): string {
  const detail = { ...WHOLE };
  // The statements of a thousand tables are megabytes: that they do not fit is known without writing them.
  let text = sqlLength(document) > limit ? null : render(document, detail);
  for (const step of STEPS) {
    if (text !== null && text.length <= limit) break;
    Object.assign(detail, step);
    if (detail.statements === "fitting") {
      const room = limit - render(document, { ...detail, statements: "none" }).length;
      if (room < LEAST_ROOM) continue;
      text = render(document, detail, room);
    } else text = render(document, detail);
  }
  return text!;
}

const sqlLength = ({ sections }: Document): number =>
  sections.flat().flatMap((block) => block.is === "statements" ? block.statements : [])
    .reduce((length, { sql }) => length + sql.length, 0);

function render({ page = {}, sections }: Document, detail: Detail, room = Infinity): string {
  const { comment, heading, level = 2 } = page;
  const below = "#".repeat(level + 1);
  const blocks = sections.flat().filter(({ is, only }) =>
    only !== "terminal" && (is !== "title" || heading === undefined)
  );
  return [
    ...(comment === undefined ? [] : [`<!-- table-rename ${comment} -->`]),
    ...(heading === undefined ? [] : [`${"#".repeat(level)} ${inline(heading)}`]),
    ...blocks.map((block) => printed(block, detail, below, room)),
  ].filter((part) => part !== "").join("\n\n") + "\n";
}

function printed(block: Block, detail: Detail, below: string, room: number): string {
  switch (block.is) {
    case "title":
      return `## ${block.label === undefined ? "" : `${block.label}: `}${prose(block.text)}`;
    case "heading":
      return `${below} ${prose(block.text)}${block.note ? `: ${inline(block.note)}` : ""}`;
    case "text":
      return inline(block.text);
    case "fields":
      return fieldsOf(block);
    case "table":
      return tableOf(block, detail.rows);
    case "names":
      return tableOf(namesTable(block), detail.rows);
    case "comparison":
      return comparisonOf(block, detail.rows);
    case "items":
      return list(block.items, detail.rows);
    case "findings":
      return list(findingItems(block.findings, block.detail ?? detail.findings), Infinity);
    case "statements":
      return statementsOf(block.statements, block.planned, detail.statements, room);
    case "graph":
      return graphOf(block, detail.graph, below);
    case "diff":
      return fenced(block.lines.join("\n"), "diff");
    case "step":
      return stepOf(block, below);
    case "more":
      return "";
  }
}

function fieldsOf({ fields }: BlockOf<"fields">): string {
  return fields.map(({ label, text }, index) =>
    label === undefined
      ? `${fields[index - 1].label === undefined ? "" : "\n"}- ${inline(text)}`
      : `${index === 0 ? "" : "\n"}**${label}:** ${inline(text)}`
  ).join("\n");
}

function inline(text: Text | null, inCell = false): string {
  const cut = (value: string) => inCell ? shortened(value, MAX_CELL) : value;
  return [text ?? ""].flat().map((part) =>
    typeof part === "string" ? spaced(cut(part)) : span({ ...part, text: cut(part.text) }, inCell)
  ).join("");
}

function span({ text, style }: Span, inCell: boolean): string {
  if (style === "name" || style === "key") return inCell ? codeInCell(text) : code(text);
  return style === "bad" || style === "strong" ? `**${prose(text)}**` : prose(text);
}

/** Prose, and the space around it that keeps it from the names on either side. */
const spaced = (text: string): string =>
  text.replace(
    /^(\s*)(.*?)(\s*)$/s,
    (_, before, inner, after) =>
      inner === "" ? before && " " : `${before && " "}${prose(inner)}${after && " "}`,
  );

function tableOf({ head, rows, of = "row" }: BlockOf<"table">, most: number): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const shown = rows.slice(0, most);
  return [
    [
      line(head.map(prose)),
      line(head.map(() => "---")),
      ...shown.map((row) => line(row.map((cell) => inline(cell, true)))),
    ].join("\n"),
    ...leftOut(rows.length - shown.length, of),
  ].join("\n\n");
}

const namesTable = ({ names, oldName }: BlockOf<"names">): BlockOf<"table"> =>
  table(
    ["Schema", "From", "To", oldName, "Migration"],
    names.map(({ schema, from, to, oldName, migration }) => [
      ...[schema, from, to].map(name),
      oldName,
      migration === undefined ? null : name(migration),
    ]),
    { of: "table" },
  )!;

const leftOut = (count: number, one: string): string[] =>
  count > 0 ? [`And ${counted(count, `more ${one}`)}, left out here; ${ELSEWHERE}.`] : [];

const ELSEWHERE = "the JSON answer has all of it (`Accept: application/json`, `--json`)";

function comparisonOf({ head, rows, sql }: Comparison, most: number): string {
  const side = (text: string | null) =>
    text === null ? "nothing" : { text, style: "name" as const };
  if (!sql) return tableOf({ is: "table", head, rows: rows.map((row) => row.map(side)) }, most);
  return rows.map(([what, ...sides]) =>
    [
      fenced(what ?? "", "sql"),
      sides.map((text, index) => `- ${head[index + 1]}: ${inline(side(text))}`).join("\n"),
    ].join("\n\n")
  ).join("\n\n");
}

function list(items: Item[], most: number, indent = ""): string {
  return items.map((item) => itemOf(item, most, indent)).join("\n");
}

function itemOf(item: Item, most: number, indent: string): string {
  const { mark, text, note, body = [], remedy, items = [], comparison } = item;
  const inner = `${indent}  `;
  const [only] = body.length === 1 ? body : [];
  const head = [
    ...(mark ? [bold(mark)] : []),
    inline(text),
    ...(note ? [`(${inline(note)})`] : []),
  ];
  return [
    `${indent}- ${head.join(" ")}${only === undefined ? "" : `: ${prose(only)}`}`,
    ...(only === undefined ? body : []).map((line) => `${inner}- ${prose(line)}`),
    ...(remedy === undefined ? [] : [`${inner}- *Remedy:* ${prose(remedy)}`]),
    ...(items.length === 0 ? [] : [list(items, most, inner)]),
    ...(comparison === undefined
      ? []
      : ["", comparisonOf(comparison, most).replaceAll(/^(?=.)/gm, inner), ""]),
  ].join("\n");
}

const bold = ({ text }: Span): string => /^\w/.test(text) ? `**${prose(text)}**` : prose(text);

/** A fold with the statements. Those for which there is no room are left out as a whole. */
function statementsOf(
  statements: ShownStatement[],
  planned: boolean,
  detail: Detail["statements"],
  room: number,
): string {
  const title = `${counted(statements.length, "statement")} of SQL${
    planned ? "" : " that were run"
  }`;
  const texts = detail === "none" ? [] : statements.map((one) => statementText(one, detail));
  // Some of the room is for what is written around the statements.
  const fits = fitting(texts, room - 400);
  if (fits === 0) return `${title}: left out here; ${ELSEWHERE}.`;
  const left = texts.length - fits;
  return [
    `<details><summary>${title}</summary>`,
    ...(left === 0
      ? []
      : [`The first ${number(fits)}; ${number(left)} are left out, and ${ELSEWHERE}.`]),
    ...(detail === "all" ? [] : ["Checks are named only."]),
    fenced(texts.slice(0, fits).join("\n"), "sql"),
    "</details>",
  ].join("\n\n");
}

function statementText(
  { sql, purpose, isCheck }: ShownStatement,
  detail: Detail["statements"],
): string {
  const comment = `-- ${visible(purpose)}`;
  return detail !== "all" && isCheck ? comment : `${comment}\n${sql};`;
}

/** How many texts, from the first one on, take no more than `room` together. */
function fitting(texts: string[], room: number): number {
  let taken = 0;
  const beyond = texts.findIndex((text) => (taken += text.length + 1) > room);
  return beyond < 0 ? texts.length : beyond;
}

/** A heading and the graph, or the sentence that nothing changes or breaks; empty where nothing depends on the tables. */
function graphOf(
  { tables, operation }: BlockOf<"graph">,
  wanted: boolean,
  below: string,
): string {
  const some = tables.filter(({ dependants }) =>
    Object.values(dependants).some((objects) => objects.length > 0)
  );
  if (some.length === 0) return "";
  const { text, tablesLeft, objectsLeft } = diagramOf(some, operation);
  const left = [
    ...(tablesLeft > 0 ? [counted(tablesLeft, "table")] : []),
    ...(objectsLeft > 0 ? [`${counted(objectsLeft, "object")} of the tables shown`] : []),
  ].join(" and ");
  const remarks = text === ""
    ? ["Nothing of it changes or breaks."]
    : !wanted
    ? ["The graph is left out."]
    : ["Only what changes or breaks is shown.", ...(left === "" ? [] : [`Left out: ${left}.`])];
  return [
    `${below} What depends on ${tables.length === 1 ? "it" : "them"}`,
    ...(text === "" || !wanted ? [] : [fenced(text, "mermaid")]),
    `${remarks.join(" ")} ${ALL_DEPENDENTS}`,
  ].join("\n\n");
}

const ALL_DEPENDENTS =
  "`analyze` (`analyze-table --verbose`) shows everything that depends on a table.";

/** Command lines or, for those who send requests, the fields. */
function stepOf({ text, note, commands, request }: BlockOf<"step">, below: string): string {
  const how = commands.length > 0 || request === undefined
    ? ""
    : request.endpoint === "same"
    ? "Send the same request with these fields:"
    : `Send this to \`${request.endpoint}\`:`;
  return [
    `${below} ${prose(text)}`,
    [note, how].filter(Boolean).join(" "),
    commands.length > 0 || request === undefined
      ? fenced(commands.join("\n"), "sh")
      : fenced(JSON.stringify(request.fields, null, 2), "json"),
  ].filter((part) => part !== "").join("\n\n");
}
