/**
 * Queries of the catalog that look a table up by its name: they find the view now, of which the catalog knows
 * no indexes, constraints, triggers, defaults or sizes.
 */
import { isIdentifier, isMark, type Node } from "./nodes.ts";
import type { Clauses } from "./queries.ts";
import type { Reading } from "./reading.ts";

/** Catalogs that have nothing about a view, or not what they have about a table. */
const ABOUT_TABLES = new Set(
  `pg_tables pg_index pg_indexes pg_constraint pg_attrdef pg_policy pg_policies pg_trigger pg_rules pg_stats
  pg_statistic pg_statistic_ext pg_inherits pg_partitioned_table pg_publication_rel pg_publication_tables
  pg_stat_user_tables pg_stat_all_tables pg_statio_user_tables pg_statio_all_tables pg_stat_user_indexes
  pg_stat_xact_user_tables table_constraints key_column_usage constraint_column_usage constraint_table_usage
  triggers`.split(/\s+/),
);

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
};

/** Notes a name that is looked up in the catalog, where the answer is another one for a view. */
export function readCatalogQuery(clauses: Clauses, reading: Reading): void {
  const from = clauses.from ?? [];
  const catalogs = from.filter((node, i) =>
    isIdentifier(node) && !isMark(from[i + 1], ".") &&
    (ABOUT_TABLES.has(node.value) || node.value in DIFFERENCES) &&
    isCatalog(from, i)
  ).map((node) => isIdentifier(node) ? node.value : "");
  if (catalogs.length === 0) return;
  const strings: { value: string; start: number }[] = [];
  const said = new Set<string>();
  collect(Object.values(clauses).flatMap((part) => part!), strings, said);
  const detail =
    catalogs.find((one) =>
      ABOUT_TABLES.has(one) || [...DIFFERENCES[one]].some((word) => said.has(word))
    ) ?? null;
  for (const { value, start } of strings) {
    const candidates = reading.index.byName.get(value);
    if (candidates === undefined) continue;
    // The schema is another string, or the one that names without a schema are in.
    const named = candidates.filter(({ schema }) => said.has(schema))
      .map((table) => ({ table, certain: true }));
    const tables = named.length > 0 ? named : reading.resolve([value]);
    reading.use(tables, start, detail === null ? null : "catalog_lookup", detail);
  }
}

/** `tables`, `columns` and `triggers` only in their schema: elsewhere they are somebody's tables. */
function isCatalog(from: Node[], i: number): boolean {
  const [schema, dot, name] = [from[i - 2], from[i - 1], from[i]];
  const within = isMark(dot, ".") && isIdentifier(schema) ? schema.value : null;
  if (!isIdentifier(name)) return false;
  return name.value.startsWith("pg_")
    ? within === null || within === "pg_catalog"
    : within === "information_schema";
}

function collect(
  nodes: Node[],
  strings: { value: string; start: number }[],
  said: Set<string>,
): void {
  for (const node of nodes) {
    if (node.kind === "group") collect(node.nodes, strings, said);
    else if (node.kind === "string") {
      strings.push(node);
      said.add(node.value);
    } else if (isIdentifier(node)) said.add(node.value);
  }
}
