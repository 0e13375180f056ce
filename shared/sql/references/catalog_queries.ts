/**
 * Queries of the catalog that look a table up by its name: they find the view now, of which the catalog knows
 * no indexes, constraints, triggers, defaults or sizes. The catalog knows tables of every schema, whatever the
 * search path: a name means all of them, unless the query says which schema.
 */
import { catalogsIn, differing } from "./catalogs.ts";
import type { Clauses } from "../parser/clauses.ts";
import { isIdentifier, isMark, isOperator, isWord, type Node } from "../parser/nodes.ts";
import type { Reading } from "../parser/reading.ts";
import type { IndexedTable } from "./table_index.ts";

/** Columns of catalogs that hold a schema's name or OID. */
const SCHEMA_COLUMNS = new Set(
  `table_schema schemaname nspname relnamespace constraint_schema event_object_schema trigger_schema
  view_schema`.split(/\s+/),
);

/** What the query says. */
interface Said {
  names: { value: string; start: number }[];
  /** Its words, and its strings. */
  words: Set<string>;
  /** The schemas that it compares columns with; null where it compares none, or with what is not known. */
  schemas: Set<string> | null;
}

/** Notes a name that is looked up in the catalog, where the answer is another one for a view. */
export function readCatalogQuery(clauses: Clauses, reading: Reading): void {
  const catalogs = catalogsIn(clauses.from ?? []);
  if (catalogs.length === 0) return;
  const said: Said = { names: [], words: new Set(), schemas: null };
  collect(Object.values(clauses).flatMap((part) => part!), said, reading);
  const detail = differing(catalogs, said.words);
  for (const { value, start } of said.names) {
    reading.understood(start);
    const tables = ofSchemas(reading.everyNamed(value), said)
      .map((table) => ({ table, certain: true }));
    reading.use(tables, start, detail === null ? null : "catalog_lookup", detail);
  }
}

function ofSchemas(tables: IndexedTable[], { schemas, words }: Said): IndexedTable[] {
  if (schemas !== null) return tables.filter(({ schema }) => schemas.has(schema));
  const named = tables.filter(({ schema }) => words.has(schema));
  return named.length > 0 ? named : tables;
}

function collect(nodes: Node[], said: Said, reading: Reading): void {
  nodes.forEach((node, i) => {
    if (node.kind === "group") return collect(node.nodes, said, reading);
    if (node.kind === "string") {
      said.names.push(node);
      said.words.add(node.value);
      return;
    }
    if (!isIdentifier(node)) return;
    said.words.add(node.value);
    if (SCHEMA_COLUMNS.has(node.value)) {
      for (const schema of comparedWith(nodes, i)) (said.schemas ??= new Set()).add(schema);
    }
    const variable = reading.names.placeholderAt(nodes, i);
    const values = variable === null ? [] : reading.names.expand(variable.text);
    said.names.push(...values.map((value) => ({ value, start: node.start })));
  });
}

/** Constants that a column is equal to: `= 'a'`, `in ('a', 'b')`, `= any (array['a'])`. */
function comparedWith(nodes: Node[], column: number): string[] {
  const operator = nodes[column + 1];
  if (isOperator(operator, "=")) {
    const value = nodes[column + 2];
    if (isWord(value, "any", "some")) return stringsIn(nodes[column + 3]);
    if (value?.kind === "string") return [value.value];
    return [];
  }
  if (isWord(operator, "in")) return stringsIn(nodes[column + 2]);
  // 'a' = n.nspname
  const before = isMark(nodes[column - 1], ".") ? column - 3 : column - 1;
  const constant = nodes[before - 1];
  return isOperator(nodes[before], "=") && constant?.kind === "string" ? [constant.value] : [];
}

function stringsIn(node: Node | undefined): string[] {
  if (node?.kind === "string") return [node.value];
  return node?.kind === "group" ? node.nodes.flatMap(stringsIn) : [];
}
