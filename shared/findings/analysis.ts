/** What a rename does to the dependants of tables: as an analysis, in the answer of a plan, and as recorded. */
import type { AnalyzedTable, PlannedTable } from "../contract/responses.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { compatibilityView } from "../plan/view/compatibility_view.ts";
import type { RenamePlan } from "../plan/rename.ts";
import { type Dependants, dependantsOf } from "./dependants.ts";
import { findingsOfRename } from "./rename_findings.ts";
import { type ReadText, readTexts } from "./text_findings.ts";

/** The dependants of each of these tables, and the findings of renaming it with a compatibility view. */
export function analyzeTables(
  tables: RelationFacts[],
  facts: Facts,
): Omit<AnalyzedTable, "migrations" | "estimated_bytes" | "estimated_rows">[] {
  const texts = textsByTable(readTexts(facts, tables));
  return tables.map((table) => {
    const read = texts.get(table.oid) ?? [];
    // The view's plan needs a name, but findings do not depend on it.
    const view = compatibilityView(table, table.name, facts.session);
    const findings = findingsOfRename([{ facts: table, newName: null, view }], facts, read);
    return {
      schema: table.schema,
      table: table.name,
      kind: table.kind === "p" ? "partitioned table" : "table",
      owner: table.owner,
      dependants: dependantsOf(table, facts, { read, findings, served: view.rowCast !== null }),
      findings,
    };
  });
}

/** Each table of a rename's plan, in its order, with its dependants; empty kinds are left out. */
export function renamedTables(plan: RenamePlan): PlannedTable[] {
  const dependants = dependantsByTable(plan);
  return plan.tables.map(({ rename, view }, index) => ({
    ...rename,
    compatibility_view: view !== null,
    dependants: Object.fromEntries(
      Object.entries(dependants[index]).filter(([, objects]) => objects.length > 0),
    ),
  }));
}

/** The names of the dependants by kind, for each table of a plan, in its order; with empty kinds. */
export function dependencies(plan: RenamePlan): Record<string, string[]>[] {
  return dependantsByTable(plan).map((dependants) =>
    Object.fromEntries(
      Object.entries(dependants).map(([kind, objects]) => [kind, objects.map(({ name }) => name)]),
    )
  );
}

function dependantsByTable(plan: RenamePlan): Dependants[] {
  const texts = textsByTable(plan.texts);
  return plan.tables.map(({ facts: table, view }) =>
    dependantsOf(table, plan.facts, {
      read: texts.get(table.oid) ?? [],
      findings: plan.findings,
      served: view !== null && view.rowCast !== null,
    })
  );
}

/** The texts that use a table or are functions of its triggers, by the table's OID, with its uses alone. */
function textsByTable(read: ReadText[]): Map<number, ReadText[]> {
  const found = new Map<number, ReadText[]>();
  for (const { text, references, rows } of read) {
    const byTable = Map.groupBy(references, ({ table }) => table.oid);
    for (const oid of new Set([...byTable.keys(), ...text.trigger_of])) {
      const others = found.get(oid) ?? [];
      found.set(oid, others);
      others.push({ text, references: byTable.get(oid) ?? [], rows });
    }
  }
  return found;
}

/**
 * A tracked rename whose view is dropped or replaced, with what is built on the view.
 *
 * @param sameView Whether the view is replaced in place, so that nothing has to be repointed. Default: false.
 */
export function tableOfView(
  { schema_name, old_name, new_name }: { schema_name: string; old_name: string; new_name: string },
  view: Pick<RelationFacts, "built_on"> | null,
  sameView = false,
): PlannedTable {
  const objects = view?.built_on?.objects ?? [];
  return {
    schema: schema_name,
    old_name,
    new_name,
    compatibility_view: view !== null,
    dependants: {
      built_on_view: objects.map(({ kind, identity, recreated }) => ({
        name: `${kind} ${identity}`,
        effect: sameView ? "follows" : "handled",
        detail: recreated && !sameView ? "It is recreated." : null,
      })),
    },
  };
}
