/**
 * Queries of the catalog that look a table up by its name. They now find the view, which has no indexes, constraints,
 * triggers, defaults or sizes. The catalog has the tables of all schemas, whatever the search path: a name means each
 * of them, unless the query says which schema.
 */
import { isIdentifier, isMark, isOperator, isWord, type Node } from "../parser/nodes.ts";
import type { Clauses } from "../parser/query_syntax.ts";
import type { Scope } from "../parser/scope.ts";
import type { IndexedTable } from "../parser/table_index.ts";

/** Catalogs that have no rows for a view, or other rows than for a table; and those of views. */
const ABOUT_TABLES = new Set(
  `pg_tables pg_index pg_indexes pg_constraint pg_attrdef pg_policy pg_policies pg_trigger pg_rules pg_stats
  pg_stats_ext pg_statistic pg_statistic_ext pg_inherits pg_partitioned_table pg_publication_rel
  pg_publication_tables pg_views table_constraints key_column_usage constraint_column_usage
  constraint_table_usage triggers views`.split(/\s+/),
);
const STATISTICS = /^pg_stat(io)?_(xact_)?(all|user|sys)_(tables|indexes)$/;

/** Catalogs that have views too, with the columns and values that differ for a view. */
const DIFFERENCES: Record<string, string[]> = {
  pg_class: ["relkind", "reltuples", "relpages", "relrowsecurity", "relforcerowsecurity"],
  pg_attribute: ["attnotnull", "atthasdef", "attidentity", "attgenerated"],
  tables: ["BASE TABLE"],
  columns:
    "column_default is_nullable is_identity identity_generation is_generated generation_expression"
      .split(" "),
  table_privileges: [],
  column_privileges: [],
  role_table_grants: [],
  role_column_grants: [],
};

const isAboutTables = (name: string) => ABOUT_TABLES.has(name) || STATISTICS.test(name);

/** Columns of catalogs that contain the name or OID of a schema. */
const SCHEMA_COLUMNS = new Set(
  `table_schema schemaname nspname relnamespace constraint_schema event_object_schema trigger_schema
  view_schema`.split(/\s+/),
);

interface Contents {
  names: { value: string; start: number }[];
  /** Identifiers, and strings. */
  words: Set<string>;
  /** The schemas with which it compares columns; null if it compares none, or with something unknown. */
  schemas: Set<string> | null;
}

/** Notes names of tables that the query looks up in the catalog. */
export function readCatalogQuery(clauses: Clauses, scope: Scope): void {
  const { from = [] } = clauses;
  const catalogs = from.flatMap((node, i) =>
    isIdentifier(node) && !isMark(from[i + 1], ".") && isCatalogAt(from, i) ? [node.value] : []
  );
  if (catalogs.length === 0) return;
  const contents: Contents = { names: [], words: new Set(), schemas: null };
  collect(Object.values(clauses).flatMap((part) => part!), contents, scope);
  // The first catalog whose answer is different for a view.
  const detail =
    catalogs.find((catalog) =>
      isAboutTables(catalog) || DIFFERENCES[catalog].some((word) => contents.words.has(word))
    ) ?? null;
  for (const { value, start } of contents.names) {
    scope.names.noteReadString(start);
    const tables = ofSchemas(scope.names.inAnySchema(value), contents)
      .map((table) => ({ table, certain: true }));
    scope.note(tables, start, detail === null ? null : "catalog_lookup", detail);
  }
}

function ofSchemas(tables: IndexedTable[], { schemas, words }: Contents): IndexedTable[] {
  if (schemas !== null) return tables.filter(({ schema }) => schemas.has(schema));
  const named = tables.filter(({ schema }) => words.has(schema));
  return named.length > 0 ? named : tables;
}

function collect(nodes: Node[], contents: Contents, scope: Scope): void {
  nodes.forEach((node, i) => {
    if (node.kind === "group") return collect(node.nodes, contents, scope);
    if (node.kind === "string") {
      contents.names.push(node);
      contents.words.add(node.value);
      return;
    }
    if (!isIdentifier(node)) return;
    contents.words.add(node.value);
    if (SCHEMA_COLUMNS.has(node.value)) {
      for (const schema of comparedWith(nodes, i)) (contents.schemas ??= new Set()).add(schema);
    }
    const { start } = node;
    contents.names.push(
      ...scope.names.runTime.valuesAt(nodes, i).map((value) => ({ value, start })),
    );
  });
}

/** Constants that a column is equal to: `= 'a'`, `in ('a', 'b')`, `= any (array['a'])`, `'a' = column`. */
function comparedWith(nodes: Node[], column: number): string[] {
  const [operator, value] = nodes.slice(column + 1, column + 3);
  if (isOperator(operator, "=")) {
    if (isWord(value, "any", "some")) return stringsIn(nodes[column + 3]);
    return value?.kind === "string" ? [value.value] : [];
  }
  if (isWord(operator, "in")) return stringsIn(value);
  const before = isMark(nodes[column - 1], ".") ? column - 3 : column - 1;
  const constant = nodes[before - 1];
  return isOperator(nodes[before], "=") && constant?.kind === "string" ? [constant.value] : [];
}

function stringsIn(node: Node | undefined): string[] {
  if (node?.kind === "string") return [node.value];
  return node?.kind === "group" ? node.nodes.flatMap(stringsIn) : [];
}

export const namesCatalog = (nodes: Node[]): boolean =>
  nodes.some((node, i) => node.kind === "group" ? namesCatalog(node.nodes) : isCatalogAt(nodes, i));

/** `tables`, `columns` and `triggers` only with their schema: otherwise they are somebody's tables. */
function isCatalogAt(nodes: Node[], i: number): boolean {
  const [schema, dot, node] = [nodes[i - 2], nodes[i - 1], nodes[i]];
  if (!isIdentifier(node)) return false;
  const name = node.value;
  if (!isAboutTables(name) && !Object.hasOwn(DIFFERENCES, name)) return false;
  const qualifier = isMark(dot, ".") && isIdentifier(schema) ? schema.value : null;
  return name.startsWith("pg_")
    ? qualifier === null || qualifier === "pg_catalog"
    : qualifier === "information_schema";
}

/** Whether a FROM clause reads relations, all of them the server's. */
export const readsOnlyCatalogs = (from: Node[]): boolean =>
  from.some((_, i) => isRelationAt(from, i)) && !readsUserTables(from);

/** Whether a FROM clause reads a relation that is not the server's. */
export const readsUserTables = (from: Node[]): boolean =>
  from.some((_, i) => isRelationAt(from, i) && !isServersAt(from, i));

/** Whether the name of a relation begins at index `i`, rather than that of a function. */
function isRelationAt(from: Node[], i: number): boolean {
  const node = from[i];
  if (!isIdentifier(node) || isWord(node, "lateral", "only")) return false;
  const before = from[i - 1];
  const begins = i === 0 || isMark(before, ",") || isWord(before, "join", "lateral", "only");
  let end = i;
  while (isMark(from[end + 1], ".")) end += 2;
  return begins && from[end + 1]?.kind !== "group";
}

function isServersAt(from: Node[], i: number): boolean {
  const node = from[i];
  if (!isIdentifier(node)) return false;
  return isMark(from[i + 1], ".")
    ? node.value === "pg_catalog" || node.value === "information_schema"
    : node.value.startsWith("pg_");
}
