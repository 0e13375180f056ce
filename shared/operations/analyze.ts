/** The analysis: what depends on tables, and what a rename would do to it. Changes nothing, locks nothing. */
import type { TrackedRename } from "../facts/migration.ts";
import { factsFromRow, factsQuery, type FactsWanted } from "../catalog/read_facts.ts";
import {
  type ListedTableRow,
  listedTables,
  schemasAmong,
  type TableRow,
  tablesOfSchemas,
} from "../catalog/names.ts";
import { sizesFromRows, sizesOf } from "../catalog/sizes.ts";
import { isTrackingTable } from "../contract/names.ts";
import { Problem } from "../contract/problems.ts";
import { MAX_RENAMES } from "../contract/names.ts";
import type { AnalyzeQuery } from "../contract/requests.ts";
import type { AnalyzeAnswer } from "../contract/responses.ts";
import type { Row, Session } from "../postgres/connection/database.ts";
import { analyzeTables } from "../findings/analysis.ts";
import type { NamedTable } from "../sql/closest_names.ts";
import type { Facts, NameFacts, RelationFacts } from "../facts/facts.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { refuseRelation, schemaOffLimits, tableNotFound } from "../plan/refusals.ts";
import { untrustedFindings } from "../findings/database_findings.ts";
import { standingMigrations, trackedFromRows } from "../tracking/read_migrations.ts";
import {
  asProblems,
  inReadOnlyTransaction,
  type OperationContext,
  recordWorstDrift,
} from "./steps/context.ts";
import { suggesting, tablesThere } from "./steps/explain_missing.ts";
import { withNamesInRows } from "./steps/reading.ts";

/**
 * Analyzes the named tables, or all tables of the schemas. A renamed table is found under its old names, too. All
 * facts are read by one query, however many tables there are.
 *
 * @throws {Problem} `protected_schema`, `table_not_found`, `unsupported_relation`, `extension_owned`;
 *   `invalid_request` for schemas with too many tables; `unsupported_server`, `database_unavailable`.
 */
export async function analyze(
  context: OperationContext,
  query: AnalyzeQuery,
): Promise<AnalyzeAnswer> {
  if (query.detail === "names") return await listTables(context, query);
  for (const schema of query.schema) {
    const problem = schemaOffLimits(schema);
    if (problem !== null) throw problem;
  }
  const answer = await asProblems(() =>
    inReadOnlyTransaction(context, async (session, { sources, untrusted }) => {
      const { wanted, tracked } = await select(session, query);
      const [[row], sizeRows] = await session.runAll([
        factsQuery({ ...wanted, sources, analysis: true }),
        sizesOf(wanted),
      ].join(";\n"));
      const sizes = sizesFromRows(sizeRows);
      const facts = factsFromRow(row as { facts: string });
      const tables = query.table === undefined
        ? inOrder(facts, wanted.oids)
        : await namedOrSuggested(session, facts, tracked);
      const changes = tables.map(({ oid, schema, name }) => ({
        oid,
        schema,
        from: name,
        to: null,
      }));
      const whole = await withNamesInRows(session, facts, changes);
      const migrationsOf = chainsIn(tracked);
      return {
        tables: analyzeTables(tables, whole).map((analysis, index) => ({
          ...analysis,
          ...(sizes.get(tables[index].oid) ?? UNKNOWN_SIZE),
          findings: [...analysis.findings, ...untrustedFindings(untrusted)],
          migrations: migrationsOf(tables[index]),
        })),
      };
    })
  );
  await recordWorstDrift(context);
  return answer;
}

/** Of a table that was dropped meanwhile. */
const UNKNOWN_SIZE = { estimated_bytes: null, estimated_rows: null };

/** Most tables that are listed. */
const MAX_LISTED = 20_000;

/** Only which tables there are. Schemas that a pattern matches and that are off limits are left out. */
async function listTables(
  context: OperationContext,
  { schema, schemas: patterns = [] }: AnalyzeQuery,
): Promise<AnalyzeAnswer> {
  const named = patterns.length > 0 ? [] : schema;
  for (const one of named) {
    const problem = schemaOffLimits(one);
    if (problem !== null) throw problem;
  }
  const [rows, standing, found] = await asProblems(() =>
    inReadOnlyTransaction(context, (session) =>
      session.runAll(
        [
          listedTables(named, patterns, MAX_LISTED + 1),
          standingMigrations(),
          schemasAmong(named),
        ].join(";\n"),
      ))
  );
  requireSchemas(named, found as unknown as { schema: string }[]);
  if (rows.length > MAX_LISTED) throw tooMany(MAX_LISTED, "Ask for fewer schemas.");
  const migrationsOf = chainsIn(trackedFromRows(standing));
  return {
    tables: (rows as unknown as ListedTableRow[])
      .filter(({ schema, name }) =>
        schemaOffLimits(schema) === null && !isTrackingTable(schema, name)
      )
      .map(({ schema, oid, name, kind, owner, references, ...size }) => ({
        schema,
        table: name,
        kind: kind === "p" ? "partitioned table" : "table",
        owner,
        ...size,
        migrations: migrationsOf({ oid, name }),
        dependants: {},
        findings: [],
        references,
      })),
  };
}

