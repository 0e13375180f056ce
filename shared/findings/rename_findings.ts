/** All findings of a rename, planned or only analyzed. */
import type { Finding } from "../contract/responses.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { namesInRowsFindings } from "../facts/names_in_rows.ts";
import { routinesWithCachedPlans, staleRoutineFindings } from "../plan/cached_plans.ts";
import type { ViewPlan } from "../plan/view/compatibility_view.ts";
import { dataApiFindings } from "./data_api_findings.ts";
import { eventTriggerFindings, unreadStatements } from "./database_findings.ts";
import { nameNeedsQuotes } from "./new_name_findings.ts";
import { objectFindings, publicationFindings } from "./object_findings.ts";
import { schemaToolFindings } from "./schema_tools.ts";
import { type ReadText, readTexts, textFindings } from "./text_findings.ts";
import { viewFindings } from "./view_findings.ts";

export interface RenamedTable {
  facts: RelationFacts;
  /** Null where none is chosen yet. */
  newName: string | null;
  view: ViewPlan | null;
}

/** The texts of the facts, read for what they do with these tables. */
export const readTextsOf = (tables: RenamedTable[], facts: Facts): ReadText[] =>
  readTexts(facts, tables.map((table) => table.facts), newNamesOf(tables));

/**
 * What the caller should know before these tables are renamed together.
 *
 * @param texts The result of `readTextsOf`.
 */
export function findingsOfRename(
  renamed: RenamedTable[],
  facts: Facts,
  texts: ReadText[],
): Finding[] {
  const hasView = renamed.some(({ view }) => view !== null);
  const tables = renamed.map((one) => one.facts);
  return [
    ...renamed.flatMap(({ facts: table, newName, view }) => {
      const context = { newName, hasView: view !== null };
      return [
        ...(newName === null ? [] : nameNeedsQuotes(table, newName)),
        ...publicationFindings(table, context),
        ...(view === null ? [] : viewFindings(table, view)),
        ...objectFindings(table, facts, context),
        ...dataApiFindings(table, context),
      ];
    }),
    ...textFindings(texts, tables, facts.session.server_version, {
      newNames: newNamesOf(renamed),
      hasView,
    }),
    ...eventTriggerFindings(facts),
    ...schemaToolFindings(facts),
    ...namesInRowsFindings(
      facts.names_in_rows,
      renamed.map(({ facts: { oid, schema, name }, newName }) => ({
        oid,
        schema,
        from: name,
        to: newName,
      })),
    ),
    ...unreadStatements(facts.statements_read),
    ...staleRoutineFindings(hasView ? routinesWithCachedPlans(texts, tables) : []),
  ];
}

const newNamesOf = (tables: RenamedTable[]): Map<number, string> =>
  new Map(tables.flatMap(({ facts, newName }) => newName === null ? [] : [[facts.oid, newName]]));
