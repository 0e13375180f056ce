/** All findings of a rename, whether it is planned or only thought of by an analysis. */
import type { Finding } from "../contract/responses.ts";
import type { ViewPlan } from "./compatibility_view.ts";
import type { Facts, RelationFacts } from "./facts.ts";
import { renameFindings } from "./findings.ts";
import { databaseFindings, objectFindings } from "./object_findings.ts";
import { byTable, findingsIn, type ReadText, readTexts, textFindings } from "./text_findings.ts";
import { tableIndex } from "./texts/uses.ts";
import { staleRoutineFindings } from "./warm_routines.ts";

export interface RenamedTable {
  facts: RelationFacts;
  /** Null where none is chosen yet. */
  newName: string | null;
  /** Null where the rename makes none. */
  view: ViewPlan | null;
}

/** What the caller should know before these tables are renamed together. */
export function findingsOfRename(tables: RenamedTable[], facts: Facts): Finding[] {
  const hasView = tables.some(({ view }) => view !== null);
  return [
    ...tables.flatMap(({ facts: table, newName, view }) => [
      ...renameFindings(table, newName, view),
      ...objectFindings(table, facts, { newName, hasView: view !== null }),
    ]),
    ...findingsOfTexts(tables, facts, hasView),
    ...databaseFindings(facts),
    ...staleRoutineFindings(hasView ? facts.routines : []),
  ];
}

/** Read once, however many tables an analysis then asks about, one by one. */
const readings = new WeakMap<Facts, Map<number, ReadText[]>>();

function findingsOfTexts(tables: RenamedTable[], facts: Facts, hasView: boolean): Finding[] {
  const relations = tables.map((table) => table.facts);
  const { server_version } = facts.session;
  const newNames = new Map(tables.flatMap(newNameOf));
  if (newNames.size > 0) {
    return textFindings(facts.texts, relations, server_version, { newNames, hasView });
  }
  let read = readings.get(facts);
  if (read === undefined) {
    read = byTable(readTexts(facts.texts, tableIndex(facts.relations)));
    readings.set(facts, read);
  }
  const concerned = relations.flatMap(({ oid }) => read.get(oid) ?? []);
  return findingsIn(concerned, relations, server_version, { hasView });
}

const newNameOf = ({ facts, newName }: RenamedTable): [number, string][] =>
  newName === null ? [] : [[facts.oid, newName]];