function requireSchemas(schemas: string[], rows: { schema: string }[]): void {
  const missing = schemas.find((schema) => rows.every((row) => row.schema !== schema));
  if (missing === undefined) return;
  throw new Problem("table_not_found", `There is no schema ${ident(missing)}.`, {
    hint: "Check the spelling; names are case-sensitive.",
    fields: { schema: missing },
  });
}

function tooMany(most: number, hint: string): Problem {
  const message = `more than ${most} tables; name those to analyze`;
  return new Problem("invalid_request", `"schema" is not valid: ${message}`, {
    hint,
    fields: { issues: [{ path: "schema", message }] },
  });
}

/** What to read: the tables of the schemas, or the named tables and those that had the names before. */
async function select(
  session: Session,
  { schema: schemas, table: names }: AnalyzeQuery,
): Promise<{ wanted: FactsWanted; tracked: TrackedRename[] }> {
  if (names === undefined) {
    const [rows, active] = await session.runAll(
      `${tablesOfSchemas(schemas, MAX_ROWS)};\n${standingMigrations()}`,
    );
    const tables = tablesFrom(rows as unknown as TableRow[], schemas);
    return {
      wanted: {
        names: [],
        oids: tables.map(({ oid }) => oid),
        mentioned: tables.map(({ name }) => name),
      },
      tracked: activeFrom(active),
    };
  }
  const [schema] = schemas;
  const tracked = activeFrom(await session.run(standingMigrations()));
  const oids = new Set(
    tracked.filter(({ schema_name, old_name, new_name }) =>
      schema_name === schema && (names.includes(old_name) || names.includes(new_name))
    ).map(({ table_oid }) => table_oid),
  );
  const earlier = tracked.filter(({ table_oid }) => oids.has(table_oid));
  return {
    wanted: {
      names: [...new Set(names)].map((name) => ({ schema, name })),
      oids: [...oids].filter((oid) => oid !== null),
      mentioned: [...names, ...earlier.map(({ new_name }) => new_name)],
    },
    tracked,
  };
}

const activeFrom = (rows: Row[]) =>
  trackedFromRows(rows).filter(({ status }) => status === "active");

/** Enough for too many tables to be noticed, with the schemas and the tracking tables. */
const MAX_ROWS = 2 * MAX_RENAMES;

function tablesFrom(rows: TableRow[], schemas: string[]): { oid: number; name: string }[] {
  const tables = rows.flatMap(({ schema, oid, name }) =>
    oid === null || name === null || isTrackingTable(schema, name) ? [] : [{ oid, name }]
  );
  if (tables.length > MAX_RENAMES) throw tooMany(MAX_RENAMES, "Add table=…, once for each table.");
  requireSchemas(schemas, rows);
  return tables;
}

/** As `named`; where a table is missing, the problem suggests the closest names. */
async function namedOrSuggested(
  session: Session,
  facts: Facts,
  tracked: TrackedRename[],
): Promise<RelationFacts[]> {
  try {
    return named(facts, tracked);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "table_not_found") throw error;
    throw suggesting(error, error.fields as unknown as NamedTable, await tablesThere(session));
  }
}

/** The tables that have the requested names, or had them before a rename; each once. */
function named(facts: Facts, tracked: TrackedRename[]): RelationFacts[] {
  return [...new Set(facts.names.map((name) => requireTable(name, facts, tracked)))];
}

function requireTable(name: NameFacts, facts: Facts, tracked: TrackedRename[]): RelationFacts {
  const object = qualified(name.schema, name.name);
  const found = name.relation && relationWith(facts, name.relation.oid);
  if (found?.kind === "r" || found?.kind === "p") {
    // An analysis needs no ownership.
    refuseRelation(object, found.kind, { ...found, owned: true });
    return found;
  }
  const migration = tracked.find(({ schema_name, old_name, view_oid }) =>
    schema_name === name.schema && old_name === name.name &&
    (name.relation === null || name.relation.oid === view_oid)
  );
  const renamed = relationWith(facts, migration?.table_oid ?? null);
  if (renamed) return renamed;
  if (name.relation === null) throw tableNotFound(name);
  refuseRelation(object, name.relation.kind, undefined);
  throw new Error(`${object} is neither a table nor refused`);
}

function inOrder(facts: Facts, oids: number[]): RelationFacts[] {
  const byOid = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  return oids.flatMap((oid) => byOid.get(oid) ?? []);
}

const relationWith = (facts: Facts, oid: number | null) =>
  facts.relations.find((relation) => relation.oid === oid);

/** Makes a function that finds the migrations among these that led to a table's name, the last first. */
function chainsIn(tracked: TrackedRename[]) {
  const byTable = Map.groupBy(tracked, ({ table_oid }) => table_oid);
  return (table: { oid: number; name: string }) => {
    const chain: { id: string; old_name: string; new_name: string }[] = [];
    const own = byTable.get(table.oid) ?? [];
    for (let name = table.name;;) {
      const step = own.find(({ new_name }) => new_name === name);
      if (step === undefined || chain.some(({ id }) => id === step.id)) return chain;
      const { id, old_name, new_name } = step;
      chain.push({ id, old_name, new_name });
      name = old_name;
    }
  };
}
