/** The plan of a rename: facts and request in, statements and findings out. Its reverse is `rollback.ts`. */
import { isProtectedSchema, isTrackingTable } from "../contract/names.ts";
import { Problem } from "../contract/problems.ts";
import type { Rename } from "../contract/requests.ts";
import type { Statement } from "../contract/responses.ts";
import { checkRelations, checkViews, type ExpectedView } from "./checks.ts";
import { defaultedIdentities } from "./column_defaults.ts";
import { compatibilityView, type ViewPlan } from "./compatibility_view.ts";
import type { Facts, NameFacts, RelationFacts } from "./facts.ts";
import { type LockStatement, makePlan, type Plan, reloadSchemaCache } from "./plan.ts";
import { ident, qualified } from "./quoting.ts";
import { indexRenames, indexStatements, type RenamedIndex } from "./index_names.ts";
import { refuseRelation } from "./refusals.ts";
import { findingsOfRename, readTextsOf } from "./rename_findings.ts";
import { checkRowCasts } from "./row_type.ts";
import type { ReadText } from "./text_findings.ts";
import { makeTick, tickName } from "./tick.ts";
import { recompile } from "./warm_routines.ts";
import { RELATION_KINDS, typeKind } from "./relation_kinds.ts";

/** A tracked rename, as far as plans care. */
export interface TrackedRename {
  id: string;
  schema_name: string;
  old_name: string;
  new_name: string;
  status: string;
  table_oid: number | null;
  view_oid: number | null;
}

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

/** Oldest server with security-invoker views (release notes of PostgreSQL 15). */
export const MINIMUM_SERVER_VERSION = 150_000;

/**
 * Refuses what needs no look at the database: schemas and tables that are off limits.
 *
 * @throws {Problem} `protected_schema`.
 */
export function requireRenamable(renames: Rename[]): void {
  for (const { schema, old_name, new_name } of renames) {
    if (isProtectedSchema(schema)) {
      throw new Problem(
        "protected_schema",
        `The schema ${ident(schema)} belongs to PostgreSQL or the platform.`,
        { hint: "Rename tables of your own schemas only." },
      );
    }
    for (const name of [old_name, new_name]) {
      if (isTrackingTable(schema, name)) {
        throw new Problem(
          "protected_schema",
          `${qualified(schema, name)} is a name of this tool's tracking tables.`,
          { hint: "Choose another name." },
        );
      }
    }
  }
}

/**
 * Makes the plan of a batch.
 *
 * @throws {Problem} `unsupported_server`, `table_not_found`, `already_renamed`, `unsupported_relation`,
 *   `extension_owned`, `not_table_owner`, `forbidden` or `name_taken`, for the first rename that has one.
 */
