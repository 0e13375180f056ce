/** The plan of a rename: facts and request in, statements and findings out. Its reverse is `rollback.ts`. */
import type { NameHolder, RenamedIndex } from "../facts/migration.ts";
import type { Rename } from "../contract/requests.ts";
import type { Statement } from "../contract/responses.ts";
import { checkRelations, checkViews, type ExpectedView } from "./verification/checks.ts";
import { defaultedIdentities } from "./column_defaults.ts";
import { compatibilityView, type ViewPlan } from "./compatibility_view.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { type LockStatement, makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { byName } from "../sql/name_digest.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { indexRenames, indexStatements } from "./index_names.ts";
import { lookUp, refuseTogether, requireServer } from "./refusals.ts";
import { findingsOfRename, readTextsOf } from "../findings/rename_findings.ts";
import { checkRowCasts } from "./row_type.ts";
import type { ReadText } from "../findings/text_findings.ts";
import { makeScanCounter, scanCounterName } from "./scan_counter.ts";
import { recompile, routinesWithCachedPlans } from "./cached_plans.ts";

export interface RenamePlan extends Plan {
  /** What it was made from, and the texts among that as they were read. */
  facts: Facts;
  texts: ReadText[];
  /** The tables, in the request's order. */
  tables: PlannedTable[];
}

export interface PlannedTable {
  rename: Rename;
  facts: RelationFacts;
  /** Null where the rename makes none. */
  view: ViewPlan | null;
  /** The statements that are about this table alone. */
  statements: Statement[];
  /** Indexes that are renamed with the table. */
  indexes: RenamedIndex[];
}

export interface RenameOptions {
  compatibilityView: boolean;
  renameIndexes?: boolean;
  countUse?: boolean;
  /** Those of the schemas that new names seem to begin with that are there. */
  schemas?: string[];
}

/**
 * Makes the plan of a batch.
 *
 * @throws {Problem} `unsupported_server`; or that of the first rename that is refused, with all others in
 *   its `issues`: see `lookUp`.
 */
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
  const tables: PlannedTable[] = found.map(({ rename, facts: table }) => {
    const scanCounter = options.countUse ? scanCounterName(table) : null;
    const view = options.compatibilityView
      ? compatibilityView(table, rename.new_name, facts.session, { scanCounter })
      : null;
    const statements = [{
      sql: `alter table ${qualified(table.schema, table.name)} rename to ${ident(rename.new_name)}`,
      purpose: "Give the table its new name",
    }, ...(view?.statements ?? [])];
    return { rename, facts: table, view, statements, indexes: byTable.get(table.oid) ?? [] };
  });

  const changes: Statement[] = [];
  const views: ExpectedView[] = [];
  for (const { rename, facts: table, view, statements } of tables) {
    changes.push(...statements);
    if (view === null) continue;
    views.push({
      schema: table.schema,
      name: table.name,
      table_name: rename.new_name,
      table_oid: table.oid,
      security_invoker: view.securityInvoker,
      same_owner: view.owner === table.owner,
      same_grantors: view.replaced.length === 0 && view.owner === table.owner,
      defaulted: defaultedIdentities(table.columns),
    });
  }
  const renamed = tables.map(({ rename, facts: { oid, schema, kind } }) => ({
    oid,
    schema,
    name: rename.new_name,
    kind,
  }));
  const checks = [checkRelations(renamed, "Check that the tables have their new names")];
  if (views.length > 0) {
    const columnGrants = tables.some(({ facts }) =>
      facts.columns.some((column) => column.acl.length > 0)
    );
    const purpose = "Check options, columns, defaults and privileges of the views";
    checks.push(checkViews(views, columnGrants, purpose));
  }
  const casts = tables.flatMap(({ rename, facts: { schema, name }, view }) =>
    view?.rowCast == null
      ? []
      : [{ schema, view: name, table: rename.new_name, function: view.rowCast }]
  );
  if (casts.length > 0) {
    checks.push(checkRowCasts(casts, "Check that the views' rows can be made the tables'"));
  }
  changes.push(...checks.map(({ statement }) => statement), reloadSchemaCache);
  const renamedTables = tables.map(({ rename, facts, view }) => ({
    facts,
    newName: rename.new_name,
    view,
  }));
  const texts = readTextsOf(renamedTables, facts);
  const routines = options.compatibilityView
    ? routinesWithCachedPlans(texts, tables.map(({ facts }) => facts))
    : [];
  const indexes = indexStatements(
    tables.flatMap((table) => table.indexes),
    facts,
    "Name the index, and the constraint it backs, after the table's new name; nobody waits for it",
  );
  const plan = await makePlan({
    beforeLocks: [...recompile(routines), ...indexes.statements],
    preparations: [
      ...(options.compatibilityView && options.countUse ? scanCountersFor(tables) : []),
      ...[...checks, indexes].flatMap(({ preparations }) => preparations),
    ],
    locks: renameLocks(tables.map((table) => table.facts)),
    changes,
    findings: [...findingsOfRename(renamedTables, facts, texts), ...indexFindings],
  });
  return { ...plan, facts, texts, tables };
}

const scanCountersFor = (tables: PlannedTable[]): Statement[] =>
  tables.flatMap(({ facts }) =>
    makeScanCounter(scanCounterName(facts), qualified(facts.schema, facts.name))
  );

/**
 * The first table is waited for, for as long as the lock timeout says; the others are not, so that nobody
 * is kept waiting for a batch that holds some locks and waits for more. By name, so that two batches cannot
 * hold what the other waits for.
 */
function renameLocks(tables: RelationFacts[]): LockStatement[] {
  const [first, ...rest] = tables.toSorted(byName)
    .map((table) => `only ${qualified(table.schema, table.name)}`);
  const locks: LockStatement[] = [{
    sql: `lock table ${first} in access exclusive mode`,
    purpose: "Lock the first table, waiting no longer than the lock timeout",
    timeout_share: 1,
  }];
  if (rest.length > 0) {
    locks.push({
      sql: `lock table ${rest.join(", ")} in access exclusive mode nowait`,
      purpose: "Lock the other tables without waiting",
      timeout_share: 0,
    });
  }
  return locks;
}
