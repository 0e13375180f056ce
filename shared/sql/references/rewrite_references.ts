/**
 * Writes the new names of tables in an SQL source, in place of the old ones: at exactly the positions that the
 * reader found, and nowhere else. All uses of a source are changed or none.
 */
import { lex } from "../parser/lexer.ts";
import { isMark } from "../parser/nodes.ts";
import { type IndexedTable, indexOf, mentionOf, type TableIndex } from "../parser/table_index.ts";
import {
  fitsAt,
  type Identifier,
  identifiersOf,
  type NamePlace,
  placeOfName,
  tokensOf,
  writtenAt,
} from "./name_places.ts";
import { referencesIn, type SqlSource, type TableReference } from "./table_references.ts";

/** Replaces `length` characters from index `at` on. */
interface Edit {
  at: number;
  length: number;
  text: string;
}

interface RewrittenSource {
  /** The source with the new names; the source as it is if nothing can be changed. */
  text: string;
  /** In the order of the source. */
  edits: Edit[];
  /** Uses because of which nothing was changed: a person has to look at them. */
  unsure: TableReference[];
}

/**
 * Rewrites a source. An alias with the old name is added where the source goes on to use the old name as one, so
 * that columns qualified by it, and what a query's columns are called, stay what they are.
 *
 * @param tables An index with the new names: tables without one are left alone.
 * @param variables Names of the routine's parameters, which a new name could hide.
 */
export function rewriteReferences(
  source: SqlSource,
  tables: TableIndex,
  variables: string[] = [],
): RewrittenSource {
  const unchanged = (unsure: TableReference[]) => ({ text: source.text, edits: [], unsure });
  const references = usesOfRenamed(source, tables);
  if (references.length === 0) return unchanged([]);
  const unsure = references.filter(({ certainty }) => certainty !== "named");
  if (unsure.length > 0) return unchanged(unsure);

  const places = new Map<number, { place: NamePlace; reference: TableReference }>();
  const tokens = tokensOf(source.text);
  for (const reference of references) {
    const { table } = reference;
    const place = placeOfName(source.text, tokens, reference.at, table);
    const known = places.get(reference.at);
    const isSure = place !== null && !("escaped" in place) &&
      fitsAt(place, `${table.schema}${table.newName}`);
    if (!isSure) unsure.push(reference);
    // What is done with a table can be noted beside the use of its name.
    else if (known === undefined || reference.aliasAt !== null) {
      places.set(reference.at, { place, reference });
    }
  }
  const meant = new Set([...places.values()].map(({ reference }) => reference.table.oid));
  // Such as the constraint in ON CONFLICT ON CONSTRAINT: the table is named elsewhere in the source.
  const missed = unsure.filter(({ table }) => !meant.has(table.oid));
  if (missed.length > 0) return unchanged(missed);

  const edited = new Set([...places.values()].map(({ place }) => place.start));
  const remaining = [...identifiersOf(source.text, edited)]
    .filter(({ start }) => !edited.has(start));
  const edits: Edit[] = [];
  for (const { place, reference } of places.values()) {
    const { table } = reference;
    const isHidden = mentionOf(withoutComments(source.text), table.newName!) >= 0 ||
      variables.includes(table.newName!) || hasNamesake(table, tables);
    const uses = remaining.filter(({ value }) => value === table.name);
    // `public.old.id`, which an alias would make wrong.
    const isBetween = ({ before, after }: Identifier) => isMark(before, ".") && isMark(after, ".");
    if (uses.some(isBetween)) return unchanged([reference]);
    const needsAlias = isHidden || uses.length > 0;
    // The relation of TABLE name takes no alias.
    const canHaveAlias = !/\btable\s+(?:only\s+)?$/i.test(
      source.text.slice(Math.max(0, reference.at - 40), reference.at),
    );
    if (needsAlias && !canHaveAlias && reference.aliasAt !== null) return unchanged([reference]);
    const schema = isHidden && !place.qualified ? `${writtenAt(place, table.schema)}.` : "";
    const name = schema + writtenAt(place, table.newName!);
    const { start, end } = place;
    edits.push({ at: start, length: end - start, text: name });
    if (needsAlias && reference.aliasAt !== null) {
      const alias = source.text.slice(start, end);
      edits.push({ at: reference.aliasAt, length: 0, text: ` as ${alias}` });
    }
  }
  edits.sort((a, b) => a.at - b.at);
  const text = applyEdits(source.text, edits);
  const same = readAlike(references, usesOfRenamed({ ...source, text }, withNewNames(tables)));
  return same ? { text, edits, unsure: [] } : unchanged(references);
}

/** Whether another schema has something of the new name, which a search path could find first. */
const hasNamesake = ({ schema, newName }: IndexedTable, { namesakes }: TableIndex): boolean =>
  [...namesakes.get(newName!) ?? []].some((other) => other !== schema);

/** Uses of the tables that have new names. TG_TABLE_NAME follows a rename by itself. */
const usesOfRenamed = (source: SqlSource, tables: TableIndex): TableReference[] =>
  referencesIn(source, tables)
    .filter(({ table, code }) => table.newName !== null && code !== "tg_table_name");

/** The source with all its edits, which are in its order and do not overlap. */
function applyEdits(text: string, edits: Edit[]): string {
  const parts: string[] = [];
  let done = 0;
  for (const edit of edits) {
    parts.push(text.slice(done, edit.at), edit.text);
    done = edit.at + edit.length;
  }
  return parts.join("") + text.slice(done);
}

const withoutComments = (text: string): string =>
  lex(text).tokens.map(({ kind, start, end }) => kind === "comment" ? " " : text.slice(start, end))
    .join("");

/** The same tables under their new names. */
function withNewNames(tables: TableIndex): TableIndex {
  const renamed = [...tables.byOid.values()]
    .map((table) => ({ ...table, name: table.newName ?? table.name }));
  return { ...indexOf(renamed), nameTakers: tables.nameTakers };
}

/** Whether the same is done with the same tables, in the same order. */
function readAlike(before: TableReference[], after: TableReference[]): boolean {
  const key = ({ table, code, certainty, detail }: TableReference) =>
    JSON.stringify([table.oid, code, certainty, detail]);
  return before.map(key).join() === after.map(key).join();
}
