/** All findings of a rename, whether it is planned or only thought of by an analysis. */
import type { Finding } from "../contract/responses.ts";
import { dataApiFindings } from "./data_api_findings.ts";
import type { ViewPlan } from "../plan/compatibility_view.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { renameFindings } from "./view_findings.ts";
import { namesInRowsFindings } from "../facts/names_in_rows.ts";
import { databaseFindings, objectFindings } from "./object_findings.ts";
import { schemaToolFindings } from "./schema_tools.ts";
import { nameNeedsQuotes } from "./quoted_names.ts";
import { type ReadText, readTexts, textFindings } from "./text_findings.ts";
import { unreadStatements } from "./unread_statements.ts";
import { routinesWithCachedPlans, staleRoutineFindings } from "../plan/cached_plans.ts";

export interface RenamedTable {
  facts: RelationFacts;
  /** Null where none is chosen yet. */
  newName: string | null;
  /** Null where the rename makes none. */
  view: ViewPlan | null;
}

/** The texts of the facts, read for what they do with these tables. */
export const readTextsOf = (tables: RenamedTable[], facts: Facts): ReadText[] =>
  readTexts(facts, tables.map((table) => table.facts), newNamesOf(tables));

/**
 * What the caller should know before these tables are renamed together.
 *
 * @param texts What `readTextsOf` gives of them.
 */
export function findingsOfRename(
  tables: RenamedTable[],
  facts: Facts,
  texts: ReadText[],
): Finding[] {
  const hasView = tables.some(({ view }) => view !== null);
  return [
    ...tables.flatMap(({ facts: table, newName, view }) => [
      ...(newName === null ? [] : nameNeedsQuotes(table, newName)),
      ...renameFindings(table, newName, view),
      ...objectFindings(table, facts, { newName, hasView: view !== null }),
      ...dataApiFindings(table, { newName, hasView: view !== null }),
    ]),
    ...textFindings(
      texts,
      tables.map((table) => table.facts),
      facts.session.server_version,
      { newNames: newNamesOf(tables), hasView },
    ),
    ...databaseFindings(facts),
    ...schemaToolFindings(facts),
    ...namesInRowsFindings(
      facts.names_in_rows,
      tables.map(({ facts: { oid, schema, name }, newName }) => ({
        oid,
        schema,
        from: name,
        to: newName,
      })),
    ),
    ...unreadStatements(facts.statements_read),
    ...staleRoutineFindings(
      hasView ? routinesWithCachedPlans(texts, tables.map(({ facts }) => facts)) : [],
    ),
  ];
}

const newNamesOf = (tables: RenamedTable[]): Map<number, string> =>
  new Map(tables.flatMap(({ facts, newName }) => newName === null ? [] : [[facts.oid, newName]]));
