/**
 * Embeddings of the Data API that a compatibility view makes ambiguous, by PostgREST's own rules: it gives a view
 * the foreign keys whose columns it shows (SchemaCache.hs: `allViewsKeyDependencies`, `addViewM2OAndO2ORels`,
 * `addM2MRels`). So the view is a second join table, and a self-reference leads from it to the table and to itself.
 *
 * No other view avoids this. PostgREST looks at the origin that the server records for each column of a view that
 * can be written to; a view that hides it hides the foreign keys too, and nothing could be embedded any more.
 */
import type { JoinTablePair } from "../facts/analysis_facts.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { dollarQuoted, ident, qualified } from "../sql/quoting.ts";
import type { TableFinding } from "./object_findings.ts";
import { called, listed } from "./wording.ts";

/** One direction in which rows of a table are embedded in those of another through a join table. */
interface ManyToMany {
  schema: string;
  from: string;
  to: string;
}

/**
 * Embeddings through a join table that are not ambiguous: exactly one path leads from one table to the other.
 *
 * @param leftOut OIDs of views to ignore.
 */
export function unambiguous(pairs: JoinTablePair[], leftOut: number[] = []): ManyToMany[] {
  return pairs.flatMap((pair) => {
    if (pathsBetween(pair, leftOut) !== 1) return [];
    const { one, other, overridden: [forth, back] } = pair;
    return [
      ...(forth ? [] : [{ schema: one.schema, from: one.table, to: other.table }]),
      ...(back ? [] : [{ schema: one.schema, from: other.table, to: one.table }]),
    ];
  });
}

function pathsBetween({ direct_keys, junctions }: JoinTablePair, leftOut: number[]): number {
  return junctions.reduce((sum, { oid, listed, ways, primary_key, readers }) => {
    const queries = new Map(readers.map(({ oid, query }) => [oid, query]));
    const views = readers.filter(({ oid: view, served }) => {
      if (!served || leftOut.includes(view)) return false;
      const shown = shownOfTables(view, queries);
      return primary_key.every((number) => shown.has(`${oid}.${number}`));
    });
    return sum + ways * ((listed ? 1 : 0) + views.length);
  }, direct_keys);
}

const MAX_REQUESTS = 6;

export function embeddingFindings(table: RelationFacts, newName: string | null): TableFinding[] {
  return [joinTable(table, newName), selfReference(table, newName)].flatMap((one) => one ?? []);
}

function joinTable(table: RelationFacts, newName: string | null): TableFinding | null {
  const ambiguous = unambiguous(table.join_table_pairs);
  if (ambiguous.length === 0) return null;
  const requests = (hint: string) =>
    listed(ambiguous.map(({ from, to }) => `${from}?select=${to}${hint}(…)`), MAX_REQUESTS);
  const finalName = newName === null ? "the new one" : `"${newName}"`;
  return {
    code: "ambiguous_many_to_many",
    severity: "breaking",
    message:
      "The Data API uses the table as a join table, and will use its view as another one. Until the old name is " +
      "gone, requests that do not name the join table fail (300, PGRST201): " +
      `${
        requests("")
      }. So do requests to views of these tables and to functions that return their rows.`,
    remedy: "Name the join table in the requests, which works before and after the rename: " +
      `${requests(`!${table.name}`)}. When the old name is gone, they must use ${finalName}. ` +
      "Or acknowledge.",
  };
}

function selfReference(table: RelationFacts, newName: string | null): TableFinding | null {
  const keys = table.self_embeddings;
  if (keys.length === 0) return null;
  const requests = keys.map(({ column }) => `${table.name}?select=${column}(…)`).join(", ");
  return {
    code: "ambiguous_self_reference",
    severity: "breaking",
    message:
      "Foreign keys of the table refer to itself. Under the old name they lead to the table and to the view, so " +
      "requests of the Data API that embed by the key's column fail (300, PGRST201), nested or not, and no hint " +
      `helps: ${requests}. Under ${called(newName)} they work.`,
    remedy: newName === null
      ? "Right after the rename, create a function with the table's new name that takes a row of the view and " +
        "returns rows of the table, which PostgREST uses instead. Drop it before a rollback or finalize. Plan the " +
        "rename to get the statements."
      : selfReferenceRemedy(table, newName),
  };
}

function selfReferenceRemedy(
  { schema, name, self_embeddings: [{ column, references }] }: RelationFacts,
  newName: string,
): string {
  const view = qualified(schema, name);
  const table = qualified(schema, newName);
  const body = dollarQuoted(
    `select t.* from ${table} t where t.${ident(references)} = $1.${ident(column)}`,
    "body",
  );
  return "Right after the rename, create a computed relationship, which PostgREST uses instead: create function " +
    `${table}(${view}) returns setof ${table} rows 1 stable language sql as ${body}; notify pgrst, ` +
    `'reload schema'. Before a rollback or finalize, drop it: drop function ${table}(${view}). ` +
    "Or use the new name, or acknowledge.";
}

interface ShownColumn {
  /** Number of the view's column. */
  number: number;
  /** OID of the relation and number of the column that it shows; 0 if it is computed. */
  relation: number;
  column: number;
}

/** Depth of the query and of an entry of its target list in `pg_rewrite.ev_action`. */
const QUERY_DEPTH = 2;
const ENTRY_DEPTH = QUERY_DEPTH + 2;

/**
 * The columns of a view: the entries of the outermost target list of a node tree (`pg_rewrite.ev_action`), with the
 * origin that the parser recorded. Braces and parentheses enclose nested nodes; a backslash escapes the next
 * character, in names too.
 */
function shownColumns(query: string): ShownColumn[] {
  const shown: ShownColumn[] = [];
  let depth = 0;
  let inTargets = false;
  let entry: Record<string, number> = {};
  for (let at = 0; at < query.length; at++) {
    const character = query[at];
    if (character === "\\") at++;
    else if (character === "(" || character === "{") {
      depth++;
      if (inTargets && depth === ENTRY_DEPTH) entry = {};
    } else if (character === ")" || character === "}") {
      if (inTargets && depth === ENTRY_DEPTH && !entry.resjunk) {
        shown.push({ number: entry.resno, relation: entry.resorigtbl, column: entry.resorigcol });
      }
      depth--;
    } else if (character === ":" && query[at - 1] === " ") {
      if (depth === QUERY_DEPTH) inTargets = query.startsWith(":targetList ", at);
      else if (inTargets && depth === ENTRY_DEPTH) {
        FIELD.lastIndex = at;
        const [, name, value] = FIELD.exec(query) ?? [];
        if (name !== undefined) entry[name] = value === "true" ? 1 : Number(value) || 0;
      }
    }
  }
  return shown;
}

const FIELD = /:(resno|resorigtbl|resorigcol|resjunk) (\w+)/y;

/** The columns of tables, as `relation.column`, that a view shows directly or through the views in `queries`. */
function shownOfTables(view: number, queries: Map<number, string>): Set<string> {
  const columns = new Map<number, ShownColumn[]>();
  const columnsOf = (oid: number) => {
    const known = columns.get(oid) ?? shownColumns(queries.get(oid)!);
    columns.set(oid, known);
    return known;
  };
  const origins = new Set<string>();
  const follow = (oid: number, number: number | null, path: number[]): void => {
    for (const one of columnsOf(oid)) {
      if (number !== null && one.number !== number) continue;
      if (!queries.has(one.relation)) origins.add(`${one.relation}.${one.column}`);
      else if (!path.includes(one.relation)) {
        follow(one.relation, one.column, [...path, one.relation]);
      }
    }
  };
  follow(view, null, [view]);
  return origins;
}