export async function planRename(
  renames: Rename[],
  facts: Facts,
  tracked: TrackedRename[],
  options: { compatibilityView: boolean; renameIndexes?: boolean; countUse?: boolean },
): Promise<RenamePlan> {
  requireServer(facts.session.server_version);
  const names = new Map(facts.names.map((name) => [key(name.schema, name.name), name]));
  const relations = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const found = renames.map((rename) => {
    const old = names.get(key(rename.schema, rename.old_name))!;
    const table = requireTable(rename, old, relations, tracked);
    requireFree(rename, names.get(key(rename.schema, rename.new_name))!, relations, tracked);
    return { rename, facts: table };
  });
  const { byTable, findings: indexFindings } = options.renameIndexes
    ? indexRenames(found, facts)
    : { byTable: new Map<number, RenamedIndex[]>(), findings: [] };
  const tables: PlannedTable[] = found.map(({ rename, facts: table }) => {
    const tick = options.countUse ? tickName(table) : null;
    const view = options.compatibilityView
      ? compatibilityView(table, rename.new_name, facts.session, { tick })
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
  const routines = options.compatibilityView ? facts.routines : [];
  const renamedTables = tables.map(({ rename, facts, view }) => ({
    facts,
    newName: rename.new_name,
    view,
  }));
  const texts = readTextsOf(renamedTables, facts);
  const indexes = indexStatements(
    tables.flatMap((table) => table.indexes),
    facts,
    "Name the index, and the constraint it backs, after the table's new name; nobody waits for it",
  );
  const plan = await makePlan({
    beforeLocks: [...recompile(routines), ...indexes.statements],
    preparations: [
      ...(options.compatibilityView && options.countUse ? ticksFor(tables) : []),
      ...[...checks, indexes].flatMap(({ preparations }) => preparations),
    ],
    locks: renameLocks(tables.map((table) => table.facts)),
    changes,
    findings: [...findingsOfRename(renamedTables, facts, texts), ...indexFindings],
  });
  return { ...plan, facts, texts, tables };
}

const ticksFor = (tables: PlannedTable[]): Statement[] =>
  tables.flatMap(({ facts }) => makeTick(tickName(facts), qualified(facts.schema, facts.name)));

/** @throws {Problem} `unsupported_server`. */
export function requireServer(version: number): void {
  if (version >= MINIMUM_SERVER_VERSION) return;
  throw new Problem(
    "unsupported_server",
    `PostgreSQL ${
      Math.floor(version / 10_000)
    } has no security-invoker views, so a compatibility view ` +
      "would show rows that row-level security hides.",
    { hint: "Upgrade to PostgreSQL 15 or later.", fields: { server_version: version } },
  );
}

/**
 * The first table is waited for, for as long as the lock timeout says; the others are not, so that nobody
 * is kept waiting for a batch that holds some locks and waits for more. By OID, so that two batches cannot
 * hold what the other waits for.
 */
function renameLocks(tables: RelationFacts[]): LockStatement[] {
  const [first, ...rest] = tables.toSorted((a, b) => a.oid - b.oid)
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

const key = (schema: string, name: string) => JSON.stringify([schema, name]);

function requireTable(
  rename: Rename,
  name: NameFacts,
  relations: Map<number, RelationFacts>,
  tracked: TrackedRename[],
): RelationFacts {
  const object = qualified(rename.schema, rename.old_name);
  const earlier = tracked.find((migration) =>
    migration.status === "active" && migration.schema_name === rename.schema &&
    migration.old_name === rename.old_name
  );
  const view = name.relation?.oid;
  if (earlier && (view === undefined || view === earlier.view_oid)) {
    throw new Problem(
      "already_renamed",
      `${object} is already renamed to ${qualified(earlier.schema_name, earlier.new_name)}.`,
      {
        hint: "Roll that migration back to undo it, or rename the table under its present name.",
        fields: { migration_id: earlier.id },
      },
    );
  }
  if (name.schema_oid === null || name.relation === null) {
    throw new Problem("table_not_found", `There is no table ${object}.`, {
      hint: name.schema_oid === null
        ? `There is no schema ${ident(rename.schema)}; names are case-sensitive.`
        : "Check the schema and the spelling; names are case-sensitive.",
      fields: { schema: rename.schema, table: rename.old_name },
    });
  }
  const relation = relations.get(name.relation.oid);
  refuseRelation(object, name.relation.kind, relation);
  if (!name.can_create) {
    throw new Problem(
      "forbidden",
      `This role may not create relations in the schema ${
        ident(rename.schema)
      }, which a rename needs.`,
      { hint: `As the schema's owner: grant create on schema ${ident(rename.schema)} to it.` },
    );
  }
  if (earlier) {
    throw new Problem(
      "already_renamed",
      `An active migration holds the name ${object}: the table that had it is now ${
        qualified(earlier.schema_name, earlier.new_name)
      }.`,
      {
        hint: "Roll back or finalize that migration first.",
        fields: { migration_id: earlier.id },
      },
    );
  }
  return relation!;
}

function requireFree(
  rename: Rename,
  name: NameFacts,
  relations: Map<number, RelationFacts>,
  tracked: TrackedRename[],
): void {
  const object = qualified(rename.schema, rename.new_name);
  const holder = tracked.find((migration) =>
    migration.schema_name === rename.schema && migration.status !== "rolled_back" &&
    migration.status !== "finalized" &&
    (migration.new_name === rename.new_name || migration.view_oid === name.relation?.oid)
  );
  if (name.relation !== null || name.type !== null) {
    const isOurView = holder !== undefined && name.relation !== null &&
      holder.view_oid === name.relation.oid;
    const what = isOurView
      ? `the compatibility view of ${qualified(holder.schema_name, holder.new_name)}`
      : name.relation !== null
      ? RELATION_KINDS[name.relation.kind].what
      : typeKind(name.type!.kind);
    const owner = name.relation && relations.get(name.relation.oid)?.owner;
    throw new Problem("name_taken", `${object} is taken by ${what}.`, {
      hint: isOurView
        ? "To give the table this name back, roll its migration back."
        : "Choose another name, or move what has it out of the way.",
      fields: {
        taken_by: {
          schema: rename.schema,
          name: rename.new_name,
          kind: what,
          ...(owner ? { owner } : {}),
        },
        ...(isOurView ? { migration_id: holder.id } : {}),
      },
    });
  }
  if (holder?.new_name === rename.new_name) {
    throw new Problem(
      "name_taken",
      `${object} is held by an active migration of ${
        qualified(holder.schema_name, holder.old_name)
      }.`,
      {
        hint: "Roll back or finalize that migration first.",
        fields: { migration_id: holder.id },
      },
    );
  }
}
