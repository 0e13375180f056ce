/**
 * Writes the new names of tables in an SQL source, in place of the old ones: at exactly the positions that the
 * reader found, and nowhere else. All uses of a source are changed or none.
 */
import { lex, type Token } from "../parser/lexer.ts";
import { isIdentifier, isMark, onlyName, parse } from "../parser/nodes.ts";
import { type IndexedTable, indexOf, mentionOf, type TableIndex } from "../parser/table_index.ts";
import { identIfNeeded, literal } from "../quoting.ts";
import { referencesIn, type SqlSource, type TableReference } from "./table_references.ts";

/** Replaces `length` characters from index `at` on. */
export interface Edit {
  at: number;
  length: number;
  text: string;
}

export interface RewrittenSource {
  /** The source with the new names; the source as it is if nothing can be changed. */
  text: string;
  /** In the order of the source. */
  edits: Edit[];
  /** Uses because of which nothing was changed: a person has to look at them. */
  unsure: TableReference[];
}

/** What a name, with its schema and in quotes, is long at most: two names of 63 characters, each doubled, and blanks. */
const LONGEST_NAME = 600;

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
  for (const reference of references) {
    const place = placeOf(source.text, reference);
    const known = places.get(reference.at);
    if (place === null || !fits(place, reference.table)) unsure.push(reference);
    // What is done with a table can be noted beside the use of its name.
    else if (known === undefined || reference.aliasAt !== null) {
      places.set(reference.at, { place, reference });
    }
  }
  const meant = new Set([...places.values()].map(({ reference }) => reference.table.oid));
  // Such as the constraint in ON CONFLICT ON CONSTRAINT: the table is named elsewhere in the source.
  const missed = unsure.filter(({ table }) => !meant.has(table.oid));
  if (missed.length > 0) return unchanged(missed);

  const edited = new Set([...places.values()].map(({ place }) => place.at));
  const remaining = identifiersOf(source.text, edited);
  const edits: Edit[] = [];
  for (const { place, reference } of places.values()) {
    const { table } = reference;
    const isHidden = mentionOf(withoutComments(source.text), table.newName!) >= 0 ||
      variables.includes(table.newName!) || hasNamesake(table, tables);
    const uses = remaining.filter(({ value }) => value === table.name);
    // `public.old.id`, which an alias would make wrong.
    if (uses.some(({ qualifies }) => qualifies)) return unchanged([reference]);
    const needsAlias = isHidden || uses.length > 0;
    if (needsAlias && place.ofTable && reference.aliasAt !== null) return unchanged([reference]);
    const schema = isHidden && !place.hasSchema ? `${written(table.schema, place)}.` : "";
    const name = schema + written(table.newName!, place);
    edits.push({ at: place.at, length: place.length, text: name });
    if (needsAlias && reference.aliasAt !== null) {
      edits.push({ at: reference.aliasAt, length: 0, text: ` as ${place.written}` });
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
export function applyEdits(text: string, edits: Edit[]): string {
  const parts: string[] = [];
  let done = 0;
  for (const edit of edits) {
    parts.push(text.slice(done, edit.at), edit.text);
    done = edit.at + edit.length;
  }
  return parts.join("") + text.slice(done);
}

/** The name of a table in a source, without its schema. */
interface NamePlace {
  at: number;
  length: number;
  /** As the source has it, quotes included. */
  written: string;
  hasSchema: boolean;
  /** The character around the string that it is in, as in 'public.old'; null if it is in none. */
  quote: string | null;
  /** Whether it is the relation of TABLE name, which takes no alias. */
  ofTable: boolean;
}

/** Where a reference names its table; null if there is something else at its position. */
function placeOf(text: string, { at, table }: TableReference): NamePlace | null {
  const near = text.slice(at, at + LONGEST_NAME);
  const { tokens } = lex(near, { blanks: false });
  const [first] = tokens;
  if (first?.kind === "string") {
    const name = first.inner < 0 ? null : onlyName(parse(first.value).nodes);
    const inside = name && nameIn(first.value, lex(first.value, { blanks: false }).tokens, table);
    const quote = near[first.inner - 1];
    return inside &&
      { ...inside, at: at + first.inner + inside.at, quote, ofTable: false };
  }
  const place = nameIn(near, tokens, table);
  if (place === null) return null;
  const ofTable = /\btable\s+(?:only\s+)?$/i.test(text.slice(Math.max(0, at - 40), at));
  return { ...place, at: at + place.at, quote: null, ofTable };
}

/** The part of a name that is the table's: after the schema, and before a column. */
function nameIn(
  text: string,
  tokens: Token[],
  { schema, name }: IndexedTable,
): Omit<NamePlace, "quote" | "ofTable"> | null {
  const parts: Token[] = [];
  for (let i = 0; isIdentifier(tokens[i]); i += 2) {
    parts.push(tokens[i]);
    if (!isMark(tokens[i + 1], ".")) break;
  }
  const qualified = parts.findIndex((part, i) =>
    part.value === name && parts[i - 1]?.value === schema
  );
  const table = parts[Math.max(qualified, 0)];
  if (table?.value !== name) return null;
  const { start, end } = table;
  const written = text.slice(start, end);
  return { at: start, length: end - start, written, hasSchema: qualified > 0 };
}

/** A name as it is written at a place: without quotes where it needs none, and fit for the string around it. */
function written(name: string, { quote }: NamePlace): string {
  const quoted = identIfNeeded(name);
  return quote === "'" ? literal(quoted).slice(1, -1) : quoted;
}

/** Whether the new name can be written there: not into a string that it would end, or with escapes. */
const fits = ({ quote }: NamePlace, { newName, schema }: IndexedTable) =>
  quote === null || !/[\\$]/.test(`${schema}${newName}`);

interface Identifier {
  value: string;
  /** Whether a schema stands before it and a column behind it. */
  qualifies: boolean;
}

/** The identifiers of a source that are not among these positions, those in strings that have such a position too. */
function identifiersOf(text: string, places: Set<number>, from = 0): Identifier[] {
  const { tokens } = lex(text, { blanks: false });
  return tokens.flatMap((token, i) => {
    const at = from + token.start;
    if (isIdentifier(token)) {
      if (places.has(at)) return [];
      const qualifies = isMark(tokens[i - 1], ".") && isMark(tokens[i + 1], ".");
      return [{ value: token.value, qualifies }];
    }
    const inner = from + token.inner;
    const isRead = token.kind === "string" && token.inner >= 0 &&
      [...places].some((place) => place >= inner && place < from + token.end);
    return isRead ? identifiersOf(token.value, places, inner) : [];
  });
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
