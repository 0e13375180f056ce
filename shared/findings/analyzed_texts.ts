/** Texts in an analysis: which of them use which table, and what a rename does to each. */
import type { AnalyzedDependant, Effect, Finding } from "../contract/responses.ts";
import type { RelationFacts, TextFacts } from "../facts/facts.ts";
import { type ReadText, textObject } from "./text_findings.ts";
import { strongest } from "../sql/references/table_references.ts";

/** The texts of one table. */
export interface TableTexts {
  /** Those that use it, each with its uses of this table alone. */
  read: ReadText[];
}

/**
 * Tells for each table, by its OID, which texts are its own; none for a table that no text names.
 *
 * @param read The texts, read for all tables at once.
 */
export function textsByTable(read: ReadText[]): Map<number, TableTexts> {
  const found = new Map<number, TableTexts>();
  const of = (oid: number) => {
    let texts = found.get(oid);
    if (texts === undefined) found.set(oid, texts = { read: [] });
    return texts;
  };
  for (const { text, references: uses, rows } of read) {
    for (const [oid, own] of Map.groupBy(uses, ({ table }) => table.oid)) {
      of(oid).read.push({ text, references: own, rows });
    }
    for (const oid of text.trigger_of) {
      if (!uses.some(({ table }) => table.oid === oid)) {
        of(oid).read.push({ text, references: [], rows });
      }
    }
  }
  return found;
}

/** The texts of a table by kind: a name, what a rename does to each, and where it is used. */
export function analyzedTexts(
  table: RelationFacts,
  { read }: Pick<TableTexts, "read">,
  findings: Finding[],
): Record<"functions" | "trigger_functions" | "cron_jobs" | "statements", AnalyzedDependant[]> {
  const named = read.filter(({ references }) => references.length > 0);
  const ofKind = (kind: TextFacts["kind"]) => named.filter(({ text }) => text.kind === kind);
  const isTriggers = ({ text }: ReadText) => text.trigger_of.includes(table.oid);
  const analyzed = (texts: ReadText[]) => texts.map((text) => analyzedText(text, findings));
  return {
    functions: analyzed(ofKind("routine").filter((text) => !isTriggers(text))),
    trigger_functions: analyzed(read.filter(isTriggers)).toSorted(byName),
    cron_jobs: analyzed(ofKind("cron job")),
    // Those that a view serves are of no interest, and there can be very many.
    statements: analyzed(ofKind("statement"))
      .filter(({ effect }) => effect === "breaks" || effect === "changes"),
  };
}

const byName = (a: AnalyzedDependant, b: AnalyzedDependant) => a.name < b.name ? -1 : 1;

function analyzedText(
  { text, references: uses }: ReadText,
  findings: Finding[],
): AnalyzedDependant {
  const told = findings.filter(({ object }) => object === textObject(text));
  const codes = [...new Set(told.map(({ code }) => code))].join(", ");
  const effect: Effect = told.some(({ severity }) => severity === "breaking")
    ? "breaks"
    : told.some(({ severity }) => severity === "warning")
    ? "changes"
    : uses.length > 0
    ? "works_through_view"
    : "follows";
  return {
    name: text.object_identity ?? text.identity,
    effect,
    detail: uses.length === 0
      ? null
      : codes === ""
      ? `It ${verb(uses)} the table: ${strongest(uses).excerpt}`
      : `${codes}: ${strongest(uses).excerpt}`,
  };
}

const verb = (uses: ReadText["references"]) =>
  strongest(uses).certainty === "possible" ? "may name" : "names";
