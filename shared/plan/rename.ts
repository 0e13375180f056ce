/** The plan of a rename. Its reverse is `rollback.ts`. */
import type { NameHolder, RenamedIndex } from "../facts/migration.ts";
import type { Rename } from "../contract/requests.ts";
import type { Statement } from "../contract/responses.ts";
import { type Check, checkAtOnce, checkRelations } from "./verification/checks.ts";
import {
  checkNames,
  compatibilityView,
  giveName,
  type MadeView,
  viewChecks,
  type ViewPlan,
} from "./view/compatibility_view.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { lockTables, makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { interimName } from "./view/interim_name.ts";
import { indexRenames, indexStatements } from "./index_names.ts";
import { type FoundTable, lookUp, refuseTogether, requireServer } from "./refusals.ts";
import { findingsOfRename, readTextsOf } from "../findings/rename_findings.ts";
import type { ReadText } from "../findings/text_findings.ts";
import { makeScanCounter, scanCounterName } from "./view/scan_counter.ts";
import { recompile, routinesWithCachedPlans } from "./cached_plans.ts";

export interface RenamePlan extends Plan {
  /** What it was made from, and the texts among that, parsed. */
  facts: Facts;
  texts: ReadText[];
  /** In the request's order. */
  tables: PlannedTable[];
}

export interface PlannedTable {
  rename: Rename;
  facts: RelationFacts;
  /** Null where the rename makes none. */
  view: ViewPlan | null;
  /** Those about this table alone: what makes the view before the locks, and what changes names under them. */
  statements: Statement[];
  exchange: Statement[];
  indexes: RenamedIndex[];
}

interface RenameOptions {
  compatibilityView: boolean;
  renameIndexes?: boolean;
  countUse?: boolean;
  /** The schemas that exist among those that new names seem to begin with. */
  schemas?: string[];
}

/** @throws {Problem} `unsupported_server`, or what `lookUp` refuses. */
export async function planRename(
  renames: Rename[],
  facts: Facts,
  tracked: NameHolder[],
  options: RenameOptions,
): Promise<RenamePlan> {
  requireServer(facts.session.server_version);
  const { found, refusals } = lookUp(renames, facts, tracked, options.schemas);
  if (refusals.length > 0) throw refuseTogether(refusals);
  const { byTable, findings: indexFindings } = options.renameIndexes
    ? indexRenames(found, facts)
    : { byTable: new Map<number, RenamedIndex[]>(), findings: [] };
  const tables = found.map((table) => planTable(table, facts, options, byTable));
  const renamed = tables.map(({ rename, facts, view }) => ({
    facts,
    newName: rename.new_name,
    view,
  }));
  const views: MadeView[] = tables.flatMap(({ rename: { new_name }, facts, view }) =>
    view === null ? [] : [{ table: facts, tableName: new_name, view }]
  );
  const check: Check = views.length > 0 ? checkNames(views) : checkRelations(
    tables.map(({ rename: { new_name }, facts: { oid, schema, kind } }) => (
      { oid, schema, name: new_name, kind }
    )),
    "Check that the tables have their new names",
  );
  const texts = readTextsOf(renamed, facts);
  const routines = options.compatibilityView
    ? routinesWithCachedPlans(texts, tables.map(({ facts }) => facts))
    : [];
  const indexes = indexStatements(
    tables.flatMap((table) => table.indexes),
    facts,
    "Name the index, and the constraint it backs, after the table's new name; nobody waits for it",
  );
  const scanCounters = options.compatibilityView && options.countUse
    ? tables.flatMap(({ facts }) =>
      makeScanCounter(scanCounterName(facts), qualified(facts.schema, facts.name))
    )
    : [];
  const plan = await makePlan({
    beforeLocks: [...recompile(routines), ...indexes.statements],
    preparations: [
      ...scanCounters,
      ...views.flatMap(({ view }) => view.statements),
      ...viewChecks(views, ({ table }) => table.name).map(checkAtOnce),
      ...[check, indexes].flatMap(({ preparations }) => preparations),
    ],
    locks: lockTables(tables.map(({ facts }) => facts), 1),
    changes: [
      ...tables.flatMap(({ exchange }) => exchange),
      check.statement,
      reloadSchemaCache,
    ],
    findings: [...findingsOfRename(renamed, facts, texts), ...indexFindings],
    lockNeeds: {
      perTable: tables.map((table) => lockEntries(table, scanCounters.length > 0)),
      others: routines.length,
    },
  });
  return { ...plan, facts, texts, tables };
}

/** Of the table, its indexes, the view, the view's counter, and the cast with its function. */
const lockEntries = ({ view, indexes }: PlannedTable, counted: boolean): number =>
  1 + indexes.length +
  (view === null ? 0 : 1 + (counted ? 1 : 0) + (view.rowCast === null ? 0 : 2));

function planTable(
  { rename, facts: table }: FoundTable,
  facts: Facts,
  { compatibilityView: wanted, countUse }: RenameOptions,
  indexes: Map<number, RenamedIndex[]>,
): PlannedTable {
  const { new_name } = rename;
  const view = wanted
    ? compatibilityView(table, table.name, facts.session, {
      name: interimName(table, facts),
      scanCounter: countUse ? scanCounterName(table) : null,
    })
    : null;
  const exchange = [{
    sql: `alter table ${qualified(table.schema, table.name)} rename to ${ident(new_name)}`,
    purpose: "Give the table its new name",
  }, ...(view === null ? [] : [giveName(table, view)])];
  return {
    rename,
    facts: table,
    view,
    statements: [...view?.statements ?? [], ...exchange],
    exchange,
    indexes: indexes.get(table.oid) ?? [],
  };
}
