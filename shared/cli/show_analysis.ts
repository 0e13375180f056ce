/** An analysis, for a person to read. */
import type {
  AnalyzeAnswer,
  AnalyzedDependant,
  AnalyzedTable,
  Effect,
  Finding,
} from "../contract/responses.ts";
import { describeFindings } from "./show_findings.ts";
import { paragraph, safe, type Stream, table as columns } from "./terminal.ts";

export interface AnalysisPage extends Pick<Stream, "colors" | "width"> {
  /** The project's URL. */
  url: string;
  /** Show what hangs on each table, not only how much; `verbose` does so, too. */
  whole: boolean;
  /** Every object on a line of its own, with all there is to know of it. */
  verbose: boolean;
}

/** The gravest first. */
const EFFECTS: Effect[] = ["breaks", "changes", "works_through_view", "handled", "follows"];

/** How each effect is said of one object, and counted. */
const SAID: Record<Effect, { label: string; one: string; several: string }> = {
  breaks: { label: "breaks", one: "breaks", several: "break" },
  changes: { label: "changes", one: "changes", several: "change" },
  works_through_view: {
    label: "works through the view",
    one: "works through the view",
    several: "work through the view",
  },
  handled: { label: "handled", one: "is handled", several: "are handled" },
  follows: { label: "", one: "follows", several: "follow" },
};

/** What asks nothing of anybody. */
const QUIET = new Set<Effect>(["follows", "handled"]);

/** Tables with what hangs on them by kind, or only how much of it, and the findings. */
export function describeAnalysis({ tables }: AnalyzeAnswer, page: AnalysisPage): string {
  const { colors } = page;
  const count = tables.length === 1 ? "1 table" : `${tables.length} tables`;
  const headline = `${colors.cyan("Analysis")}  ${
    colors.bold(`of ${count}`)
  }, nothing was changed  ${colors.dim(`on ${safe(page.url)}`)}`;
  if (tables.length === 0) return headline;
  if (page.whole || page.verbose) {
    return [
      headline,
      ...tables.flatMap((table) => [
        describeTable(table, page),
        describeFindings(table.findings, page),
      ]),
    ].filter((part) => part !== "").join("\n\n");
  }
  return [
    headline,
    summary(tables, page),
    describeCodes(tables.flatMap(({ findings }) => findings), page),
    colors.dim("Name a table to see what hangs on it, or add --verbose."),
  ].filter((part) => part !== "").join("\n\n");
}

/** How much of it has which effect, a line a table. */
function summary(tables: AnalyzedTable[], page: AnalysisPage): string {
  return columns(
    ["TABLE", "BREAK", "CHANGE", "VIA VIEW", "HANDLED", "FOLLOW", "FINDINGS"],
    tables.map((table) => {
      const counts = countsOf(Object.values(table.dependants).flat());
      return [
        `${table.schema}.${table.table}`,
        ...EFFECTS.map((effect) => String(counts.get(effect) ?? "")),
        severitiesSaid(table.findings),
      ];
    }),
    page,
  );
}

const SEVERITIES: Finding["severity"][] = ["breaking", "warning", "info"];

/** `2 breaking, 1 warning`; what is only to be known is left out. */
function severitiesSaid(findings: Finding[]): string {
  return SEVERITIES.filter((severity) => severity !== "info").flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  }).join(", ");
}

/** Findings by code with the objects that have them, the gravest first. */
function describeCodes(findings: Finding[], { colors, width }: AnalysisPage): string {
  if (findings.length === 0) return "";
  const objects = new Map<string, Set<string>>();
  for (const { severity, code, object } of findings) {
    const key = `${SEVERITIES.indexOf(severity)} ${code}`;
    objects.set(key, (objects.get(key) ?? new Set()).add(safe(object)));
  }
  const colorOf = [colors.red, colors.yellow, colors.cyan];
  return [
    colors.bold("Findings"),
    ...[...objects].toSorted(([a], [b]) => a < b ? -1 : 1).flatMap(([key, of]) => {
      const [severity, code] = key.split(" ");
      return [
        `  ${colorOf[Number(severity)](SEVERITIES[Number(severity)])}  ${colors.bold(safe(code))}`,
        paragraph([...of].join(", "), width, 4),
      ];
    }),
  ].join("\n");
}

function describeTable(table: AnalyzedTable, page: AnalysisPage): string {
  const { colors } = page;
  const kinds = Object.entries(table.dependants).filter(([, objects]) => objects.length > 0);
  const earlier = table.migrations.map(({ old_name }) => old_name);
  return [
    `${colors.bold(safe(`${table.schema}.${table.table}`))}  ${table.kind} of ${safe(table.owner)}${
      earlier.length === 0 ? "" : `, renamed from ${earlier.map(safe).join(", before that ")}`
    }`,
    kinds.length === 0
      ? "  Nothing hangs on it."
      : `  ${effectsSaid(kinds.flatMap(([, objects]) => objects), colors)}`,
    ...kinds.map(([kind, objects]) => describeKind(kind, objects, page)),
  ].join("\n");
}

/**
 * A kind with what is worth a line each, and the names of all others in one paragraph; `verbose`, a line for
 * everything.
 */
function describeKind(kind: string, objects: AnalyzedDependant[], page: AnalysisPage): string {
  const { colors, width, verbose } = page;
  const isPlain = ({ effect, detail }: AnalyzedDependant) =>
    verbose ? effect === "follows" && detail === null : QUIET.has(effect);
  const told = objects.filter((object) => !isPlain(object))
    .toSorted((a, b) => EFFECTS.indexOf(a.effect) - EFFECTS.indexOf(b.effect));
  const plain = objects.filter(isPlain).map(({ name }) => safe(name));
  return [
    `  ${colors.bold(kind.replaceAll("_", " "))}  ${colors.dim(effectsSaid(objects))}`,
    ...told.flatMap(({ name, effect, detail }) => {
      const { label } = SAID[effect];
      const line = `    ${label === "" ? "" : `${colorOf(effect, colors)(label)}  `}${safe(name)}`;
      if (detail === null) return [line];
      const rest = safe(detail);
      // Without the colours, which take no room.
      const length = 4 + (label === "" ? 0 : label.length + 2) + safe(name).length + 2;
      return length + rest.length <= width
        ? [`${line}  ${colors.dim(rest)}`]
        : [line, colors.dim(paragraph(rest, width, 8))];
    }),
    ...(plain.length === 0
      ? []
      : verbose
      ? plain.map((name) => `    ${name}`)
      : [paragraph(plain.join(", "), width, 4)]),
  ].join("\n");
}

function countsOf(objects: AnalyzedDependant[]): Map<Effect, number> {
  const counts = new Map<Effect, number>();
  for (const { effect } of objects) counts.set(effect, (counts.get(effect) ?? 0) + 1);
  return counts;
}

/** `1 breaks, 3 follow`, the gravest first. */
function effectsSaid(objects: AnalyzedDependant[], colors?: Stream["colors"]): string {
  const counts = countsOf(objects);
  return EFFECTS.flatMap((effect) => {
    const count = counts.get(effect);
    if (count === undefined) return [];
    const { one, several } = SAID[effect];
    const said = `${count} ${count === 1 ? one : several}`;
    return [colors ? colorOf(effect, colors)(said) : said];
  }).join(", ");
}

function colorOf(effect: Effect, colors: Stream["colors"]): (text: string) => string {
  if (effect === "breaks") return colors.red;
  if (effect === "changes") return colors.yellow;
  return effect === "follows" ? (text) => text : colors.cyan;
}
