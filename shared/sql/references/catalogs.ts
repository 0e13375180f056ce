/** Catalogs that are asked for tables by their names, and what each tells otherwise of a view. */
import { isIdentifier, isMark, isWord, type Node } from "../parser/nodes.ts";

/** Catalogs that have nothing about a view, or not what they have about a table; and those of views. */
const ABOUT_TABLES = new Set(
  `pg_tables pg_index pg_indexes pg_constraint pg_attrdef pg_policy pg_policies pg_trigger pg_rules pg_stats
  pg_stats_ext pg_statistic pg_statistic_ext pg_inherits pg_partitioned_table pg_publication_rel
  pg_publication_tables pg_views table_constraints key_column_usage constraint_column_usage
  constraint_table_usage triggers views`.split(/\s+/),
);

/** The same of statistics. */
const STATISTICS = /^pg_stat(io)?_(xact_)?(all|user|sys)_(tables|indexes)$/;

/** Catalogs that have views too; what differs are these columns and values. */
const DIFFERENCES: Record<string, Set<string>> = {
  pg_class: new Set(["relkind", "reltuples", "relpages", "relrowsecurity", "relforcerowsecurity"]),
  pg_attribute: new Set(["attnotnull", "atthasdef", "attidentity", "attgenerated"]),
  tables: new Set(["BASE TABLE"]),
  columns: new Set([
    "column_default",
    "is_nullable",
    "is_identity",
    "identity_generation",
    "is_generated",
    "generation_expression",
  ]),
  table_privileges: new Set(),
  column_privileges: new Set(),
  role_table_grants: new Set(),
  role_column_grants: new Set(),
};

const isOfTables = (name: string) => ABOUT_TABLES.has(name) || STATISTICS.test(name);
const isCatalogName = (name: string) => isOfTables(name) || Object.hasOwn(DIFFERENCES, name);

/** The catalogs that a FROM clause reads. */
export function catalogsIn(from: Node[]): string[] {
  return from.flatMap((node, i) =>
    isIdentifier(node) && !isMark(from[i + 1], ".") && isCatalogName(node.value) &&
      isCatalogAt(from, i)
      ? [node.value]
      : []
  );
}

/** The first of the catalogs that answers otherwise once a view has the name; `said`: the query's words. */
export function differing(catalogs: string[], said: Set<string>): string | null {
  return catalogs.find((one) =>
    isOfTables(one) || [...DIFFERENCES[one]].some((word) => said.has(word))
  ) ?? null;
}

/** Whether the words of a text ask any catalog for names. */
export const asksCatalogs = (nodes: Node[]): boolean =>
  nodes.some((node, i) =>
    node.kind === "group"
      ? asksCatalogs(node.nodes)
      : isIdentifier(node) && isCatalogName(node.value) && isCatalogAt(nodes, i)
  );

/** Whether whatever relation a FROM clause reads is one of the server's. */
export function isCatalogQuery(from: Node[]): boolean {
  const relations = from.flatMap((node, i) =>
    isRelationAt(from, i) && isIdentifier(node) ? [i] : []
  );
  return relations.length > 0 && relations.every((i) => isServersAt(from, i));
}

/** Whether a FROM clause reads a relation that is not the server's. */
export const readsUsers = (from: Node[]): boolean =>
  from.some((_, i) => isRelationAt(from, i) && !isServersAt(from, i));

/** Whether the name of a relation begins there, rather than that of a function. */
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

/** `tables`, `columns` and `triggers` only in their schema: elsewhere they are somebody's tables. */
function isCatalogAt(from: Node[], i: number): boolean {
  const [schema, dot, name] = [from[i - 2], from[i - 1], from[i]];
  const within = isMark(dot, ".") && isIdentifier(schema) ? schema.value : null;
  if (!isIdentifier(name)) return false;
  return name.value.startsWith("pg_")
    ? within === null || within === "pg_catalog"
    : within === "information_schema";
}
