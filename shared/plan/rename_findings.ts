/** All findings of a rename, whether it is planned or only thought of by an analysis. */
import type { Finding } from "../contract/responses.ts";
import type { ViewPlan } from "./compatibility_view.ts";
import type { Facts, RelationFacts } from "./facts.ts";
import { renameFindings } from "./findings.ts";
import { databaseFindings, objectFindings } from "./object_findings.ts";
import { textFindings } from "./text_findings.ts";
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
    ...textFindings(
      facts.texts,
      tables.map((table) => table.facts),
      facts.session.server_version,
      { newNames: new Map(tables.flatMap(newNameOf)), hasView },
    ),
    ...databaseFindings(facts),
    ...staleRoutineFindings(hasView ? facts.routines : []),
  ];
}

const newNameOf = ({ facts, newName }: RenamedTable): [number, string][] =>
  newName === null ? [] : [[facts.oid, newName]];
