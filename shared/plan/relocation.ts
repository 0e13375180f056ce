/**
 * Records whose OIDs are those of another database, as after pg_dump and pg_restore. Their tables are found by schema
 * and names, by the recorded columns, and by the compatibility view, which has the old name and shows the columns of
 * the table and nothing else. An OID that exists proves nothing: it may be another table's by chance.
 */
import type { RecordedRename, TrackedRename } from "../facts/migration.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import type { Fingerprint } from "../facts/fingerprint.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { scanCounterCondition } from "./view/scan_counter.ts";

/** What a record that does not fit this database means here. */
type Relocation =
  /** It is certain which relations are meant, or the caller says so. */
  | { state: "found"; table: RelationFacts; view: RelationFacts | null; query: string | null }
  /** There are relations with these names, and it is not certain that they are meant. */
  | { state: "offered"; table: RelationFacts; view: RelationFacts | null; query: string | null }
  /** There is no such relation, and what has the recorded OID is something else. */
  | { state: "gone" };

const isTable = (relation: RelationFacts | undefined): relation is RelationFacts =>
  relation?.kind === "r" || relation?.kind === "p";

/**
 * The names that the migration and later ones gave the table, the likeliest last.
 *
 * @param standing Active and finalized migrations, in the order in which they were made.
 */
export function presentNames(migration: TrackedRename, standing: TrackedRename[]): string[] {
  const names = [migration.new_name];
  const from = standing.findIndex(({ id }) => id === migration.id);
  for (const later of standing.slice(from + 1)) {
    if (later.schema_name === migration.schema_name && later.old_name === names.at(-1)) {
      names.push(later.new_name);
    }
  }
  return names;
}

/**
 * What a record means in this database; null where it fits, or where the difference is drift of another kind.
 *
 * @param facts Of the recorded OIDs, the old name and the `presentNames`.
 * @param asked Whether the caller says that the relations with the names are meant.
 */
export function relocation(
  migration: RecordedRename,
  standing: TrackedRename[],
  facts: Pick<Facts, "names" | "relations">,
  asked: boolean,
): Relocation | null {
  const { schema_name: schema, old_name, compatibility_view_created } = migration;
  const byOid = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const at = (name: string) => {
    const holder = facts.names.find((held) => held.schema === schema && held.name === name);
    return byOid.get(holder?.relation?.oid ?? -1);
  };
  const recordedTable = byOid.get(migration.table_oid ?? -1);
  const recordedView = byOid.get(migration.view_oid ?? -1);
  const candidates = presentNames(migration, standing).map(at).filter(isTable);
  const named = compatibility_view_created ? at(old_name) : undefined;
  const view = named?.kind === "v" ? named : null;
  const table = view === null
    ? candidates.at(-1)
    : candidates.find(({ oid }) => view.view_reads.length === 1 && view.view_reads[0] === oid);
  // The record's own table, whatever its schema and name: certainly, or judged by its columns.
  const isOwn = isTable(recordedTable) && recordedView?.kind === "v" &&
    recordedView.view_reads.includes(recordedTable.oid) &&
    hasColumns(recordedView, migration.fingerprint.view ?? migration.fingerprint.before);
  const looksOwn = isTable(recordedTable) &&
    hasColumns(recordedTable, migration.fingerprint.after ?? migration.fingerprint.before);
  if (table === undefined) return isOwn || looksOwn ? null : { state: "gone" };
  const sameTable = table.oid === recordedTable?.oid;
  const sameView = view === null || view.oid === recordedView?.oid;
  if (sameTable && sameView) return null;
  const query = view !== null && isPlain(view, table) ? view.view_query : null;
  const found = { table, view, query };
  if (asked) return { state: "found", ...found };
  if (isOwn || sameTable) return null;
  const certain = query !== null && !looksOwn && !sameView && wasRecorded(view!, migration);
  return { state: certain ? "found" : "offered", ...found };
}

export function relocated(migration: RecordedRename, facts: Pick<Facts, "names">, {
  table,
  view,
  query,
}: Extract<Relocation, { state: "found" }>): RecordedRename {
  const { fingerprint } = migration;
  const indexOids = new Map(
    facts.names.map(({ schema, name, relation }) => [
      qualified(schema, name),
      relation !== null && ["i", "I"].includes(relation.kind) ? relation.oid : 0,
    ]),
  );
  return {
    ...migration,
    table_oid: table.oid,
    view_oid: view?.oid ?? null,
    present_name: table.name,
    indexes: migration.indexes.map((index) => ({
      ...index,
      oid: indexOids.get(qualified(index.schema, index.to)) ?? 0,
    })),
    // The digest of the view's query includes OIDs.
    fingerprint: query === null || fingerprint.view === null
      ? fingerprint
      : { ...fingerprint, view: { ...fingerprint.view, query } },
  };
}

/** Whether the view shows columns of the table by their names, and every row. */
function isPlain(view: RelationFacts, table: RelationFacts): boolean {
  const known = new Map(table.columns.map((column) => [column.name, column]));
  if (
    view.columns.some(({ name, type, collation }) =>
      known.get(name)?.type !== type || known.get(name)?.collation !== collation
    )
  ) return false;
  const condition = view.scan_counter === null
    ? ""
    : ` where ${scanCounterCondition(view.scan_counter)}`;
  // The server qualifies columns before PostgreSQL 16.
  return ["", `${ident(table.name)}.`].some((prefix) => {
    const columns = view.columns.map(({ name }) => prefix + ident(name)).join(", ");
    return bare(view.view_definition ?? "") ===
      bare(`select ${columns} from ${qualified(table.schema, table.name)}${condition}`);
  });
}

/** A query without what the server may print or leave out: quotes, blanks, parentheses, case of keywords, aliases. */
const bare = (query: string): string =>
  query.replaceAll(/[\s"();]|\bpg_catalog\./g, "").replaceAll("AScount", "").toLowerCase();

/** Whether a relation has all columns that were recorded, of the same types. */
function hasColumns({ columns }: RelationFacts, recorded: Fingerprint): boolean {
  const types = new Map(columns.map(({ name, type }) => [`column ${name}`, type]));
  const wanted = Object.entries(recorded).filter(([object]) =>
    object.startsWith("column ") && object !== "column order" && !object.includes(" grant to ")
  );
  return wanted.length > 0 && wanted.every(([object, definition]) => {
    const type = types.get(object);
    return type !== undefined && (definition === type || definition.startsWith(`${type} `));
  });
}

/** Whether the view has the columns that it was recorded with, in their order. */
function wasRecorded(view: RelationFacts, { fingerprint }: RecordedRename): boolean {
  const recorded = fingerprint.view;
  if (recorded === null) return hasColumns(view, fingerprint.after ?? fingerprint.before);
  return recorded["column order"] === view.columns.map(({ name }) => name).join(", ") &&
    hasColumns(view, recorded);
}
