/** The answer of analyze: what depends on tables, and what a rename would do to it. */
import type {
  AnalyzeAnswer,
  AnalyzedDependant,
  AnalyzedTable,
  Effect,
  Finding,
} from "../contract/responses.ts";
import {
  type Block,
  type Document,
  documentOf,
  type Item,
  itemsOf,
  name,
  type Span,
  table,
  type Text,
  toned,
} from "./document/document.ts";
import { findingsSection } from "./findings.ts";
import { counted } from "./document/text.ts";
import { EFFECT_WORDS, EFFECTS } from "./effects.ts";

export interface AnalysisContext {
  url?: string;
  /** Show the dependents of each table. Default: only how many there are. */
  whole?: boolean;
  /** Give every object a line of its own, with all that is known of it. */
  verbose?: boolean;
}

/** Effects that need no attention. */
const QUIET = new Set<Effect>(["follows", "handled"]);

export function describeAnalysis({ tables }: AnalyzeAnswer, context: AnalysisContext): Document {
  const { url, whole, verbose } = context;
  const title: Block[] = [
    {
      is: "title",
      tone: "notice",
      label: "Analysis",
      text: `of ${counted(tables.length, "table")}`,
      url,
    },
    { is: "text", text: verdict(tables) },
  ];
  if (tables.length === 0 || whole || verbose) {
    return documentOf([
      title,
      ...tables.flatMap((
        one,
      ) => [tableSection(one, context), findingsSection(one.findings, "Findings", "each")]),
    ]);
  }
  const findings = tables.flatMap((one) => one.findings);
  return documentOf([
    title,
    [overview(tables)],
    findingsSection(findings, "Findings", "objects"),
    [{ is: "text", text: "Name a table to see what depends on it, or add --verbose." }],
  ]);
}

/** What a rename would do to all of what depends on the tables. */
function verdict(tables: AnalyzedTable[]): Text {
  if (tables.length === 0) return "There are none.";
  const objects = tables.flatMap(({ dependants }) => Object.values(dependants).flat());
  const breaking = tables.flatMap(({ findings }) => findings)
    .filter(({ severity }) => severity === "breaking").length;
  const broken = objects.filter(({ effect }) => effect === "breaks").length;
  if (broken + breaking === 0) return `A rename would break nothing. Nothing was changed.`;
  const what = [
    ...(broken === 0 ? [] : [counted(broken, "object")]),
    ...(breaking === 0 ? [] : [counted(breaking, "breaking finding")]),
  ].join(", ");
  return [toned("A rename would break something", "bad"), `: ${what}. Nothing was changed.`];
}

function overview(tables: AnalyzedTable[]): Block | null {
  const head = ["Table", "Break", "Change", "Via view", "Handled", "Follow", "Findings"];
  const rows = tables.map((one) => {
    const counts = countsOf(Object.values(one.dependants).flat());
    return [
      name(`${one.schema}.${one.table}`),
      ...EFFECTS.map((effect) => String(counts.get(effect) ?? "")),
      severitiesCounted(one.findings),
    ];
  });
  return table(head, rows, { of: "table" });
}

/** `2 breaking, 1 warning`; what is only for information is left out. */
const severitiesCounted = (findings: Finding[]): string =>
  (["breaking", "warning"] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  }).join(", ");

function tableSection(one: AnalyzedTable, { verbose }: AnalysisContext): Block[] {
  const kinds = Object.entries(one.dependants).filter(([, objects]) => objects.length > 0);
  const earlier = one.migrations.map(({ old_name }) => old_name);
  const renamed = earlier.length === 0 ? "" : `, renamed from ${earlier.join(", before that ")}`;
  const blocks: (Block | null)[] = [
    {
      is: "heading",
      text: `${one.schema}.${one.table}`,
      note: `${one.kind} of ${one.owner}${renamed}`,
    },
    {
      is: "text",
      text: kinds.length === 0
        ? "Nothing depends on it."
        : effectsCounted(kinds.flatMap(([, objects]) => objects)),
    },
    itemsOf(kinds.map(([kind, objects]) => kindItem(kind, objects, verbose))),
  ];
  return blocks.filter((block) => block !== null);
}

/** A kind with an item for each object that needs attention, or all if `verbose`, and the names of the others. */
function kindItem(kind: string, objects: AnalyzedDependant[], verbose?: boolean): Item {
  const isPlain = ({ effect }: AnalyzedDependant) => !verbose && QUIET.has(effect);
  const plain = objects.filter(isPlain).map((object) => object.name);
  const items = objects.filter((object) => !isPlain(object))
    .toSorted((a, b) => EFFECTS.indexOf(a.effect) - EFFECTS.indexOf(b.effect))
    .map(({ name: object, effect, detail }): Item => ({
      ...(effect !== "follows" && { mark: effectSpan(effect, EFFECT_WORDS[effect].one) }),
      text: name(object),
      ...(detail !== null && { note: detail }),
    }));
  return {
    text: { text: kind.replaceAll("_", " "), style: "strong" },
    note: effectsCounted(objects),
    items,
    ...(plain.length > 0 && { body: [plain.join(", ")] }),
  };
}

function countsOf(objects: AnalyzedDependant[]): Map<Effect, number> {
  const counts = new Map<Effect, number>();
  for (const { effect } of objects) counts.set(effect, (counts.get(effect) ?? 0) + 1);
  return counts;
}

/** `1 breaks, 3 follow`, the most severe first. */
function effectsCounted(objects: AnalyzedDependant[]): (string | Span)[] {
  const counts = countsOf(objects);
  return EFFECTS.flatMap((effect) => {
    const count = counts.get(effect);
    if (count === undefined) return [];
    const { one, several } = EFFECT_WORDS[effect];
    const words = `${count} ${count === 1 ? one : several}`;
    return [", ", effect === "follows" ? words : effectSpan(effect, words)];
  }).slice(1);
}

const effectSpan = (effect: Effect, text: string): Span =>
  toned(text, effect === "breaks" ? "bad" : effect === "changes" ? "warning" : "notice");
