/**
 * Embeddings of the Data API that a compatibility view makes ambiguous, by PostgREST's own rules.
 *
 * PostgREST derives them from foreign keys, and gives a view the keys whose columns it shows (SchemaCache.hs,
 * `allViewsKeyDependencies`, `addViewM2OAndO2ORels`, `addM2MRels`). A compatibility view shows all columns, so it is
 * a second join table beside a renamed one; and a self-reference leads from it both to the table and to itself.
 *
 * No other view would do. What PostgREST looks at is each column's origin, which the server marks: it is there
 * wherever a view can be written to by itself, and one that hid it (by an expression, a set operation, or a view
 * between in a schema that is not served) would hide the foreign keys with it, so that nothing could be embedded
 * under the old name at all. The primary key cannot be hidden alone, since the foreign keys are part of it.
 */
import type { Finding } from "../contract/responses.ts";
import type { JoinTablePair, RelationFacts } from "../facts/facts.ts";
import { called } from "./object_findings.ts";
import { dollarQuoted, ident, qualified } from "../sql/quoting.ts";
import { shownOfTables } from "./view_columns.ts";

/** One direction in which rows of a table are embedded in those of another through a join table. */
export interface ManyToMany {
  schema: string;
  from: string;
  to: string;
}

/**
 * What is embedded through a join table and is not ambiguous as things are: one way leads there and nothing else.
 *
 * @param leftOut OIDs of views that are thought away.
 */
export function unambiguous(pairs: JoinTablePair[], leftOut: number[] = []): ManyToMany[] {
  return pairs.flatMap((pair) => {
    if (waysBetween(pair, leftOut) !== 1) return [];
    const { one, other, overridden: [forth, back] } = pair;
    return [
      ...(forth ? [] : [{ schema: one.schema, from: one.table, to: other.table }]),
      ...(back ? [] : [{ schema: one.schema, from: other.table, to: one.table }]),
    ];
  });
}

function waysBetween({ direct_keys, junctions }: JoinTablePair, leftOut: number[]): number {
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

/** Most requests that a finding names. */
const MAX_NAMED = 6;

/** Findings about embeddings that are ambiguous while the compatibility view stands. */
export function embeddingFindings(
  table: RelationFacts,
  newName: string | null,
): Omit<Finding, "object">[] {
  return [joinTable(table, newName), selfReference(table, newName)].flatMap((one) => one ?? []);
}

function joinTable(table: RelationFacts, newName: string | null): Omit<Finding, "object"> | null {
  const ambiguous = unambiguous(table.join_table_pairs);
  if (ambiguous.length === 0) return null;
  const shown = ambiguous.slice(0, MAX_NAMED);
  const more = ambiguous.length - shown.length;
  const requests = (hint: string) =>
    shown.map(({ from, to }) => `${from}?select=${to}${hint}(…)`).join(", ");
  return {
    code: "ambiguous_many_to_many",
    severity: "breaking",
    message:
      `The table joins others for the Data API, and its view does so as well: two ways lead from one to the ` +
      `other. Requests that embed them without naming the join table fail (300, PGRST201) until the old name ` +
      `goes, though they name neither name: ${requests("")}${
        more > 0 ? ` and ${more} more` : ""
      }; likewise from views of these tables and from results of functions.`,
    remedy: `Have the requests name the join table; this works before the rename and after it: ${
      requests(`!${table.name}`)
    }. Once the old name is gone they have to name ${
      newName === null ? "the new one" : `"${newName}"`
    }. Or acknowledge.`,
  };
}

function selfReference(
  table: RelationFacts,
  newName: string | null,
): Omit<Finding, "object"> | null {
  const keys = table.self_embeddings;
  if (keys.length === 0) return null;
  const { schema, name } = table;
  const view = qualified(schema, name);
  const requests = keys.map(({ column }) => `${name}?select=${column}(…)`).join(", ");
  const target = newName === null ? null : qualified(schema, newName);
  const [{ column, references }] = keys;
  const body = target === null ? "" : dollarQuoted(
    `select t.* from ${target} t where t.${ident(references)} = $1.${ident(column)}`,
    "body",
  );
  const remedy = target === null
    ? "Make a function right after the rename that is named like the table's new name, takes a row of the view " +
      "and returns rows of the table: PostgREST takes it in place of the second way. Drop it before a rollback " +
      "or the finalization. Plan the rename to get the statements."
    : `Right after the rename make a computed relationship, which PostgREST takes in place of the second way: ` +
      `create function ${target}(${view}) returns setof ${target} rows 1 stable language sql as ${body}; ` +
      `notify pgrst, 'reload schema'. Before a rollback or the finalization drop it: drop function ` +
      `${target}(${view}). Or use the new name, or acknowledge.`;
  return {
    code: "ambiguous_self_reference",
    severity: "breaking",
    message:
      `Foreign keys of the table refer to itself. Under the old name they lead both to the table and to the ` +
      `view, so requests of the Data API that embed by the key's column fail (300, PGRST201), nested in others ` +
      `too, and no hint helps: ${requests}. Under ${called(newName)} they work.`,
    remedy,
  };
}
